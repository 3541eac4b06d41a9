//! Planted bugs, each found twice: refused by the checker, and seen by the oracle when nobody checks.

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::act::Role;
use ovo_api::node::NodePhase;
use ovo_api::profile::OccupancySource;
use ovo_engine::Checking;
use ovo_model::{Millis, NodeName, Ownership, ResourceId, Scalar, Wall};
use ovo_planner::bugs::{Bug, Bugs};
use ovo_world::{Phase, RoomPlan, Script, Timings};
use serde_json::json;

use crate::bed::{Bed, Setup};
use crate::gate::Gate;
use crate::manifests::Shape;
use crate::scenario::{closed, media};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;

/// The bugs that a checker of plans can refuse. (Those of the engine it never sees: only the oracle does.)
pub fn bugs() -> impl Iterator<Item = Bug> {
    let of_the_engine = |bug: &Bug| matches!(bug, Bug::NoLiveRead | Bug::ReleasesFirst);
    Bug::ALL.into_iter().filter(move |bug| !of_the_engine(bug))
}

/// What one run showed.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Rules by which the checker refused, with the last words of each.
    pub refused: BTreeMap<String, String>,
    /// What the oracle saw.
    pub harms: BTreeSet<String>,
}

/// The rule that a bug breaks.
pub const fn rule(bug: Bug) -> &'static str {
    match bug {
        Bug::EndWithoutClosing
        | Bug::EndWhileOccupied
        | Bug::ShrinkWhilePending
        | Bug::ForceUntyped => "S1",
        Bug::MissingIsZero | Bug::StaleCounts => "S2",
        Bug::TwoMasters => "S3",
        Bug::LostMarker => "S4",
        Bug::NoGrace => "S5",
        Bug::NoLimit | Bug::OffByOne => "S6",
        Bug::NoRemediationCap => "S7",
        Bug::DeletesBucket | Bug::WrongOwner => "S8",
        Bug::NoPause => "S9",
        Bug::WritesAlways => "S10",
        Bug::ChangedDefault => "S11",
        Bug::BalancerFirst | Bug::LeavesRest => "S12",
        Bug::CutsForDrift | Bug::WrongCuts => "S13",
        Bug::NoLiveRead | Bug::ReleasesFirst => "none: it is no plan's",
    }
}

/// Runs the course that brings a bug out.
pub fn run(bug: Bug, planted: bool, checking: Checking) -> Found {
    let shape = match bug {
        Bug::ShrinkWhilePending
        | Bug::TwoMasters
        | Bug::DeletesBucket
        | Bug::WrongOwner
        | Bug::BalancerFirst
        | Bug::LeavesRest => Shape::V2,
        _ => Shape::V3,
    };
    let mut setup = Setup::quiet(shape);
    setup.size.machines = 10;
    if bug == Bug::ShrinkWhilePending {
        // A launch hook of 30 seconds, in which a node already takes rooms.
        setup.world.timings = Timings::default();
    }
    if bug == Bug::NoRemediationCap {
        // Room for stand-ins: only the cap of repair holds them back.
        setup.size.max = 8;
    }
    setup.options.checking = checking;
    if planted {
        setup.options.bugs = Bugs::only(bug);
    }
    let mut watched = Watched {
        bed: Bed::new(&setup, &Gate::open()),
        harms: BTreeSet::new(),
        before: Before::default(),
    };
    watched.course(bug);
    let mut harms = watched.harms;
    for violation in watched.bed.door.look(|w| w.ledger().violations.clone()) {
        harms.insert(format!("{:?}: {}", violation.harm, violation.words));
    }
    Found {
        refused: watched.bed.tally.rules,
        harms,
    }
}

