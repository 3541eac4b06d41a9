//! Backends that begin nothing unless this process leads.

use std::collections::BTreeMap;

use futures::stream::BoxStream;
use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{
    NodeName, Observation, ObservedNode, Outcome, ProviderError, Resource, Scope, Step,
};
use ovo_provider::{Call, Media, NodeAnswers, Provider, ScopeChoice, Target};
use ovo_store::kubernetes::{CALL_TIMEOUT, Gate, Leadership};

/// A provider or media client behind the leader's gate: what changes anything is asked about last of all.
pub(super) struct Led<T> {
    pub(super) inner: T,
    pub(super) leadership: Leadership,
}

impl<T> Led<T> {
    /// Begins a call only while the lease outlasts it: it takes no longer than one of the store.
    async fn begin(
        &self,
        call: impl Future<Output = Result<Outcome, ProviderError>> + Send,
    ) -> Result<Outcome, ProviderError> {
        if !self.leadership.may_begin(CALL_TIMEOUT) {
            return Err(ProviderError::Retryable(
                "not begun: this process is not sure to lead".to_owned(),
            ));
        }
        call.await
    }
}

impl<P: Provider> Provider for Led<P> {
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        self.inner.desired(cluster, profile)
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        self.inner.observe(target, scopes).await
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        self.begin(self.inner.execute(target, step, call)).await
    }

    fn events(&self) -> BoxStream<'static, String> {
        self.inner.events()
    }
}

impl<M: Media> Media for Led<M> {
    async fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
    ) -> BTreeMap<NodeName, NodeAnswers> {
        self.inner.read(target, nodes).await
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        self.begin(self.inner.execute(target, step, call)).await
    }
}
