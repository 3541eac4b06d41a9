//! OpenVidu's own interfaces, which are not read yet.

use std::collections::BTreeMap;

use ovo_model::{NodeName, ObservedNode, Outcome, ProviderError, Step};
use ovo_provider::{Call, Media, NodeAnswers, Target};

/// Says of every source that nobody could read it: so every node counts as busy, and none is ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnreadRooms;

impl Media for UnreadRooms {
    async fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
    ) -> BTreeMap<NodeName, NodeAnswers> {
        let unread = || {
            ProviderError::Retryable(
                "reading the rooms of a real OpenVidu is not built yet: the node counts as busy"
                    .to_owned(),
            )
        };
        let sources = target.profile.occupancy;
        let answers = || {
            sources
                .iter()
                .map(|source| (*source, Err(unread())))
                .collect()
        };
        nodes
            .iter()
            .map(|node| (node.name.clone(), answers()))
            .collect()
    }

    async fn execute(
        &self,
        _: &Target,
        step: &Step,
        _: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        Err(ProviderError::Denied(format!(
            "{}: OpenVidu 3 lets nobody close or reopen a node but by signal",
            step.id
        )))
    }
}
