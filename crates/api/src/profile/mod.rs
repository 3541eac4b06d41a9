//! What differs between versions and topologies of OpenVidu, as data.
//!
//! A profile follows from `spec.version`, `spec.topology` and the member of `spec.infrastructure`; code asks
//! the profile and never compares versions itself.

mod cuts;
pub mod releases;
mod table;

use serde::{Deserialize, Serialize};

use crate::act::{ActKind, Cuts, Role};

pub use table::{V2_HA_AWS, V3_HA_ON_PREM, lookup};

/// Which driver closes and ends media nodes, and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrainDriver {
    /// OpenVidu's masters do it when the group's desired capacity falls below its size (v2 HA on AWS). They
    /// pick the victim, quarantine it, wait until it is idle and lift its protection; raising the capacity
    /// takes a quarantined node back.
    MastersByCapacity,
    /// One drain signal to each container of a node that we pick (v3). It cannot be taken back, and a second
    /// one kills.
    SignalOnce,
}

impl DrainDriver {
    /// Whether we may close a node that we name.
    pub const fn names_the_victim(self) -> bool {
        matches!(self, Self::SignalOnce)
    }

    /// Whether a closed node can be taken back.
    pub const fn revives(self) -> bool {
        matches!(self, Self::MastersByCapacity)
    }
}

/// A door through which a node tells how busy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OccupancySource {
    /// v2: `GET /openvidu/api/media-nodes`: sessions, recordings and broadcasts of each node.
    MediaNodes,
    /// v3: LiveKit's own metrics on the node: rooms and participants.
    LiveKit,
    /// v3: what the node's egress service is recording or streaming out.
    Egress,
    /// v3: what the node's ingress service is taking in.
    Ingress,
}

/// Where the media nodes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeSource {
    /// A group launches and ends instances to meet a desired capacity.
    Group,
    /// Machines that the user listed; the others of the pool stand by.
    Machines,
}

/// How configuration reaches the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigStore {
    /// One `.env` object in the cluster's bucket.
    BucketEnv,
    /// `config/cluster` on the masters, replicated by OpenVidu.
    ReplicatedFiles,
}

/// One supported combination of OpenVidu version, topology and infrastructure.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, as status and logs say it.
    pub name: &'static str,
    /// Who closes media nodes, and how.
    pub drain: DrainDriver,
    /// Where media nodes come from.
    pub nodes: NodeSource,
    /// Where configuration lives.
    pub config: ConfigStore,
    /// The sources that must all have spoken before a node's occupancy counts as known (rule S2).
    pub occupancy: &'static [OccupancySource],
    /// The containers that take the drain signal, beside every container with the agents' label.
    pub drained_containers: &'static [&'static str],
    /// How many masters may be declared: from, to (both included).
    pub masters: (u32, u32),
    /// Fewest masters that keep the cluster's state writable, as a function of the declared number (rule S3).
    pub quorum: Quorum,
    /// How long after the confirmed closing a reading must be to count for an end, in milliseconds (rule S1).
    pub settle_ms: i64,
    /// The port and path at which a balancer asks a master for its health, and the codes that mean yes.
    pub balancer_health: Health,
}

/// A health check over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// TCP port.
    pub port: u16,
    /// Path of the request.
    pub path: &'static str,
    /// First and last status code that count as healthy.
    pub codes: (u16, u16),
}

/// How many masters must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quorum {
    /// State lives elsewhere (v2: the shared Redis); one master serves.
    One,
    /// More than half of the declared masters (v3: Redis Sentinel, MongoDB and MinIO live on them).
    Majority,
}

impl Quorum {
    /// The number of masters that must stay up out of `declared`.
    pub const fn of(self, declared: usize) -> usize {
        match self {
            Self::One => 1,
            Self::Majority => declared / 2 + 1,
        }
    }
}

impl Profile {
    /// What an act of this kind on this role cuts. `None` stands for what belongs to no node (buckets, queues,
    /// groups as such).
    pub fn cuts(&self, act: ActKind, role: Option<Role>) -> Cuts {
        cuts::lookup(self, act, role)
    }
}
