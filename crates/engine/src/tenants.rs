//! Whether a cluster may be worked on at all, and with what: asked before anything is planned.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovo_api::OpenViduCluster;
use ovo_api::claims::{Claim, infrastructure_id};
use ovo_api::profile::Profile;
use ovo_api::targets::{self, Reach};
use ovo_model::{Objection, Tenancy};
use ovo_planner::tenants::{Ledger, Verdict, held_id, restricted};
use ovo_provider::{Media, Provider, Target};
use ovo_store::{Freshness, ObjectKey, Store, StoreError};
use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::reconcile::Engine;
use crate::report::EngineError;

/// How many refused targets one message names.
const NAMED: usize = 3;

/// What all clusters of this process hold.
#[derive(Default)]
pub(crate) struct Tenants {
    ledger: Mutex<Ledger>,
    /// Every cluster that was there at first has been noted: what status records counts from the first answer on.
    met: OnceCell<()>,
}

/// A cluster that may be worked on.
pub(crate) struct Standing {
    pub(crate) profile: &'static Profile,
    pub(crate) holds: BTreeSet<Claim>,
    pub(crate) tenancy: Tenancy,
    /// Whether anything of it may exist.
    pub(crate) recorded: bool,
}

/// Why nothing of a cluster is touched.
pub(crate) struct Stop {
    pub(crate) objection: Objection,
    /// Whether anything of it may exist.
    pub(crate) recorded: bool,
}

/// What comes of a cluster in this round.
pub(crate) enum Admission {
    GoOn(Standing),
    Stop(Stop),
}

// === impl Tenants ===

impl Tenants {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change of a ledger is whole before anything in it can panic.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object is gone.
    pub(crate) fn gone(&self, key: &ObjectKey) {
        self.ledger().gone(&key.namespace, &key.name);
    }

    /// The infrastructure id under which this cluster's deployment is.
    pub(crate) fn id_of(&self, cluster: &OpenViduCluster) -> Option<String> {
        let holds = self.ledger().judge(cluster).holds;
        let holds = if holds.is_empty() {
            ovo_api::claims::recorded(cluster).collect()
        } else {
            holds
        };
        held_id(&holds).map(str::to_owned)
    }
}

impl<S: Store, P: Provider, M: Media, C: Clock> Engine<S, P, M, C> {
    /// Whether this cluster may be worked on, and with what.
    pub(crate) async fn admit(
        &self,
        key: &ObjectKey,
        cluster: &Arc<OpenViduCluster>,
        broken: Option<String>,
    ) -> Result<Admission, EngineError> {
        self.tenants.met.get_or_try_init(|| self.meet_all()).await?;
        let invalid = |message| Objection {
            reason: "Invalid",
            message,
        };
        let obstacle = self.obstacle(key, cluster).or_else(|| broken.map(invalid));
        self.note(key, cluster, obstacle.is_none()).await?;
        let before = self.tenants.ledger().judge(cluster);
        let recorded = self.recorded(key, cluster, &before).await?;
        let stop = |objection| {
            Ok(Admission::Stop(Stop {
                objection,
                recorded,
            }))
        };
        let profile = match (obstacle, cluster.spec.profile()) {
            (Some(objection), _) => return stop(objection),
            (None, Some(profile)) => profile,
            (None, None) => return stop(not_supported(cluster)),
        };
        let first = held_id(&before.holds).is_none();
        let deleting = cluster.metadata.deletion_timestamp.is_some();
        if first && !deleting && before.disputes.is_empty() {
            let target = Target {
                cluster: cluster.clone(),
                profile,
                infrastructure_id: infrastructure_id(cluster).unwrap_or_default().into(),
            };
            let elsewhere = self.provider.elsewhere(&target).await;
            if let Some(id) = elsewhere.map_err(EngineError::Elsewhere)? {
                self.note(key, cluster, false).await?;
                return stop(existing(&id));
            }
        }
        let verdict = if deleting && !first {
            // Whatever its last spec added, only what it holds is taken away.
            before
        } else {
            self.tenants.ledger().take(cluster)
        };
        let objection = objection(&verdict);
        if let Some(objection) = &objection
            && (verdict.holds.is_empty() || verdict.lost)
        {
            return stop(objection.clone());
        }
        Ok(Admission::GoOn(Standing {
            profile,
            tenancy: Tenancy {
                claims: Some(verdict.holds.iter().map(Claim::to_string).collect()),
                objection,
            },
            holds: verdict.holds,
            recorded,
        }))
    }