/// Plants a bug and says what of it was not found; nothing, when it was found twice over.
pub fn missed(bug: Bug) -> Vec<String> {
    let mut missed = Vec::new();
    let healthy = run(bug, false, Checking::On);
    if !healthy.harms.is_empty() {
        missed.push(format!(
            "{bug:?}: without the bug the same course does harm: {:#?}",
            healthy.harms
        ));
    }
    let checked = run(bug, true, Checking::On);
    if !checked.refused.contains_key(rule(bug)) {
        missed.push(format!(
            "{bug:?}: the checker did not refuse it by {}: {:#?}",
            rule(bug),
            checked.refused
        ));
    }
    if !checked.harms.is_empty() {
        missed.push(format!(
            "{bug:?}: harm in spite of the checker: {:#?}",
            checked.harms
        ));
    }
    let unchecked = run(bug, true, Checking::Off);
    if unchecked.harms.is_empty() {
        missed.push(format!(
            "{bug:?}: the oracle saw no harm: the course does not bring it out"
        ));
    }
    missed
}

#[derive(Default)]
struct Before {
    executed: u64,
    paused: bool,
    masters: Option<i64>,
    running: usize,
    settled: bool,
}

/// A bed under the eyes of oracles that look after every round.
struct Watched {
    bed: Bed,
    harms: BTreeSet<String>,
    before: Before,
}

impl Watched {
    fn pass(&mut self, millis: Millis) {
        self.until(millis, |_| false);
    }

    fn until(&mut self, within: Millis, done: impl Fn(&Bed) -> bool) -> bool {
        let deadline = Wall(self.bed.clock.wall().0 + within);
        while self.bed.clock.wall() < deadline {
            if done(&self.bed) {
                return true;
            }
            self.bed.round();
            self.look();
        }
        done(&self.bed)
    }

    fn harm(&mut self, words: impl Into<String>) {
        self.harms.insert(words.into());
    }

    fn look(&mut self) {
        let executed = self.bed.door.look(|w| w.ledger().executed);
        if self.bed.door.look(|w| w.ledger().cut_as_allowed) > 0 {
            self.harm("conversations were cut by a force that nobody had typed");
        }
        let paused = self.bed.cluster().is_some_and(|c| c.spec.paused());
        if self.before.paused && paused && executed > self.before.executed {
            self.harm("something was done to a paused cluster");
        }
        if self.before.settled && executed > self.before.executed {
            self.harm("something was done to a cluster that is as declared");
        }
        let masters = self.bed.deployment(|d| {
            match d
                .resource(&ResourceId::new("Group", "masters"))?
                .1
                .get("desired")?
            {
                Scalar::Int(n) => Some(*n),
                _ => None,
            }
        });
        let masters = masters.flatten();
        if let (Some(before), Some(now)) = (self.before.masters, masters)
            && before - now > 1
            && !self.bed.gone()
            && self
                .bed
                .cluster()
                .is_some_and(|c| c.metadata.deletion_timestamp.is_none())
        {
            self.harm(format!("{} masters were disrupted at once", before - now));
        }
        let mode = self
            .bed
            .cluster()
            .and_then(|c| c.status.clone()?.autoscaler)
            .map(|a| a.mode);
        if mode.is_some_and(|m| m != "Manual") {
            self.harm("the mode in force changed and nobody had asked for it");
        }
        self.look_at_nodes();
        self.before.executed = executed;
        self.before.paused = paused;
        self.before.masters = masters;
    }

