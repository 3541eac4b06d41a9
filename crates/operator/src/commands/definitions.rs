//! Definitions that are older than this release.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ovo_store::StoreError;
use ovo_store::kubernetes::{Client, Lacking, lacking};

/// The way out, for whoever reads a log or a probe.
const WAY_OUT: &str = "install those of this release: kubectl apply --server-side -f crds/";
/// How often whoever waits for newer definitions looks.
const WAITING: Duration = Duration::from_secs(3);
/// How often whoever leads looks whether somebody put older ones back. A look costs the server a document that it has ready.
const LEADING: Duration = Duration::from_secs(30);

/// What is known of the definitions, for readiness.
pub(super) struct Definitions {
    client: Client,
    problem: Mutex<Option<String>>,
}

// === impl Definitions ===

impl Definitions {
    pub(super) fn new(client: Client) -> Self {
        let unknown = "whether the definitions are those of this release is not known yet";
        Self {
            client,
            problem: Mutex::new(Some(unknown.to_owned())),
        }
    }

    /// Whether the definitions keep what the operator has to remember, as far as it is known.
    ///
    /// # Errors
    /// A sentence for readiness that names the fields.
    pub(super) fn check(&self) -> Result<(), String> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.clone().map_or(Ok(()), Err)
    }

    /// Waits until they do. What only people write is told and not waited for: until somebody writes it, nothing is lost.
    pub(super) async fn complete(&self) {
        loop {
            match self.look().await {
                Ok(Some(lacking)) if lacking.status.is_empty() => {
                    if !lacking.spec.is_empty() {
                        tracing::warn!(
                            fields = lacking.spec.join(", "),
                            "the definitions are older than this release: values of these fields are dropped by the API server; {WAY_OUT}"
                        );
                    }
                    return;
                }
                // The watches say what is missing.
                Ok(None | Some(_)) | Err(StoreError::Unavailable(_)) => {}
                Err(error) => {
                    tracing::warn!(%error, "whether the definitions are those of this release is not known");
                    self.note(None);
                    return;
                }
            }
            tokio::time::sleep(WAITING).await;
        }
    }

    /// Waits until older ones were put back under a process that leads: it must write no more.
    pub(super) async fn outdated(&self) {
        loop {
            tokio::time::sleep(LEADING).await;
            if self.look().await.is_ok() && self.check().is_err() {
                return;
            }
        }
    }

    /// Looks, and notes what readiness is to say.
    async fn look(&self) -> Result<Option<Lacking>, StoreError> {
        let found = lacking(&self.client).await?;
        let lost = found.as_ref().map(|lacking| lacking.status.join(", "));
        let problem = lost.filter(|lost| !lost.is_empty()).map(|lost| {
            format!(
                "the definitions are older than this release and would lose {lost}; nothing is written until they are \
                 not: {WAY_OUT}"
            )
        });
        if let Some(problem) = &problem
            && self.check().err().as_ref() != Some(problem)
        {
            tracing::error!("{problem}");
        }
        if found.is_some() {
            self.note(problem);
        }
        Ok(found)
    }

    fn note(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}
