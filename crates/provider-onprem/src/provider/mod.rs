//! The provider for one machine.

mod execute;
mod observe;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{Observation, Outcome, ProviderError, Resource, Scope, Step};
use ovo_provider::{Call, Provider, ScopeChoice, Target};

pub(crate) use record::Record;

use crate::desired::{self, Contents};
use crate::machine::Machine;
use crate::ssh::Link;

/// One machine, and what it should hold.
#[derive(Debug)]
pub struct OnPrem {
    link: Arc<Link>,
    contents: Contents,
}

impl OnPrem {
    /// A provider for the machine at the end of this link.
    pub const fn new(link: Arc<Link>, contents: Contents) -> Self {
        Self { link, contents }
    }

    /// The machine, as the deployment with this infrastructure id sees it.
    pub fn machine(&self, infrastructure_id: Arc<str>) -> Machine {
        Machine::new(Arc::clone(&self.link), infrastructure_id)
    }

    fn resources(&self) -> Result<Vec<Resource>, ProviderError> {
        desired::resources(&self.link.access().name, &self.contents)
    }
}

impl Provider for OnPrem {
    fn desired(
        &self,
        _cluster: &OpenViduCluster,
        _profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        self.resources()
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        let scope = desired::scope(&self.link.access().name);
        if !scopes.wants(&scope) {
            return BTreeMap::new();
        }
        let machine = self.machine(Arc::clone(&target.infrastructure_id));
        let seen = match self.resources() {
            Ok(resources) => observe::observe(&machine, &resources).await,
            Err(error) => Err(error),
        };
        let observation = seen.unwrap_or_else(|error| Observation::unknown(error.to_string()));
        BTreeMap::from([(scope, observation)])
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let machine = self.machine(Arc::clone(&target.infrastructure_id));
        execute::execute(&machine, &step.op, call).await
    }
}
