//! Named courses of events, each from a new cluster to an end that can be compared.
//!
//! A scenario waits for what is in the world or in the store, never for what the operator remembers: it may die
//! at any moment.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_model::{Millis, NodeName, ResourceId, Scalar};
use ovo_world::{Deployment, RoomPlan, Script};
use serde_json::json;

use crate::bed::{Bed, Setup};
use crate::gate::Gate;
use crate::home::Home;
use crate::manifests::Shape;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;

/// A course of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// A cluster is made.
    Create,
    /// More media nodes are declared.
    Grow,
    /// Fewer are declared while people talk.
    DrainAndShrink,
    /// A media node dies.
    NodeDies,
    /// A media node dies while it drains.
    NodeDiesWhileDraining,
    /// A master dies and is replaced, or repaired.
    MasterReplaced,
    /// OpenVidu's configuration changes while people talk.
    ConfigChange,
    /// The cluster is paused in the middle of a drain, and goes on later.
    PauseInMidDrain,
    /// The cluster is deleted while it is being made.
    DeleteInMidCreate,
    /// The cluster is deleted while people talk.
    Delete,
    /// The object of a media node is deleted while people talk on it.
    NodeDeleted,
}

impl Scenario {
    /// Those whose points are enumerated over the embedded store: all but `NodeDeleted`, which is about how an API server
    /// deletes.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Grow,
        Self::DrainAndShrink,
        Self::NodeDies,
        Self::NodeDiesWhileDraining,
        Self::MasterReplaced,
        Self::ConfigChange,
        Self::PauseInMidDrain,
        Self::DeleteInMidCreate,
        Self::Delete,
    ];

    /// Whether the cluster is gone at its end.
    const fn deletes(self) -> bool {
        matches!(self, Self::DeleteInMidCreate | Self::Delete)
    }

    /// Runs it to its end. Points of the gate count from where the scenario itself begins.
    ///
    /// # Errors
    /// What was waited for in vain, or what harm was done.
    pub fn run(self, setup: &Setup, gate: &Gate) -> Result<End, String> {
        self.run_in(&mut Bed::new(setup, gate))
    }

    /// Runs it in this bed, which is new.
    ///
    /// # Errors
    /// What was waited for in vain, or what harm was done.
    pub fn run_in<H: Home>(self, bed: &mut Bed<H>) -> Result<End, String> {
        if !matches!(self, Self::Create | Self::DeleteInMidCreate) {
            wait(bed, "the cluster to be ready", 2 * HOUR, Bed::ready)?;
            // Grace periods and windows are over before anything is asked for.
            bed.pass(3 * MINUTE);
        }
        bed.arm();
        self.course(bed)?;
        if self.deletes() {
            wait(bed, "the cluster to be gone", 6 * HOUR, Bed::gone)?;
        } else {
            wait(bed, "the cluster to be ready", 6 * HOUR, Bed::ready)?;
            steady(bed)?;
        }
        End::of(bed)
    }

    fn course<H: Home>(self, bed: &mut Bed<H>) -> Result<(), String> {
        match self {
            Self::Create => Ok(()),
            Self::Grow => {
                rooms(bed, 20 * MINUTE);
                replicas(bed, 5);
                Ok(())
            }
            Self::DrainAndShrink => {
                rooms(bed, 20 * MINUTE);
                replicas(bed, 1);
                wait(bed, "a node to close", HOUR, closing)?;
                wait(bed, "the cluster to be ready", 6 * HOUR, Bed::ready)
            }
            Self::NodeDies => {
                rooms(bed, 20 * MINUTE);
                let victim = media(bed).into_iter().next().ok_or("no media node")?;
                bed.script(Script::PowerOff {
                    node: victim,
                    back: Some(30 * MINUTE),
                });
                bed.pass(40 * MINUTE);
                Ok(())
            }
            Self::NodeDiesWhileDraining => {
                rooms(bed, 20 * MINUTE);
                replicas(bed, 2);
                wait(bed, "a node to close", HOUR, closing)?;
                let victim = closed(bed).into_iter().next().ok_or("no closed node")?;
                bed.script(Script::PowerOff {
                    node: victim,
                    back: Some(30 * MINUTE),
                });
                bed.pass(40 * MINUTE);
                Ok(())
            }
            Self::MasterReplaced => {
                rooms(bed, 20 * MINUTE);
                let master = bed
                    .deployment(|d| d.nodes_in(Role::Master).map(|n| n.name.clone()).next())
                    .flatten()
                    .ok_or("no master")?;
                bed.script(Script::PowerOff {
                    node: master,
                    back: Some(10 * MINUTE),
                });
                bed.pass(30 * MINUTE);
                Ok(())
            }
            Self::ConfigChange => {
                rooms(bed, 20 * MINUTE);
                bed.edit(|spec| spec["config"] = json!({"OPENVIDU_CDR": "true"}));
                Ok(())
            }
            Self::PauseInMidDrain => {
                rooms(bed, 20 * MINUTE);
                replicas(bed, 2);
                wait(bed, "a node to close", HOUR, closing)?;
                bed.edit(|spec| spec["paused"] = json!(true));
                bed.pass(30 * MINUTE);
                bed.edit(|spec| spec["paused"] = json!(false));
                Ok(())
            }
            Self::DeleteInMidCreate => {
                bed.pass(5_000);
                bed.delete();
                Ok(())
            }
            Self::Delete => {
                rooms(bed, 20 * MINUTE);
                bed.delete();
                Ok(())
            }
            Self::NodeDeleted => {
                rooms(bed, 20 * MINUTE);
                let node = media(bed).into_iter().next().ok_or("no media node")?;
                let uid = bed.delete_node(&node).ok_or("no object of that node")?;
                wait(bed, "the object to be gone", 6 * HOUR, |b| {
                    let records = b.store.records();
                    records.iter().all(|n| n.metadata.uid != uid)
                })
            }
        }
    }
}

