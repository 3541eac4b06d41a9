//! Everything that comes into a world from outside, as data: what can be written down can be played again.

use std::collections::BTreeSet;
use std::sync::Arc;

use ovo_api::act::ActKind;
use ovo_api::profile::OccupancySource;
use ovo_model::{
    Millis, NodeName, Outcome, Ownership, ProviderError, ResourceId, ResourceState, Scalar, Step,
};
use serde::{Deserialize, Serialize};

use crate::config::MastersManner;
use crate::deployment::{Sight, Thing};
use crate::execute::Act;
use crate::node::{Node, Power};
use crate::room::{RoomId, RoomPlan};
use crate::world::{Dep, World};

/// Something that comes into the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// A deployment and its machines are there.
    Sight(Sight),
    /// The operator acts.
    Act(Box<Act>),
    /// The adversary's chance after a whole look.
    Looked {
        /// Infrastructure id.
        deployment: Arc<str>,
    },
    /// The adversary's chance before a step.
    Before {
        /// Infrastructure id.
        deployment: Arc<str>,
        /// What is going to be done.
        step: Box<Step>,
    },
    /// Something that a test or a demonstration wants to happen.
    Script {
        /// Infrastructure id.
        deployment: Arc<str>,
        /// What.
        script: Script,
    },
}

/// Something that a test or a demonstration wants to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// A room opens, on a named node whatever its state, or where rooms go.
    StartRoom {
        /// Where.
        node: Option<NodeName>,
        /// What people plan.
        plan: RoomPlan,
    },
    /// Everybody leaves a room.
    EndRoom {
        /// Which.
        room: RoomId,
    },
    /// A container's process ends by itself and is started again by its engine.
    Crash {
        /// Where.
        node: NodeName,
        /// Which.
        container: String,
    },
    /// The containers of a drained node start again and take sessions.
    ComeBack {
        /// Which node.
        node: NodeName,
    },
    /// A machine does not answer, and its calls go on.
    Hang {
        /// Which.
        node: NodeName,
        /// For how long, in milliseconds; for ever if it does not say.
        length: Option<Millis>,
    },
    /// A machine is dead.
    PowerOff {
        /// Which.
        node: NodeName,
        /// Boots again after this many milliseconds; never if it does not say.
        back: Option<Millis>,
    },
    /// A machine that is off boots.
    Boot {
        /// Which.
        node: NodeName,
    },
    /// A machine is gone for good.
    Disappear {
        /// Which.
        node: NodeName,
    },
    /// The next installation on a machine fails.
    FailInstall {
        /// Which.
        node: NodeName,
    },
    /// Somebody sends the drain signal by hand, without a marker.
    SignalByHand {
        /// Where.
        node: NodeName,
        /// To which container.
        container: String,
    },
    /// The drain markers on a machine are lost.
    LoseMarkers {
        /// Which.
        node: NodeName,
    },
    /// Another deployment's record lies on a machine.
    Claim {
        /// Which.
        node: NodeName,
        /// Whose.
        owner: String,
    },
    /// The masters turn a quarantined node back.
    TurnBack {
        /// Which.
        node: NodeName,
    },
    /// Somebody changes a property by hand.
    Tamper {
        /// Of which resource.
        resource: ResourceId,
        /// Which property.
        property: String,
        /// To what.
        value: Scalar,
    },
    /// Somebody deletes a resource by hand.
    Vanish {
        /// Which.
        resource: ResourceId,
    },
    /// A resource that is not ours lies under one of our names.
    Plant {
        /// Which.
        resource: ResourceId,
        /// Whose it is.
        ownership: Ownership,
    },
    /// The user allows acts of these kinds to cut: the oracle counts them apart.
    AllowCuts {
        /// Which kinds.
        acts: BTreeSet<ActKind>,
    },
    /// Redis is slow.
    SlowRedis {
        /// For how long, in milliseconds.
        length: Millis,
    },
    /// Every call is throttled.
    Throttle {
        /// For how long, in milliseconds.
        length: Millis,
    },
    /// One source says nothing about one node.
    Silence {
        /// About which.
        node: NodeName,
        /// Which source.
        source: OccupancySource,
        /// For how long, in milliseconds.
        length: Millis,
    },
    /// The masters behave differently from now on.
    Masters(MastersManner),
}

