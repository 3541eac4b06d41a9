//! Nodes as a provider sees them.

use std::fmt;
use std::sync::Arc;

use ovo_api::act::Role;
use serde::{Deserialize, Serialize};

use crate::resource::ResourceId;

/// A machine's name in the cluster's spec, or the cloud's instance id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeName(pub Arc<str>);

impl From<&str> for NodeName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl std::borrow::Borrow<str> for NodeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a machine stands, by the infrastructure's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Presence {
    /// Being launched; in a group: not yet InService.
    Pending,
    /// Up.
    Running,
    /// Being ended.
    Terminating,
    /// It does not answer; nobody says that it is gone.
    Unreachable,
    /// Gone for good, by the provider's word.
    Gone,
}

/// What a node says of itself as part of the cluster, or what its masters say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediaState {
    /// Nobody could say.
    Unknown,
    /// Not part of the cluster: not started, or not yet joined.
    Absent,
    /// Joining.
    Launching,
    /// Takes new sessions.
    Serving,
    /// Closed to new sessions (v3 `SHUTTING_DOWN`, v2 `waiting-idle-to-terminate`).
    Closed,
    /// Its launch was called off (v2 `canceled`).
    Canceled,
    /// Leaving (v2 `terminating`).
    Leaving,
    /// It failed to join.
    Failed,
}

/// A systemd unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// Starts at boot.
    pub enabled: bool,
    /// Runs.
    pub active: bool,
}

/// A drain marker as found on the machine, made with `O_EXCL` just before the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalMarker {
    /// How many milliseconds ago it was made, by the machine's own clock.
    pub age_ms: i64,
}

/// A container on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Its name (`openvidu`, `ingress`, `egress`, `agent-…`).
    pub name: String,
    /// Its id.
    pub id: String,
    /// When this process started, in the engine's own words; a newer one is another process.
    pub started_at: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether it takes the drain signal: one of the profile's, or labelled as an agent.
    pub drained: bool,
    /// Whether the engine would start it again after the drain signal made it exit.
    pub revived_by_engine: bool,
    /// The marker for this id and start, if it is there.
    pub marker: Option<SignalMarker>,
}

/// Names one start of one container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContainerRef {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// When this process started.
    pub started_at: String,
}

/// A node as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedNode {
    /// Machine name or instance id.
    pub name: NodeName,
    /// What it is for.
    pub role: Role,
    /// The group it is a member of, if it is one.
    pub group: Option<ResourceId>,
    /// Where its machine stands.
    pub presence: Presence,
    /// Scale-in protection, for members of a group.
    pub protected: Option<bool>,
    /// Its service unit, for machines.
    pub unit: Option<UnitState>,
    /// Its containers, if they could be listed.
    pub containers: Option<Vec<Container>>,
    /// Where it stands in the cluster.
    pub media: MediaState,
    /// Whether the profile's health probes for its role pass.
    pub healthy: bool,
    /// Changes with each boot.
    pub boot_id: String,
    /// Address.
    pub address: String,
    /// Availability zone, where there are zones.
    pub zone: Option<String>,
    /// OpenVidu version on it, if known.
    pub version: Option<String>,
    /// The newest leader's epoch that its machine has seen; 0 where there was none, or nothing that could remember it.
    #[serde(default)]
    pub epoch: i64,
    /// What a preflight found on it. `None` where none was made: something of ours is on it, or nothing is installed
    /// there by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
}

/// What a preflight found on a machine on which nothing of ours is, each in words with the way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// What stands in the way.
    pub failed: Vec<String>,
    /// What the manifest chose to ignore.
    pub ignored: Vec<String>,
}

impl ObservedNode {
    /// The containers that take the drain signal and run. `None` when they could not be listed.
    pub fn running_drained(&self) -> Option<impl Iterator<Item = &Container>> {
        self.containers
            .as_ref()
            .map(|list| list.iter().filter(|c| c.drained && c.running))
    }
}

impl Container {
    /// This start of this container.
    pub fn reference(&self) -> ContainerRef {
        ContainerRef {
            name: self.name.clone(),
            id: self.id.clone(),
            started_at: self.started_at.clone(),
        }
    }
}
