//! OpenVidu itself.

use std::collections::BTreeMap;
use std::future::Future;

use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, ObservedNode, Occupancy, Outcome, ProviderError, Step};

use crate::provider::{Call, Target};

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

/// A client of OpenVidu's own interfaces.
pub trait Media: Send + Sync {
    /// Reads the profile's occupancy sources of these nodes, all afresh.
    fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
    ) -> impl Future<Output = BTreeMap<NodeName, NodeAnswers>> + Send;

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
}
