//! What one process remembers of a cluster. All of it may be lost: then a full window of readings is waited for
//! before anything shrinks.

use std::collections::BTreeMap;

use ovo_model::{EventNote, NodeName, NodeReadings, SecretDigest};
use serde::{Deserialize, Serialize};

use crate::admission::Admission;
use crate::backoff::Attempts;
use crate::hold::Held;
use crate::small::Small;
use crate::trial::Tried;

/// Digests computed for one version of one Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DigestCache {
    /// `resourceVersion` of the Secret, and of the one that holds the digest key.
    pub(crate) versions: (String, String),
    pub(crate) digests: BTreeMap<String, SecretDigest>,
}

/// The memory of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) admission: Admission,
    pub(crate) readings: Small<BTreeMap<NodeName, NodeReadings>>,
    pub(crate) attempts: Attempts,
    pub(crate) digests: Small<BTreeMap<String, DigestCache>>,
    /// The last plan's events: the same one is not told twice in a row.
    pub(crate) told: Vec<EventNote>,
    /// What the last refused plan was refused for.
    pub(crate) refused: String,
    /// The epoch that this process wrote with its first intent.
    pub(crate) epoch: Option<i64>,
    /// How the deployment was last tried out.
    pub(crate) tried: Option<Tried>,
    /// What is to be told and is held back.
    pub(crate) held: Held,
}
