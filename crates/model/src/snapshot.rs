//! All that the planner may know.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::node::OpenViduNode;
use ovo_api::profile::Profile;

use crate::node::{NodeName, ObservedNode};
use crate::observed::{Observation, ObservedResource, Scope};
use crate::reading::NodeReadings;
use crate::resource::{Resource, ResourceId, SecretDigest, SecretKey};
use crate::shared_store::SharedStore;
use crate::tenancy::Tenancy;
use crate::time::Now;
use crate::trial::Trial;

/// A stored node record.
pub type NodeRecord = Arc<OpenViduNode>;

/// The cluster's generated credentials as they are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialsState {
    /// Name of the Secret that holds what is generated.
    pub secret: String,
    /// Keys that the profile needs and that the user did not give: these are generated once.
    pub to_generate: Vec<String>,
    /// Digests of the keys that are there.
    pub digests: BTreeMap<String, SecretDigest>,
    /// Whether the Secret could be read; when not, nothing is decided about it.
    pub known: bool,
}

/// Everything there is to know at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The moment.
    pub now: Now,
    /// The object as stored, with last status, annotations and intent.
    pub cluster: Arc<OpenViduCluster>,
    /// The profile that follows from its spec.
    pub profile: &'static Profile,
    /// Its node records, by machine or instance.
    pub nodes: BTreeMap<NodeName, NodeRecord>,
    /// Digests of the user's secrets that the spec refers to; a missing entry is a missing Secret or key.
    pub secrets: BTreeMap<SecretKey, SecretDigest>,
    /// The generated credentials.
    pub credentials: CredentialsState,
    /// What should be, by the provider's pure half.
    pub desired: Arc<Vec<Resource>>,
    /// What is, by scope. A scope that is not in the map was not read: unknown.
    pub observed: BTreeMap<Scope, Observation>,
    /// How busy nodes are.
    pub readings: Arc<BTreeMap<NodeName, NodeReadings>>,
    /// The store that its nodes share, where there is one and somebody asked.
    pub shared_store: Option<SharedStore>,
    /// Whether a room was made and joined through it.
    pub trial: Trial,
    /// What it may use of what all clusters share.
    pub tenancy: Tenancy,
    /// Whether this is the simulator.
    pub simulated: bool,
}

impl Snapshot {
    /// All observed nodes of all known scopes.
    pub fn observed_nodes(&self) -> impl Iterator<Item = &ObservedNode> {
        self.observed
            .values()
            .filter_map(|o| match o {
                Observation::Known { nodes, .. } => Some(nodes.values()),
                Observation::Unknown { .. } => None,
            })
            .flatten()
    }

    /// An observed resource.
    pub fn observed_resource(&self, id: &ResourceId) -> Option<&ObservedResource> {
        self.observed.values().find_map(|o| match o {
            Observation::Known { resources, .. } => resources.get(id),
            Observation::Unknown { .. } => None,
        })
    }
}