/// What the world says to an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing to say.
    Nothing,
    /// To an act.
    Act(Result<Outcome, ProviderError>),
    /// A room was opened.
    Room(RoomId),
}

impl World {
    /// Lets an input take effect now.
    pub fn apply(&mut self, input: &Input) -> Answer {
        match input {
            Input::Sight(sight) => {
                self.sight(sight);
            }
            Input::Act(act) => return Answer::Act(self.execute(act)),
            Input::Looked { deployment } => {
                if let Some(dep) = self.find(deployment) {
                    self.adversary_after_observe(dep);
                }
            }
            Input::Before { deployment, step } => {
                if let Some(dep) = self.find(deployment) {
                    self.adversary_before_execute(dep, step);
                }
            }
            Input::Script { deployment, script } => {
                if let Some(dep) = self.find(deployment) {
                    return self.script(dep, script);
                }
            }
        }
        Answer::Nothing
    }

    fn script(&mut self, dep: Dep, script: &Script) -> Answer {
        match script {
            Script::StartRoom { node, plan } => {
                return Answer::Room(self.scripted_room(dep, node.as_ref(), plan.clone()));
            }
            Script::EndRoom { room } => self.end_room(dep, *room),
            Script::Crash { node, container } => self.crash(dep, node, container),
            Script::ComeBack { node } => self.come_back(dep, node),
            Script::Hang { node, length } => self.hang(dep, node, *length),
            Script::PowerOff { node, back } => self.power_off(dep, node, *back, Power::Off),
            Script::Boot { node } => self.boot(dep, node),
            Script::Disappear { node } => self.power_off(dep, node, None, Power::Gone),
            Script::TurnBack { node } => self.turn_back(dep, node),
            Script::SignalByHand { node, container } => {
                self.deliver_signal(dep, node, container, None);
            }
            Script::FailInstall { node } => self.with_machine(dep, node, |m| m.will_fail = true),
            Script::LoseMarkers { node } => self.with_machine(dep, node, |m| m.markers.clear()),
            Script::Claim { node, owner } => {
                self.with_machine(dep, node, |m| m.owner = Some(owner.clone()));
            }
            Script::Tamper {
                resource,
                property,
                value,
            } => {
                if let Some(thing) = self.dep_mut(dep).things.get_mut(resource) {
                    thing.properties.insert(property.clone(), value.clone());
                    thing.shrunk = None;
                }
            }
            Script::Vanish { resource } => {
                self.dep_mut(dep).things.remove(resource);
            }
            Script::Plant {
                resource,
                ownership,
            } => {
                let version = self.serial();
                self.dep_mut(dep)
                    .things
                    .insert(resource.clone(), Thing::planted(ownership.clone(), version));
            }
            Script::AllowCuts { acts } => self.dep_mut(dep).allowed.clone_from(acts),
            Script::SlowRedis { length } => {
                let until = self.after(*length);
                self.dep_mut(dep).trouble.redis_slow_until = Some(until);
            }
            Script::Throttle { length } => {
                let until = self.after(*length);
                self.dep_mut(dep).trouble.throttled_until = Some(until);
            }
            Script::Silence {
                node,
                source,
                length,
            } => {
                let until = self.after(*length);
                self.dep_mut(dep)
                    .trouble
                    .silent
                    .insert((node.clone(), *source), until);
            }
            Script::Masters(manner) => self.config.masters = manner.clone(),
        }
        Answer::Nothing
    }

    fn with_machine(
        &mut self,
        dep: Dep,
        node: &NodeName,
        change: impl FnOnce(&mut crate::node::Machine),
    ) {
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            change(machine);
        }
    }
}

impl Thing {
    fn planted(ownership: Ownership, version: u64) -> Self {
        Self {
            ownership,
            state: ResourceState::Ready,
            properties: std::collections::BTreeMap::new(),
            outputs: std::collections::BTreeMap::new(),
            version,
            shrunk: None,
        }
    }
}
