//! Backends that begin nothing unless this process leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{Observation, ObservedNode, Outcome, ProviderError, Resource, Scope, Step};
use ovo_provider::{Answers, Call, Media, Provider, ScopeChoice, SecretSource, Target};
use ovo_store::kubernetes::{Gate, Leadership};

use crate::probe::Probe;

/// The leader's gate, and how long a call may take. One for the store and the backends.
#[derive(Clone)]
pub(super) struct LeaderGate {
    pub(super) leadership: Leadership,
    pub(super) call_timeout: Duration,
    pub(super) probe: Option<Arc<dyn Probe>>,
}

impl Gate for LeaderGate {
    fn may_begin(&self, call_timeout: Duration) -> bool {
        if let Some(probe) = &self.probe {
            probe.asked();
        }
        let may = self.leadership.may_begin(call_timeout);
        if let Some(probe) = &self.probe {
            probe.answered(may);
        }
        may
    }
}

/// A provider or media client behind the leader's gate: what changes anything is asked about last of all.
pub(super) struct Led<T> {
    pub(super) inner: T,
    pub(super) gate: LeaderGate,
}

impl<T> Led<T> {
    /// Begins a call only while the lease outlasts it: it takes no longer than one of the store.
    async fn begin<R>(
        &self,
        call: impl Future<Output = Result<R, ProviderError>> + Send,
    ) -> Result<R, ProviderError> {
        if !self.gate.may_begin(self.gate.call_timeout) {
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

    async fn elsewhere(&self, target: &Target) -> Result<Option<String>, ProviderError> {
        self.inner.elsewhere(target).await
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
        secrets: &dyn SecretSource,
    ) -> Answers {
        self.inner.read(target, nodes, secrets).await
    }

    fn tries_out(&self) -> bool {
        self.inner.tries_out()
    }

    async fn try_out(
        &self,
        target: &Target,
        secrets: &dyn SecretSource,
    ) -> Result<(), ProviderError> {
        self.begin(self.inner.try_out(target, secrets)).await
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
