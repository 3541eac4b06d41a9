//! A provider that several share: the engine, which acts by it, and the media client, which dials by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::BoxStream;
use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{Observation, Outcome, ProviderError, Resource, Scope, Step};

use crate::provider::{Call, Provider, ScopeChoice, Target};

impl<P: Provider> Provider for Arc<P> {
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        (**self).desired(cluster, profile)
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        (**self).observe(target, scopes).await
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        (**self).execute(target, step, call).await
    }

    async fn elsewhere(&self, target: &Target) -> Result<Option<String>, ProviderError> {
        (**self).elsewhere(target).await
    }

    fn events(&self) -> BoxStream<'static, String> {
        (**self).events()
    }
}