fn wait<H: Home>(
    bed: &mut Bed<H>,
    what: &str,
    within: Millis,
    done: impl Fn(&Bed<H>) -> bool,
) -> Result<(), String> {
    if bed.until(within, done) {
        Ok(())
    } else {
        Err(format!("waited in vain for {what}:\n{}", bed.words()))
    }
}

/// As declared, and nothing is written or done any more (S10).
fn steady<H: Home>(bed: &mut Bed<H>) -> Result<(), String> {
    // Occupancy that is written every five minutes settles first.
    wait(bed, "rooms to end", 6 * HOUR, |b| {
        b.deployment(|d| d.rooms.is_empty()).unwrap_or(true)
    })?;
    bed.pass(15 * MINUTE);
    let (writes, steps) = (bed.tally.writes, bed.tally.steps);
    bed.pass(15 * MINUTE);
    if (bed.tally.writes, bed.tally.steps) == (writes, steps) && bed.ready() {
        Ok(())
    } else {
        Err(format!(
            "not at rest: {} writes and {} steps in 15 minutes:\n{}",
            bed.tally.writes - writes,
            bed.tally.steps - steps,
            bed.words()
        ))
    }
}

/// One room on every open node, the first ones longer.
fn rooms<H: Home>(bed: &mut Bed<H>, length: Millis) {
    for (number, node) in media(bed).into_iter().enumerate() {
        let less = i64::try_from(number).unwrap_or(0) * 3 * MINUTE;
        bed.script(Script::StartRoom {
            node: Some(node),
            plan: RoomPlan::alone((length - less).max(MINUTE)),
        });
    }
    bed.wake();
}

fn replicas<H: Home>(bed: &mut Bed<H>, count: i32) {
    bed.edit(|spec| spec["media"]["replicas"] = json!(count));
}

/// Open media nodes.
pub fn media<H: Home>(bed: &Bed<H>) -> Vec<NodeName> {
    bed.deployment(|d| d.open_nodes().map(|n| n.name.clone()).collect())
        .unwrap_or_default()
}

/// Media nodes that are closed and alive.
pub fn closed<H: Home>(bed: &Bed<H>) -> Vec<NodeName> {
    bed.deployment(|d| {
        d.nodes_in(Role::Media)
            .filter(|n| n.is_closed_alive())
            .map(|n| n.name.clone())
            .collect()
    })
    .unwrap_or_default()
}

fn closing<H: Home>(bed: &Bed<H>) -> bool {
    !closed(bed).is_empty()
}

