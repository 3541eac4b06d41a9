//! What the planner says.

use ovo_api::node::{OpenViduNodeSpec, OpenViduNodeStatus};
use ovo_api::status::OpenViduClusterStatus;
use serde::{Deserialize, Serialize};

use crate::node::NodeName;
use crate::step::Step;
use crate::time::Millis;

/// A change of a node record, written before the intent and harmless alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeWrite {
    /// Makes the record.
    Create {
        /// Machine or instance.
        node: NodeName,
        /// Identity.
        spec: OpenViduNodeSpec,
        /// First status.
        status: Box<OpenViduNodeStatus>,
    },
    /// Replaces its status, compared and swapped on the version that the snapshot held.
    Status {
        /// Machine or instance.
        node: NodeName,
        /// New status.
        status: Box<OpenViduNodeStatus>,
    },
    /// Takes away the finalizer (and the record, unless somebody deleted it already).
    Remove {
        /// Machine or instance.
        node: NodeName,
    },
}

impl NodeWrite {
    /// The node it is about.
    pub const fn node(&self) -> &NodeName {
        match self {
            Self::Create { node, .. } | Self::Status { node, .. } | Self::Remove { node } => node,
        }
    }
}

/// Something that is waited for, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What would be done.
    pub step: String,
    /// What it waits for.
    pub for_what: String,
}

/// Kubernetes' two types of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// As wanted.
    Normal,
    /// Somebody should look.
    Warning,
}

/// A change of mind worth an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNote {
    /// Normal or Warning.
    pub event_type: EventType,
    /// CamelCase, past tense.
    pub reason: String,
    /// With the numbers used.
    pub note: String,
    /// The node it is about, else the cluster.
    pub node: Option<NodeName>,
}

/// What to do next, and what to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// In order. Empty on a converged cluster.
    pub steps: Vec<Step>,
    /// Written before the intent.
    pub nodes: Vec<NodeWrite>,
    /// The next status, intent included; equal to the last one when nothing changed.
    pub status: Box<OpenViduClusterStatus>,
    /// What is waited for.
    pub waiting: Vec<Waiting>,
    /// Changes of mind.
    pub events: Vec<EventNote>,
    /// Whether a room is to be made and joined through the deployment, so that it may be called accepted.
    pub try_out: bool,
    /// Whether the cluster's finalizer may go.
    pub release: bool,
    /// When to look again at the latest, in milliseconds.
    pub look_again_in: Millis,
}
