//! What is told to people about a change of mind, with the semantics of `events.k8s.io/v1`.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::ObjectKey;

/// Repeats within this time of the last one join its series, as in client-go and kube's recorder.
pub const SERIES_WINDOW_MS: i64 = 6 * 60 * 1000;

/// Longest note in bytes that `events.k8s.io/v1` takes.
pub const MAX_NOTE_BYTES: usize = 1024;

/// Whether an event tells of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// For information.
    Normal,
    /// Something needs a look.
    Warning,
}

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// `OpenViduCluster` or `OpenViduNode`.
    pub kind: String,
    /// Namespace and name.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// Its uid; empty where it is not known.
    #[serde(default)]
    pub uid: String,
}

/// One change of mind. Repeats (same object, type, reason and note) are merged by the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterEvent {
    /// Normal or Warning.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// `CamelCase`, past tense: `NodeDrained`.
    pub reason: String,
    /// A sentence with the numbers used. Cut at [`MAX_NOTE_BYTES`].
    pub note: String,
    /// What it is about.
    pub regarding: ObjectReference,
    /// When it happened.
    pub at: Timestamp,
}
