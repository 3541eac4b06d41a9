//! Infrastructure.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use ovo_api::OpenViduCluster;
use ovo_api::profile::Profile;
use ovo_model::{Observation, Outcome, ProviderError, Resource, Scope, Step};

use crate::secrets::SecretSource;

/// The deployment that a call is about.
#[derive(Clone, Debug)]
pub struct Target {
    /// The object as stored.
    pub cluster: Arc<OpenViduCluster>,
    /// The profile that follows from it.
    pub profile: &'static Profile,
    /// Eight characters from which all names and owner tags derive.
    pub infrastructure_id: Arc<str>,
}

impl Target {
    /// `namespace/name`.
    pub fn key(&self) -> String {
        format!(
            "{}/{}",
            self.cluster
                .metadata
                .namespace
                .as_deref()
                .unwrap_or_default(),
            self.cluster.metadata.name.as_deref().unwrap_or_default()
        )
    }
}

/// Which scopes to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeChoice {
    /// Everything that this cluster owns.
    All,
    /// These only: the live read before one destructive step.
    Only(BTreeSet<Scope>),
}

impl ScopeChoice {
    /// Whether this scope is asked for.
    pub fn wants(&self, scope: &Scope) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.contains(scope),
        }
    }
}

/// What a step needs beside itself.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Values of the secrets that the step refers to.
    pub secrets: &'a dyn SecretSource,
    /// The leader's epoch: machines refuse an older one than they have seen.
    pub epoch: i64,
}

/// A backend for infrastructure.
pub trait Provider: Send + Sync {
    /// What the cluster should have. Pure: the same cluster gives the same resources.
    ///
    /// # Errors
    /// [`ProviderError::Invalid`] names the field that this backend can do nothing with.
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError>;

    /// What the cluster has, scope by scope. A scope that could not be read whole is
    /// [`Observation::Unknown`], never empty; every scope that [`Provider::desired`] names is in the answer if
    /// it was asked for.
    fn observe(
        &self,
        target: &Target,
        scopes: &ScopeChoice,
    ) -> impl Future<Output = BTreeMap<Scope, Observation>> + Send;

    /// Carries one step out: idempotent, and over within seconds. What takes longer goes on without us and
    /// answers [`Outcome::InProgress`].
    ///
    /// # Errors
    /// By class; "not yet" is an outcome, not an error.
    fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> impl Future<Output = Result<Outcome, ProviderError>> + Send;

    /// The infrastructure id of a deployment that exists and whose owner tags name the target's namespace and name, where
    /// it is another id than the target's. Asked once, before anything is built.
    ///
    /// # Errors
    /// When that cannot be said: nothing is built meanwhile.
    fn elsewhere(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Option<String>, ProviderError>> + Send {
        let _ = target;
        std::future::ready(Ok(None))
    }

    /// Hints that a cluster (`namespace/name`) is worth a look. Losing all of them only costs time.
    fn events(&self) -> BoxStream<'static, String> {
        stream::pending().boxed()
    }
}