/// What is left at the end, without names that differ between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Resources with their properties.
    pub resources: BTreeMap<ResourceId, BTreeMap<String, Scalar>>,
    /// Nodes in the world by role and where they stand.
    pub world: BTreeMap<String, usize>,
    /// Node records by role and phase.
    pub records: BTreeMap<String, usize>,
    /// Conditions of the cluster.
    pub conditions: BTreeMap<String, String>,
    /// Whether anything is committed and not done.
    pub intent: Vec<String>,
}

impl End {
    fn of<H: Home>(bed: &Bed<H>) -> Result<Self, String> {
        let ledger = bed.door.look(|w| w.ledger().clone());
        if ledger.harms > 0
            || ledger.conversations_cut > 0
            || ledger.jobs_cut > 0
            || ledger.second_signals > 0
        {
            return Err(format!(
                "harm was done: {:#?}\n{}",
                ledger.violations,
                bed.words()
            ));
        }
        if bed.tally.plans_refused > 0 {
            return Err(format!(
                "the checker refused a plan: {:#?}",
                bed.tally.rules
            ));
        }
        let id = bed.cluster().map(|_| bed.infrastructure_id());
        let (resources, world) = bed.door.look(|world| {
            let mut all = (BTreeMap::new(), BTreeMap::new());
            for (_, deployment) in world.deployments() {
                if id.as_deref().is_none_or(|id| *deployment.id == *id) {
                    let (resources, nodes) = summary(deployment);
                    all.0.extend(resources);
                    all.1.extend(nodes);
                }
            }
            all
        });
        let mut resources = resources;
        if bed.gone() {
            // Kept on purpose, if the deletion did not come before its creation.
            resources.retain(|id, _| id.kind != "Bucket");
            let left = bed.door.look(|w| {
                w.deployments()
                    .flat_map(|(_, d)| d.leftovers())
                    .collect::<Vec<_>>()
            });
            if !left.is_empty() {
                return Err(format!("left behind: {}", left.join(", ")));
            }
        }
        let mut records = BTreeMap::new();
        for node in bed.store.records() {
            let phase = node.status.as_ref().map(|s| s.phase).unwrap_or_default();
            *records
                .entry(format!("{:?} {phase:?}", node.spec.role))
                .or_default() += 1;
        }
        let status = bed
            .cluster()
            .and_then(|c| c.status.clone())
            .unwrap_or_default();
        Ok(Self {
            resources,
            world,
            records,
            conditions: status
                .conditions
                .iter()
                .map(|c| (c.type_.clone(), c.status.clone()))
                .collect(),
            intent: status
                .intent
                .into_iter()
                .flat_map(|i| i.steps)
                .map(|s| s.id)
                .collect(),
        })
    }
}

type Summary = (
    BTreeMap<ResourceId, BTreeMap<String, Scalar>>,
    BTreeMap<String, usize>,
);

fn summary(deployment: &Deployment) -> Summary {
    let resources = deployment
        .resources()
        .filter_map(|id| {
            Some((
                id.clone(),
                masked(deployment.resource(id)?.1, &deployment.id),
            ))
        })
        .collect();
    let mut nodes = BTreeMap::new();
    for node in deployment.nodes.values() {
        let machine = node.machine().map(|m| {
            (
                m.installed.is_some(),
                m.unit.enabled,
                m.unit.active,
                m.any_running(),
            )
        });
        let instance = node.instance().map(|i| (i.phase, i.protected, i.tag));
        *nodes
            .entry(format!(
                "{:?} {machine:?} {instance:?} open={}",
                node.role,
                node.is_open()
            ))
            .or_default() += 1;
    }
    (resources, nodes)
}

/// Digests of secrets differ between runs: each run makes its own.
fn masked(properties: &BTreeMap<String, Scalar>, id: &str) -> BTreeMap<String, Scalar> {
    let digest = |text: &str| text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit());
    properties
        .iter()
        .map(|(name, value)| match value {
            Scalar::Text(text) if digest(text) => {
                (name.clone(), Scalar::Text("a digest".to_owned()))
            }
            // A failed first write draws another infrastructure id; names follow from it.
            Scalar::Text(text) => (name.clone(), Scalar::Text(text.replace(id, "id"))),
            Scalar::List(list) => {
                let list = list.iter().map(|text| text.replace(id, "id")).collect();
                (name.clone(), Scalar::List(list))
            }
            other => (name.clone(), other.clone()),
        })
        .collect()
}

/// A quiet setup of this profile.
pub fn setup(shape: Shape) -> Setup {
    Setup::quiet(shape)
}
