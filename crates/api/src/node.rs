//! `OpenViduNode`: one master or media node, written by the operator, annotated by people.

#![allow(
    clippy::duplicated_attributes,
    reason = "clippy takes the columns of kubectl for repetitions"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::Role;

/// The format in which this release writes node records; a record with a newer one is not touched.
pub const NODE_FORMAT_VERSION: i32 = 1;

/// Identity of a node. Written once.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "openvidu.io",
    version = "v1alpha1",
    kind = "OpenViduNode",
    plural = "openvidunodes",
    shortname = "ovn",
    status = "OpenViduNodeStatus",
    derive = "PartialEq",
    category = "openvidu",
    doc = "A master or media node of a cluster. Written by the operator; people annotate or delete it.",
    selectable = ".spec.cluster",
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.cluster"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Rooms", type_ = "integer", json_path = ".status.rooms"),
    printcolumn(name = "People", type_ = "integer", json_path = ".status.participants"),
    printcolumn(name = "Load", type_ = "integer", json_path = ".status.loadPercent"),
    printcolumn(name = "As-Of", type_ = "date", json_path = ".status.occupancyAt"),
    printcolumn(name = "Since", type_ = "date", json_path = ".status.since"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Instance",
        type_ = "string",
        json_path = ".spec.machine",
        priority = 1
    ),
    printcolumn(
        name = "Address",
        type_ = "string",
        json_path = ".status.address",
        priority = 1
    ),
    printcolumn(
        name = "Zone",
        type_ = "string",
        json_path = ".status.zone",
        priority = 1
    ),
    printcolumn(
        name = "Version",
        type_ = "string",
        json_path = ".status.version",
        priority = 1
    ),
    namespaced
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::rules::node_spec)]
pub struct OpenViduNodeSpec {
    /// Name of the cluster in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub cluster: String,
    /// What the node is for.
    pub role: Role,
    /// The machine's name in the cluster's spec, or the cloud's instance id.
    #[schemars(length(min = 1, max = 253))]
    pub machine: String,
}

/// Where a node stands in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum NodePhase {
    /// Known, nothing started.
    #[default]
    Pending,
    /// Being installed, booted or started.
    Launching,
    /// Up, not yet part of the cluster.
    Joining,
    /// Takes new sessions.
    Serving,
    /// Closing or closed to new sessions; what runs goes on.
    Draining,
    /// Closed, and nothing ran there at the last look.
    Drained,
    /// Being stopped or ended.
    Stopping,
    /// Ended.
    Gone,
    /// Came up wrong, or came down by itself.
    Failed,
    /// Does not answer; what it carries is unknown.
    Unreachable,
    /// Its launch was called off.
    Canceled,
    /// Installed and stopped, ready to serve.
    Standby,
}

/// Why a node is being drained.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum DrainCause {
    /// Fewer nodes are wanted.
    ScaleIn,
    /// A person annotated the node with `openvidu.io/drain`.
    Requested,
    /// Its machine was taken off the list.
    Removed,
    /// A person deleted the node object: it is ended and replaced.
    NodeDeleted,
    /// The cluster is being deleted.
    ClusterDeleted,
    /// OpenVidu's masters, or somebody else, closed it.
    Foreign,
}

/// How far the drain signal to one container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum SignalState {
    /// Written before the signal: it may or may not have been sent.
    Intended,
    /// Seen to have arrived: the container is shutting down or has exited.
    Sent,
    /// Marked on the machine as sent, and still serving 30 s later: a person decides.
    Unconfirmed,
}

/// One drain signal: once per container start (rule S4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalRecord {
    /// Container name.
    pub container: String,
    /// Container id.
    pub container_id: String,
    /// Start of the container, as its engine tells it; a newer one means another process.
    pub started_at: String,
    /// How far it has come.
    pub state: SignalState,
    /// When this was first written.
    pub at: Time,
}

/// A drain under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrainRecord {
    /// Why.
    pub cause: DrainCause,
    /// In words for people.
    pub reason: String,
    /// When it was decided; `spec.media.drain.deadline` counts from here.
    pub requested_at: Time,
    /// The signals, at most one per container start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub signals: Vec<SignalRecord>,
    /// When the node itself was first seen closed; for people, decisions never read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
}

/// What the operator knows of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenViduNodeStatus {
    /// Format of this record ([`NODE_FORMAT_VERSION`]).
    #[serde(default)]
    pub format_version: i32,
    /// Generation of the spec this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where it stands.
    #[serde(default)]
    pub phase: NodePhase,
    /// Since when it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Why, in words for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// `Ready`, `Reconciling`, `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub conditions: Vec<Condition>,
    /// Rooms (v2: sessions) at `occupancyAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<i32>,
    /// People at `occupancyAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants: Option<i32>,
    /// Load in percent at `occupancyAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_percent: Option<i32>,
    /// When rooms, people and load were read. Decisions never read them back from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupancy_at: Option<Time>,
    /// When it was first seen, or told to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Time>,
    /// When it first joined the cluster in its present life; absent: it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<Time>,
    /// Since when it has been unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_since: Option<Time>,
    /// The drain under way, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainRecord>,
    /// Address at which it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Host key with which its machine was reached last: it is reached by it once it is off the cluster's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub host_key: Option<String>,
    /// Availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// OpenVidu version on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
