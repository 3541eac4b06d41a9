//! What a provider saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::node::{NodeName, ObservedNode};
use crate::resource::{ResourceId, Scalar};

/// A part of the world that is read together and is known or unknown together: `network`, `media`,
/// `machine/w1` …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope(pub String);

impl From<&str> for Scope {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Whose a resource is, by its tags or its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// It carries this cluster's infrastructure id.
    Ours,
    /// It carries nobody's. Never touched.
    Unowned,
    /// It carries another's. Never touched: a conflict that names the owner.
    Foreign(String),
}

/// Where a resource stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResourceState {
    /// Being made or changed.
    Pending,
    /// There.
    Ready,
    /// Being deleted.
    Deleting,
    /// Broken, with the backend's words.
    Failed(String),
}

/// A resource as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedResource {
    /// Kind and name.
    pub id: ResourceId,
    /// Whose it is.
    pub ownership: Ownership,
    /// Where it stands.
    pub state: ResourceState,
    /// What it is. Secrets appear as digests.
    pub properties: BTreeMap<String, Scalar>,
    /// What it tells others: endpoints, names given by the backend.
    pub outputs: BTreeMap<String, Scalar>,
    /// A job or change under way, in words for people with how far it is.
    pub progress: Option<String>,
}

/// One scope as seen by one read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// The answer was complete: what is not in it is not there.
    Known {
        /// The resources of this scope.
        resources: BTreeMap<ResourceId, ObservedResource>,
        /// The nodes of this scope: members of a group, machines.
        nodes: BTreeMap<NodeName, ObservedNode>,
    },
    /// No answer, or not a whole one. Never empty, never zero.
    Unknown {
        /// Why, in words for people.
        reason: Arc<str>,
    },
}

impl Observation {
    /// An unknown scope.
    pub fn unknown(reason: impl Into<Arc<str>>) -> Self {
        Self::Unknown {
            reason: reason.into(),
        }
    }

    /// Whether the answer was complete.
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known { .. })
    }
}
