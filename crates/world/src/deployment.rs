//! One deployment: what carries its infrastructure id.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ovo_api::act::{ActKind, Role};
use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, Ownership, ResourceId, ResourceState, Scalar, Wall};
use serde::{Deserialize, Serialize};

use crate::draw::Draw;
use crate::ledger::Blame;
use crate::node::Node;
use crate::room::{Job, Room, RoomId, RoomLog};

/// How a deployment is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// OpenVidu 3 on machines that exist.
    Machines,
    /// OpenVidu 2 on groups of a cloud.
    Groups,
}

/// A machine that the user listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightedMachine {
    /// Name.
    pub name: NodeName,
    /// What it is for.
    pub role: Role,
    /// Address.
    pub address: Arc<str>,
}

/// What the outside knows of a deployment before anything of it exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Infrastructure id.
    pub deployment: Arc<str>,
    /// Whose it is by its owner tags: `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Arc<str>>,
    /// How it is made.
    pub shape: Shape,
    /// The machines that exist by themselves.
    pub machines: Vec<SightedMachine>,
    /// Most media nodes that may ever be up: `max` and the surge. The oracle watches it.
    pub limit: Option<u32>,
}

/// A resource of a cloud, or what stands for one on machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) ownership: Ownership,
    pub(crate) state: ResourceState,
    pub(crate) properties: BTreeMap<String, Scalar>,
    pub(crate) outputs: BTreeMap<String, Scalar>,
    /// Counts its changes: an end of an earlier one is void.
    pub(crate) version: u64,
    /// Groups: the step of ours that lowered the capacity last.
    pub(crate) shrunk: Option<Blame>,
}

/// What is wrong at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) redis_slow_until: Option<Wall>,
    pub(crate) throttled_until: Option<Wall>,
    #[serde(with = "crate::pairs")]
    pub(crate) silent: BTreeMap<(NodeName, OccupancySource), Wall>,
}

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Infrastructure id.
    pub id: Arc<str>,
    /// Whose it is by its owner tags, where they were ever told: `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Arc<str>>,
    /// How it is made.
    pub shape: Shape,
    /// When it was first seen.
    pub since: Wall,
    #[serde(with = "crate::pairs")]
    pub(crate) things: BTreeMap<ResourceId, Thing>,
    /// Its nodes.
    pub nodes: BTreeMap<NodeName, Node>,
    /// Rooms that are open or wait for a node.
    pub rooms: BTreeMap<RoomId, Room>,
    /// Recordings and the like: where they run.
    #[serde(with = "crate::pairs")]
    pub jobs: BTreeMap<(RoomId, Job), NodeName>,
    pub(crate) waiting: VecDeque<RoomId>,
    pub(crate) retry_set: bool,
    /// Rooms that ever were.
    pub log: RoomLog,
    pub(crate) limit: Option<u32>,
    pub(crate) allowed: BTreeSet<ActKind>,
    pub(crate) trouble: Trouble,
    /// Lots of this deployment's machines and masters.
    pub(crate) draw: Draw,
    pub(crate) scripted: u64,
    pub(crate) launches: u64,
    pub(crate) ticking: bool,
}

impl Deployment {
    pub(crate) fn new(sight: &Sight, seed: u64, now: Wall) -> Self {
        Self {
            id: sight.deployment.clone(),
            owner: sight.owner.clone(),
            shape: sight.shape,
            since: now,
            things: BTreeMap::new(),
            nodes: BTreeMap::new(),
            rooms: BTreeMap::new(),
            jobs: BTreeMap::new(),
            waiting: VecDeque::new(),
            retry_set: false,
            log: RoomLog::default(),
            limit: sight.limit,
            allowed: BTreeSet::new(),
            trouble: Trouble::default(),
            draw: Draw::of(seed, &sight.deployment, 0),
            scripted: 0,
            launches: 0,
            ticking: false,
        }
    }

    /// Nodes in one role.
    pub fn nodes_in(&self, role: Role) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.role == role)
    }

    /// Media nodes that take new rooms.
    pub fn open_nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(|node| node.is_open())
    }

    /// Rooms on a node.
    pub fn rooms_on<'a>(&'a self, node: &'a NodeName) -> impl Iterator<Item = &'a Room> {
        self.rooms
            .values()
            .filter(move |room| room.node.as_ref() == Some(node))
    }

    /// Somebody is in a room on it, or something is recorded there.
    pub fn is_busy(&self, node: &NodeName) -> bool {
        self.rooms_on(node).any(|room| room.participants > 0)
            || self.jobs.values().any(|at| at == node)
    }

    /// The masters' state is writable: v3 more than half of them run, v2 one answers. Redis that is slow is
    /// neither.
    pub fn masters_serve(&self) -> bool {
        let (mut all, mut up) = (0_usize, 0_usize);
        for master in self.nodes_in(Role::Master) {
            all += 1;
            up += usize::from(master.is_up() && self.master_runs(master));
        }
        match self.shape {
            Shape::Machines => up > all / 2,
            Shape::Groups => up > 0,
        }
    }

    /// The services of a master run.
    #[expect(
        clippy::unused_self,
        reason = "reads as a question to the deployment, like its neighbours"
    )]
    pub(crate) fn master_runs(&self, master: &Node) -> bool {
        match (&master.machine(), &master.instance()) {
            (Some(machine), _) => machine.any_running(),
            (_, Some(instance)) => instance.up,
            _ => false,
        }
    }

    /// Where the resource of this id stands, for tests and demonstrations.
    pub fn resource(&self, id: &ResourceId) -> Option<(&ResourceState, &BTreeMap<String, Scalar>)> {
        self.things
            .get(id)
            .map(|thing| (&thing.state, &thing.properties))
    }

    /// Resources that are there.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceId> {
        self.things.keys()
    }

    /// What is left of the deployment and is not kept on purpose: resources of ours but `Bucket`s, members of
    /// groups, machines with something of ours on them.
    pub fn leftovers(&self) -> Vec<String> {
        let things = self
            .things
            .iter()
            .filter(|(id, thing)| thing.ownership == Ownership::Ours && id.kind != "Bucket")
            .map(|(id, _)| id.to_string());
        let nodes =
            self.nodes
                .values()
                .filter_map(|node| match (node.machine(), node.instance()) {
                    (Some(machine), _)
                        if machine.touched() || machine.unit.active || machine.any_running() =>
                    {
                        Some(format!("machine {}", node.name))
                    }
                    (_, Some(_)) => Some(format!("instance {}", node.name)),
                    _ => None,
                });
        things.chain(nodes).collect()
    }
}