    fn look_at_nodes(&mut self) {
        let now = self.bed.clock.wall();
        let young: Vec<String> = self
            .bed
            .store
            .list_nodes()
            .iter()
            .filter_map(|n| {
                let status = n.status.as_ref()?;
                let joined = Wall::from_time(status.joined_at.as_ref()?);
                let closing = matches!(status.phase, NodePhase::Draining | NodePhase::Drained);
                (closing && now.since(joined) < 120_000).then(|| n.spec.machine.clone())
            })
            .collect();
        for node in young {
            self.harm(format!("{node} was closed a moment after it had joined"));
        }
        let (running, dead, rooms, balancer) = self
            .bed
            .deployment(|d| {
                let started = |n: &&ovo_world::Node| n.machine().is_some_and(|m| m.unit.enabled);
                let balancer = d.resources().any(|r| r.kind == "LoadBalancer");
                let dead = d
                    .nodes_in(Role::Media)
                    .filter(|n| started(n) && !n.is_up())
                    .count();
                (
                    d.nodes_in(Role::Media).filter(started).count(),
                    dead,
                    d.rooms.len(),
                    balancer,
                )
            })
            .unwrap_or_default();
        if dead > 2 && running > self.before.running && self.before.running > 0 {
            self.harm(format!("{dead} nodes are dead and more were started"));
        }
        self.before.running = running;
        let deleting = self
            .bed
            .cluster()
            .is_some_and(|c| c.metadata.deletion_timestamp.is_some());
        if deleting && rooms > 0 && !balancer {
            self.harm("the balancer went while people talked");
        }
        if self.bed.gone() {
            let left = self.bed.door.look(|w| {
                w.deployments()
                    .flat_map(|(_, d)| d.leftovers())
                    .collect::<Vec<_>>()
            });
            if !left.is_empty() {
                self.harm(format!("left behind: {}", left.join(", ")));
            }
        }
    }

    fn replicas(&mut self, count: i32) {
        self.bed
            .edit(|spec| spec["media"]["replicas"] = json!(count));
    }

    fn room(&self, node: &NodeName, length: Millis) {
        self.bed.script(Script::StartRoom {
            node: Some(node.clone()),
            plan: RoomPlan::alone(length),
        });
    }

    fn rooms(&self, length: Millis) {
        for node in media(&self.bed) {
            self.room(&node, length);
        }
    }