    async fn meet_all(&self) -> Result<(), StoreError> {
        for key in self.store.clusters().await? {
            match self.store.cluster(&key, Freshness::Cached).await {
                Ok(Some(cluster)) => {
                    let may_take = self.obstacle(&key, &cluster).is_none();
                    self.note(&key, &cluster, may_take).await?;
                }
                Ok(None) => {}
                // One that cannot be read does not stop the others; its machines know whose they are.
                Err(error) => {
                    tracing::warn!(cluster = %key, %error, "what this cluster holds is not known");
                }
            }
        }
        Ok(())
    }

    /// Tells the ledger how the object is now.
    async fn note(
        &self,
        key: &ObjectKey,
        cluster: &OpenViduCluster,
        may_take: bool,
    ) -> Result<(), StoreError> {
        // A machine that was taken off the list is drained and cleared first; its record says where it is.
        let mut in_use = BTreeSet::new();
        if self.tenants.ledger().lets_go(cluster) {
            let nodes = self.store.nodes(key, Freshness::Cached).await?;
            let addresses = nodes
                .iter()
                .filter_map(|n| n.status.as_ref()?.address.as_deref());
            in_use.extend(addresses.filter_map(Claim::address));
        }
        let mut ledger = self.tenants.ledger();
        ledger.note(cluster, may_take, |claim| in_use.contains(claim));
        Ok(())
    }

    /// Whether anything of this cluster may exist, by what was written down.
    async fn recorded(
        &self,
        key: &ObjectKey,
        cluster: &OpenViduCluster,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        let status = cluster.status.as_ref();
        let written = status.is_some_and(|s| s.credentials.is_some() || !s.applied.is_empty());
        if written || !verdict.holds.is_empty() {
            return Ok(true);
        }
        Ok(!self.store.nodes(key, Freshness::Cached).await?.is_empty())
    }

    /// What keeps the operator from acting for this cluster, whoever else is there.
    fn obstacle(&self, key: &ObjectKey, cluster: &Arc<OpenViduCluster>) -> Option<Objection> {
        let policy = &self.options.policy;
        let aws = cluster.spec.infrastructure.aws.as_ref();
        if cluster.spec.profile().is_none() {
            return Some(not_supported(cluster));
        }
        if let Some(objection) = policy.identities.objection(&key.namespace, aws) {
            return Some(objection);
        }
        let deleting = cluster.metadata.deletion_timestamp.is_some();
        let holds = self.tenants.ledger().judge(cluster).holds;
        // Nobody goes to what a cluster named last and never held, when it is taken away.
        let acted_upon = if deleting && !holds.is_empty() {
            restricted(cluster, &holds)
        } else {
            cluster.clone()
        };
        let refused: Vec<String> = targets::refused(&acted_upon.spec, policy.loopback)
            .into_iter()
            // What the deployment was told of others is nothing that its end needs.
            .filter(|target| !deleting || target.reach != Reach::Told)
            .map(|target| target.error.to_string())
            .take(NAMED)
            .collect();
        (!refused.is_empty()).then(|| Objection {
            reason: "TargetNotPermitted",
            message: refused.join("; "),
        })
    }
}

fn not_supported(cluster: &OpenViduCluster) -> Objection {
    Objection {
        reason: "NotSupported",
        message: format!(
            "spec.version: {} is not supported on this infrastructure yet; `openvidu-operator validate` lists what is",
            cluster.spec.version
        ),
    }
}

fn existing(id: &str) -> Objection {
    Objection {
        reason: "ExistingInfrastructure",
        message: format!(
            "a deployment of this namespace and name exists under the infrastructure id {id}; a second one is not built: \
             set the annotation {}: {id} to take it over, or remove it first",
            ovo_api::annotations::INFRASTRUCTURE_ID
        ),
    }
}

/// Why a cluster has to do with what it holds.
fn objection(verdict: &Verdict) -> Option<Objection> {
    if !verdict.disputes.is_empty() {
        let disputes = verdict.disputes.iter().take(NAMED);
        let messages: Vec<String> = disputes
            .map(ovo_planner::tenants::Dispute::message)
            .collect();
        return Some(Objection {
            reason: "Conflict",
            message: messages.join("; "),
        });
    }
    verdict.kept_id.as_deref().map(existing)
}
