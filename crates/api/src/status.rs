//! Status of an `OpenViduCluster`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::Cuts;

/// The format in which this release writes the intent; a newer one is not touched.
pub const INTENT_FORMAT_VERSION: i32 = 1;

/// What the operator knows of a cluster, and what it has committed to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenViduClusterStatus {
    /// Generation of the spec this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// A word for people; tools read conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<ClusterPhase>,
    /// A sentence for people, refreshed at most once a minute.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// When the summary and the occupancy in `media` were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_at: Option<Time>,
    /// kstatus (`Ready`, `Reconciling`, `Stalled`) and one condition per concern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub conditions: Vec<Condition>,
    /// Where the deployment is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    /// The generated credentials: where they are, and keyed digests that show a change without showing a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsStatus>,
    /// Masters by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masters: Option<MastersStatus>,
    /// Media nodes by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaStatus>,
    /// What the autoscaler decided, and the mode in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<AutoscalerStatus>,
    /// The committed intent: what may be done that closes, stops, ends or cuts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What is waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub pending: Vec<PendingStep>,
    /// Keys of `spec.config` that were applied last: what is removed there goes back to the profile's default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512))]
    pub applied_config_keys: Vec<String>,
    /// Resource to a digest of what it was last brought to. What differs from the desired state although this
    /// digest does not was changed by somebody else: drift.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 128))]
    pub applied: BTreeMap<String, String>,
    /// Since when the group was asked to shrink and nobody closed a node (v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrink_unanswered_since: Option<Time>,
    /// What only this cluster may use: addresses of machines, buckets, ids. What stands here first stays with its
    /// cluster; whoever names it too is `Stalled` with reason `Conflict`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 320)))]
    pub claims: Vec<String>,
    /// Set when this cluster is served by the simulator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<bool>,
}

/// A word for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum ClusterPhase {
    /// Being built.
    Creating,
    /// As declared.
    Running,
    /// Media nodes come or go.
    Scaling,
    /// Something is being changed or repaired.
    Updating,
    /// Something is missing.
    Degraded,
    /// No infrastructure is written.
    Paused,
    /// Being taken away.
    Deleting,
    /// Cannot go on without a person.
    Stalled,
}

/// Where the deployment is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// What applications are pointed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// OpenVidu's dashboard (v3) or inspector (v2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// Name or address of the balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// The DNS record that the domain needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_record: Option<DnsRecord>,
}

/// A DNS record that somebody has to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecord {
    /// Name.
    pub name: String,
    /// `A` or `CNAME`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Value.
    pub value: String,
    /// Whether it was seen to resolve; absent: not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves: Option<bool>,
}

/// Reference to the generated credentials and their keyed digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsStatus {
    /// Name of the Secret in the same namespace.
    pub secret_name: String,
    /// Key to HMAC-SHA-256 (hex, with a random key kept in that Secret) of its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 64))]
    pub digests: BTreeMap<String, String>,
}

/// Masters by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MastersStatus {
    /// Declared.
    pub desired: i32,
    /// Up.
    pub running: i32,
    /// Healthy.
    pub ready: i32,
}

/// Media nodes by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MediaStatus {
    /// Nodes that are not standing by and not gone: what the scale subresource counts.
    pub replicas: i32,
    /// Wanted.
    pub target: i32,
    /// Take new sessions.
    pub ready: i32,
    /// Closed, not yet ended.
    pub draining: i32,
    /// Rooms at `summaryAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<i32>,
    /// People at `summaryAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants: Option<i32>,
    /// Mean load in percent of the nodes that take new sessions, at `summaryAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_load_percent: Option<i32>,
    /// Label selector of the nodes, for the scale subresource.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub selector: String,
}

/// What the autoscaler decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerStatus {
    /// The mode that is in force; kept when a new release would default differently (rule S11).
    pub mode: String,
    /// The last decision, with the numbers used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decision: String,
}

/// What the operator has committed to do: the only place from which a destructive step may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// [`INTENT_FORMAT_VERSION`].
    pub format_version: i32,
    /// Counts the changes of this intent.
    pub revision: i64,
    /// Counts the leaders that have written here.
    pub epoch: i64,
    /// The destructive steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub steps: Vec<IntentStep>,
}

/// One committed destructive step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentStep {
    /// Follows from the step's content: the same step has the same id.
    pub id: String,
    /// In words for people.
    pub step: String,
    /// What it cuts.
    pub cuts: Cuts,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingStep {
    /// What would be done.
    pub step: String,
    /// What it waits for; its numbers are refreshed at most once a minute.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub waits_for: String,
    /// Since when.
    pub since: Time,
}
