//! OpenVidu itself.

use std::collections::BTreeMap;
use std::future::Future;

use ovo_api::profile::OccupancySource;
use ovo_model::{
    MediaState, NodeName, ObservedNode, Occupancy, Outcome, ProviderError, SharedStore, Step,
};

use crate::provider::{Call, Target};
use crate::secrets::SecretSource;

/// What one source said about one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAnswer {
    /// What runs there.
    pub occupancy: Occupancy,
    /// Load in permille, if this source tells.
    pub load_permille: Option<u32>,
}

/// The answers about one node, by source. A source that is missing or failed said nothing: unknown, never zero.
pub type NodeAnswers = BTreeMap<OccupancySource, Result<SourceAnswer, ProviderError>>;

/// What OpenVidu said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// How busy each node is.
    pub nodes: BTreeMap<NodeName, NodeAnswers>,
    /// Where nodes stand in the cluster, where this is the door that tells: it takes the place of what the provider saw.
    /// What the provider saw stands for a node that is not here.
    pub states: BTreeMap<NodeName, MediaState>,
    /// How the store stands that all nodes share. `None`: there is none, or nobody had to ask.
    pub shared_store: Option<SharedStore>,
}

impl Answers {
    /// Answers about occupancy alone.
    pub fn of_nodes(nodes: BTreeMap<NodeName, NodeAnswers>) -> Self {
        Self {
            nodes,
            ..Self::default()
        }
    }
}

/// A client of OpenVidu's own interfaces.
pub trait Media: Send + Sync {
    /// Reads the profile's occupancy sources of these nodes, all afresh, with the cluster's Secrets as they are then.
    fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
        secrets: &dyn SecretSource,
    ) -> impl Future<Output = Answers> + Send;

    /// Closes a node to new sessions, or takes it back, where the profile can.
    ///
    /// # Errors
    /// By class; [`ProviderError::Denied`] where OpenVidu does not let anybody do it.
    fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> impl Future<Output = Result<Outcome, ProviderError>> + Send;

    /// Whether [`Media::try_out`] does anything; where not, a deployment is accepted by its health.
    fn tries_out(&self) -> bool {
        false
    }

    /// Does what people do: makes a room through the deployment, joins it, and takes it away again. Within seconds.
    ///
    /// # Errors
    /// At what it failed.
    fn try_out(
        &self,
        target: &Target,
        secrets: &dyn SecretSource,
    ) -> impl Future<Output = Result<(), ProviderError>> + Send {
        let _ = (target, secrets);
        std::future::ready(Ok(()))
    }
}
