//! Nodes: machines with their unit and containers, and members of groups.

use std::sync::Arc;

use ovo_api::act::Role;
use ovo_model::{ContainerRef, MediaState, NodeName, ResourceId, UnitState, Wall};
use serde::{Deserialize, Serialize};

use crate::ledger::Blame;

/// Whether a machine is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Power {
    /// It runs and answers.
    On,
    /// It runs, its calls go on, and it does not answer us.
    Hung,
    /// It is dead and may come back.
    Off,
    /// It is gone for good.
    Gone,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Machine name or instance id.
    pub name: NodeName,
    /// What it is for.
    pub role: Role,
    /// Address.
    pub address: Arc<str>,
    /// Availability zone, where there are zones.
    pub zone: Option<Arc<str>>,
    /// Whether it is up.
    pub power: Power,
    /// Counts its boots.
    pub boots: u32,
    /// Counts the lives of its processes: what was going to happen in an earlier one is void.
    pub(crate) life: u64,
    /// What it is made of.
    pub body: Body,
}

/// What a node is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A machine that somebody listed.
    Machine(Machine),
    /// A member of a group.
    Instance(Instance),
}

/// A container's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Which one it is.
    pub is: ContainerRef,
    /// It runs.
    pub running: bool,
    /// It was signalled: takes nothing new and exits when what it does has ended.
    pub closing: bool,
    /// It takes the drain signal.
    pub drained: bool,
}

/// A machine of a v3 deployment.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, in any combination"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Infrastructure id in the record that lies on it; another deployment's record makes it foreign.
    pub owner: Option<String>,
    /// Digest of what is installed, by the record on it.
    pub installed: Option<String>,
    /// The software is gone, and the record of it not yet: an uninstallation died half-way.
    pub stripped: bool,
    /// The installation under way: digest, begun, over at.
    pub job: Option<(String, Wall, Wall)>,
    /// The words of an installation that failed.
    pub failed: Option<String>,
    /// The next installation will fail.
    pub will_fail: bool,
    /// The systemd unit.
    pub unit: UnitState,
    /// Its containers.
    pub processes: Vec<Process>,
    /// The media server is among the cluster's nodes in Redis.
    pub joined: bool,
    /// Redis still has the record of a media server that crashed.
    pub stale_record: bool,
    /// The newest leader's epoch that it has seen.
    pub epoch: i64,
    /// Drain markers and when they were made.
    pub markers: Vec<(ContainerRef, Wall)>,
}

/// Where a member of a group stands, by the group's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// It boots.
    Pending,
    /// It has booted and its launch hook runs: not protected yet, and it may already hold rooms.
    LaunchHook,
    /// In service.
    InService,
    /// It was told to end; its processes are gone as far as conversations go.
    Terminating,
}

/// What OpenVidu 2's masters wrote into a node's `ov-medianode-status` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tag {
    /// Not registered yet.
    Launching,
    /// Its launch was called off.
    Canceled,
    /// Takes new sessions.
    Running,
    /// `waiting-idle-to-terminate`: closed, what runs goes on.
    Quarantined,
    /// On its way out.
    Terminating,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its group.
    pub group: ResourceId,
    /// Where it stands.
    pub phase: Phase,
    /// Scale-in protection.
    pub protected: bool,
    /// What the masters say of it.
    pub tag: Tag,
    /// Launched at.
    pub launched: Wall,
    /// In service since.
    pub in_service: Option<Wall>,
    /// Since when its health check fails.
    pub sick: Option<Wall>,
    /// The services on it are up (masters: they answer the balancer).
    pub up: bool,
    /// The step of ours for whose sake it was closed, unprotected or ended.
    pub(crate) blame: Option<Blame>,
}

// === impl Node ===

impl Node {
    /// Its processes run, whether it answers or not.
    pub const fn is_up(&self) -> bool {
        matches!(self.power, Power::On | Power::Hung)
    }

    /// The machine, if it is one.
    pub const fn machine(&self) -> Option<&Machine> {
        match &self.body {
            Body::Machine(machine) => Some(machine),
            Body::Instance(_) => None,
        }
    }

    pub(crate) const fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.body {
            Body::Machine(machine) => Some(machine),
            Body::Instance(_) => None,
        }
    }

    /// The member of a group, if it is one.
    pub const fn instance(&self) -> Option<&Instance> {
        match &self.body {
            Body::Instance(instance) => Some(instance),
            Body::Machine(_) => None,
        }
    }

    pub(crate) const fn instance_mut(&mut self) -> Option<&mut Instance> {
        match &mut self.body {
            Body::Instance(instance) => Some(instance),
            Body::Machine(_) => None,
        }
    }

    /// Where it stands in the cluster, by its own word or its masters'.
    pub fn media_state(&self) -> MediaState {
        match &self.body {
            Body::Machine(machine) if self.is_up() => machine.media_state(),
            Body::Machine(_) => MediaState::Absent,
            Body::Instance(instance) => match instance.tag {
                Tag::Launching => MediaState::Launching,
                Tag::Canceled => MediaState::Canceled,
                Tag::Running => MediaState::Serving,
                Tag::Quarantined => MediaState::Closed,
                Tag::Terminating => MediaState::Leaving,
            },
        }
    }

    /// New rooms come here.
    pub fn is_open(&self) -> bool {
        self.role == Role::Media
            && self.is_up()
            && self.media_state() == MediaState::Serving
            && self
                .instance()
                .is_none_or(|i| i.up && matches!(i.phase, Phase::LaunchHook | Phase::InService))
    }

    /// It is closed, and what runs on it goes on.
    pub fn is_closed_alive(&self) -> bool {
        self.role == Role::Media && self.is_up() && self.media_state() == MediaState::Closed
    }

    /// Counts as a node that is there: started, draining, launching.
    pub fn counts(&self) -> bool {
        self.role == Role::Media
            && match &self.body {
                Body::Machine(machine) => self.is_up() && machine.unit.active,
                Body::Instance(instance) => instance.phase != Phase::Terminating,
            }
    }

    /// A service of this name on it takes something new.
    pub fn takes(&self, container: &str) -> bool {
        self.is_up()
            && match &self.body {
                Body::Machine(machine) => machine
                    .process(container)
                    .is_some_and(|p| p.running && !p.closing),
                Body::Instance(_) => self.is_open(),
            }
    }
}

// === impl Machine ===

impl Machine {
    /// The container of this name.
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|p| p.is.name == name)
    }

    /// Anything of it runs.
    pub fn any_running(&self) -> bool {
        self.processes.iter().any(|p| p.running)
    }

    /// Something was signalled and still runs.
    pub fn draining(&self) -> bool {
        self.processes.iter().any(|p| p.running && p.closing)
    }

    /// Something of ours is on it.
    pub fn touched(&self) -> bool {
        self.installed.is_some()
            || self.job.is_some()
            || self.failed.is_some()
            || self.owner.is_some()
    }

    fn media_state(&self) -> MediaState {
        match self.process("openvidu") {
            Some(p) if !p.running => MediaState::Absent,
            None => MediaState::Absent,
            Some(p) if p.closing => MediaState::Closed,
            Some(_) if self.joined => MediaState::Serving,
            Some(_) => MediaState::Launching,
        }
    }
}