    fn course(&mut self, bug: Bug) {
        // What is wrong from the first moment on shows here.
        self.until(2 * HOUR, Bed::ready);
        self.pass(10 * MINUTE);
        match bug {
            Bug::EndWithoutClosing | Bug::EndWhileOccupied => {
                self.rooms(HOUR);
                self.replicas(2);
                self.pass(20 * MINUTE);
            }
            Bug::LostMarker => {
                self.rooms(HOUR);
                self.replicas(2);
                self.until(HOUR, |b| !closed(b).is_empty());
                self.pass(MINUTE);
                for node in closed(&self.bed) {
                    self.bed.script(Script::LoseMarkers { node });
                }
                self.pass(20 * MINUTE);
            }
            Bug::MissingIsZero => {
                self.rooms(HOUR);
                self.replicas(2);
                self.until(HOUR, |b| !closed(b).is_empty());
                self.silence();
                self.pass(20 * MINUTE);
            }
            Bug::StaleCounts => {
                self.replicas(2);
                self.silence();
                self.rooms(HOUR);
                self.bed
                    .edit(|spec| spec["media"]["drain"] = json!({"maxConcurrent": 3}));
                self.drain_by_hand();
                self.pass(20 * MINUTE);
            }
            Bug::ShrinkWhilePending => {
                self.rooms(HOUR);
                self.replicas(5);
                self.until(HOUR, |b| {
                    b.deployment(|d| {
                        d.nodes_in(Role::Media).any(|n| {
                            n.instance().is_some_and(|i| i.phase == Phase::LaunchHook)
                                && n.is_open()
                        })
                    })
                    .unwrap_or(false)
                });
                self.rooms(HOUR);
                self.replicas(2);
                self.pass(20 * MINUTE);
            }
            Bug::ForceUntyped => {
                self.rooms(HOUR);
                self.annotate(ovo_api::annotations::FORCE, "yes");
                self.pass(20 * MINUTE);
            }
            Bug::TwoMasters => {
                self.bed
                    .edit(|spec| spec["masters"] = json!({"min": 1, "max": 4, "desired": 4}));
                self.until(2 * HOUR, Bed::ready);
                self.bed
                    .edit(|spec| spec["masters"] = json!({"min": 1, "max": 4, "desired": 1}));
                self.pass(HOUR);
            }
            Bug::NoGrace => {
                self.replicas(4);
                self.until(HOUR, |b| media(b).len() == 4);
                self.pass(10_000);
                self.replicas(3);
                self.pass(20 * MINUTE);
            }
            Bug::NoLimit | Bug::OffByOne => {
                self.replicas(5);
                self.until(2 * HOUR, Bed::ready);
                self.pass(5 * MINUTE);
                self.rooms(HOUR);
                self.replicas(1);
                self.until(HOUR, |b| closed(b).len() == 2);
                self.replicas(5);
                self.pass(20 * MINUTE);
            }
            Bug::NoRemediationCap => {
                self.replicas(5);
                self.until(2 * HOUR, Bed::ready);
                for node in media(&self.bed).into_iter().take(4) {
                    self.bed.script(Script::PowerOff {
                        node,
                        back: Some(3 * HOUR),
                    });
                }
                self.pass(HOUR);
            }
            Bug::DeletesBucket | Bug::LeavesRest => {
                self.bed.delete();
                self.until(6 * HOUR, Bed::gone);
            }
            Bug::BalancerFirst => {
                self.rooms(HOUR);
                self.bed.delete();
                self.pass(30 * MINUTE);
            }
            Bug::WrongOwner => {
                let resource = ResourceId::new("SecurityGroup", "media");
                self.bed.script(Script::Vanish {
                    resource: resource.clone(),
                });
                self.bed.script(Script::Plant {
                    resource,
                    ownership: Ownership::Foreign("somebody".to_owned()),
                });
                self.pass(20 * MINUTE);
            }
            Bug::NoPause => {
                self.bed.edit(|spec| spec["paused"] = json!(true));
                self.pass(MINUTE);
                self.replicas(5);
                self.pass(20 * MINUTE);
            }
            Bug::WritesAlways | Bug::ChangedDefault => {
                self.pass(20 * MINUTE);
                self.before.settled = true;
                self.pass(20 * MINUTE);
            }
            Bug::CutsForDrift => {
                self.rooms(HOUR);
                self.bed.script(Script::Tamper {
                    resource: ResourceId::new("Config", "cluster"),
                    property: "digest".to_owned(),
                    value: Scalar::from("by-hand"),
                });
                self.pass(20 * MINUTE);
            }
            Bug::WrongCuts => {
                self.rooms(HOUR);
                self.bed
                    .edit(|spec| spec["config"] = json!({"OPENVIDU_CDR": "true"}));
                self.pass(20 * MINUTE);
            }
            Bug::NoLiveRead | Bug::ReleasesFirst => {}
        }
    }

    /// No source says anything about any media node for an hour.
    fn silence(&self) {
        for node in media(&self.bed).into_iter().chain(closed(&self.bed)) {
            for source in [
                OccupancySource::LiveKit,
                OccupancySource::Egress,
                OccupancySource::Ingress,
            ] {
                self.bed.script(Script::Silence {
                    node: node.clone(),
                    source,
                    length: HOUR,
                });
            }
        }
    }

    /// A person asks for a drain of every media node but the first.
    fn drain_by_hand(&mut self) {
        self.annotate(ovo_api::annotations::DRAIN, "by hand");
    }

    /// Annotates every serving media node but the first.
    #[expect(clippy::expect_used, reason = "a store that refuses fails its test")]
    fn annotate(&mut self, annotation: &str, value: &str) {
        let nodes = self.bed.store.list_nodes();
        let serving = nodes.iter().filter(|n| {
            n.spec.role == Role::Media
                && n.status
                    .as_ref()
                    .is_some_and(|s| s.phase == NodePhase::Serving)
        });
        for node in serving.skip(1) {
            let key = ovo_store::ObjectKey::of(&**node);
            let call = self
                .bed
                .store
                .set_node_annotation(&key, annotation, Some(value));
            crate::bed::now_or_never(call)
                .expect("at once")
                .expect("a node to annotate");
        }
        self.bed.wake();
    }
}
