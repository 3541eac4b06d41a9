//! The provider for a cluster of machines.

mod desired;
mod dial;
mod execute;
mod former;
mod keys;
mod leave;
mod look;
mod observe;
mod preflights;
mod tries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt};
use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::profile::Profile;
use ovo_api::spec::{Machine as Listed, OnPrem};
use ovo_model::{NodeName, Observation, Op, Outcome, ProviderError, Resource, Scope, Step, Value};
use ovo_provider::{Call, Provider, ScopeChoice, Target};

use crate::machine::Machine;
use crate::preflight::Report;
use crate::ssh::{Connect, Limits, Link};

pub use former::{Records, RecordsAnswer};
pub use keys::{KeyAnswer, Keys};

/// Machines that are spoken with at the same time, for one cluster.
const AT_ONCE: usize = 16;

/// Machines that are listed in manifests, reached by SSH.
pub struct Fleet {
    keys: Arc<dyn Keys>,
    records: Arc<dyn Records>,
    connect: Arc<dyn Connect>,
    limits: Limits,
    links: Mutex<BTreeMap<String, Kept>>,
    preflights: preflights::Preflights,
    tries: tries::Tries,
}

/// The scope that is unknown while nobody can say which machines are off the list.
const RECORDS: &str = "records";

/// Whether a machine is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is on the list.
    Listed,
    /// It is on the list of a cluster that is being taken away.
    Deleted,
    /// It is off the list.
    Former,
}

/// A connection that is kept, and what it was made from.
struct Kept {
    made_from: [u8; 32],
    link: Arc<Link>,
}

impl Fleet {
    /// A fleet that has not been spoken with yet. Private keys come from `keys`, streams from `connect`.
    pub fn new(keys: Arc<dyn Keys>, connect: Arc<dyn Connect>, limits: Limits) -> Self {
        Self {
            keys,
            records: Arc::new(former::NoRecords),
            connect,
            limits,
            links: Mutex::default(),
            preflights: preflights::Preflights::default(),
            tries: tries::Tries::default(),
        }
    }

    /// Finds machines that are off the list by these records.
    #[must_use]
    pub fn with_records(mut self, records: Arc<dyn Records>) -> Self {
        self.records = records;
        self
    }

    /// Asks every listed machine whether it is fit, as before an installation, and changes nothing on any. All count as
    /// bare, also one that has something on it: that is then what is found.
    ///
    /// # Errors
    /// [`ProviderError::Invalid`] where the cluster is none for machines.
    pub async fn preflight(&self, cluster: &OpenViduCluster) -> Result<Report, ProviderError> {
        let on_prem = on_prem(cluster)?;
        let names = machines(on_prem).map(|m| m.name.as_str());
        let bare: BTreeSet<&str> = names.collect();
        // A deployment that was never stored has no id yet; none is written anywhere.
        self.ask_preflight(cluster, "preflight", &bare, &BTreeSet::new())
            .await
    }

    /// The machine, on behalf of a deployment.
    async fn machine(
        &self,
        cluster: &OpenViduCluster,
        on_prem: &OnPrem,
        listed: &Listed,
        infrastructure_id: &str,
    ) -> Result<Machine, ProviderError> {
        let access = keys::access(&*self.keys, cluster, on_prem, listed).await?;
        let made_from = keys::digest(&access);
        let place = place(cluster, &listed.name);
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let link = match links.get(&place) {
            Some(kept) if kept.made_from == made_from => Arc::clone(&kept.link),
            _ => {
                let link = Arc::new(Link::new(access, Arc::clone(&self.connect), self.limits));
                let kept = Kept {
                    made_from,
                    link: Arc::clone(&link),
                };
                links.insert(place, kept);
                link
            }
        };
        Ok(Machine::new(link, infrastructure_id.into()))
    }

    /// One machine as it is.
    async fn look(
        &self,
        target: &Target,
        on_prem: &OnPrem,
        listed: &Listed,
        standing: Standing,
    ) -> Observation {
        let id = &target.infrastructure_id;
        let seen = async {
            let machine = self.machine(&target.cluster, on_prem, listed, id).await?;
            observe::observe(&machine, target.profile, listed, standing).await
        };
        seen.await
            .unwrap_or_else(|error: ProviderError| Observation::unknown(error.to_string()))
    }
}

impl Provider for Fleet {
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        desired::desired(cluster, profile)
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        let Ok(on_prem) = on_prem(&target.cluster) else {
            return BTreeMap::new();
        };
        let cluster = &target.cluster;
        let deleted = cluster.metadata.deletion_timestamp.is_some();
        let standing = if deleted && !cluster.spec.deletion.protected() {
            Standing::Deleted
        } else {
            Standing::Listed
        };
        let mut seen = BTreeMap::new();
        let wanted = |name: &str| scopes.wants(&scope(name));
        let mut machines: Vec<_> = machines(on_prem)
            .filter(|listed| wanted(&listed.name))
            .map(|listed| (listed.clone(), standing))
            .collect();
        if !all_listed(on_prem, scopes) {
            match self.former(target, on_prem).await {
                Ok(former) => {
                    for former in former.into_iter().filter(|f| wanted(&f.name)) {
                        match former.listed {
                            Ok(listed) => machines.push((listed, Standing::Former)),
                            Err(why) => {
                                seen.insert(scope(&former.name), Observation::unknown(why));
                            }
                        }
                    }
                }
                // Whoever asked for one of them finds no answer, and that is unknown, too.
                Err(why) => {
                    let why = format!("which machines are off the list is not known: {why}");
                    seen.insert(Scope::from(RECORDS), Observation::unknown(why));
                }
            }
        }
        let mut looks = Vec::new();
        for (listed, standing) in &machines {
            looks.push(async move {
                let seen = self.look(target, on_prem, listed, *standing).await;
                (scope(&listed.name), seen)
            });
        }
        let looked: BTreeMap<Scope, Observation> = stream::iter(looks)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        seen.extend(looked);
        self.add_preflight(target, *scopes == ScopeChoice::All, &mut seen)
            .await;
        seen
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        match &step.op {
            Op::Start { node } => {
                let (machine, _) = self.reached(target, &node.0).await?;
                execute::start(&machine, call.epoch).await
            }
            Op::Signal { node, containers } => {
                let (machine, _) = self.reached(target, &node.0).await?;
                leave::signal(&machine, containers, call.epoch).await
            }
            Op::Stop { node } => {
                let (machine, listed) = self.reached(target, &node.0).await?;
                let why = (listed.role, step.cause);
                let drained = target.profile.drained_containers;
                leave::stop(&machine, why, drained, call.epoch).await
            }
            Op::Uninstall { node } => {
                let (machine, _) = self.reached(target, &node.0).await?;
                let drained = target.profile.drained_containers;
                let outcome = leave::uninstall(&machine, drained, call.epoch).await?;
                if matches!(outcome, Outcome::Done) {
                    self.forget(target, &node.0);
                }
                Ok(outcome)
            }
            Op::Set {
                resource,
                properties,
                ..
            } if resource.kind == desired::MACHINE => {
                self.install(target, &resource.name, properties, call).await
            }
            other => Err(ProviderError::Invalid {
                field: other.id().to_string(),
                message: "not built yet for real machines: do it by hand, or leave it".to_owned(),
            }),
        }
    }
}

impl Fleet {
    /// A machine by its name: one that is listed, else one that is on record.
    async fn reached(
        &self,
        target: &Target,
        name: &str,
    ) -> Result<(Machine, Listed), ProviderError> {
        let on_prem = on_prem(&target.cluster)?;
        let listed = if let Some(listed) = machines(on_prem).find(|m| m.name == name) {
            listed.clone()
        } else {
            let former = self.former(target, on_prem).await;
            let former = former.map_err(ProviderError::Retryable)?;
            let found = former.into_iter().find(|f| f.name == name);
            let found = found.ok_or_else(|| {
                ProviderError::NotFound(format!(
                    "{name} is not under spec.infrastructure.onPrem.machines, and nothing of ours is on record there"
                ))
            })?;
            found.listed.map_err(ProviderError::Retryable)?
        };
        let id = &target.infrastructure_id;
        let machine = self.machine(&target.cluster, on_prem, &listed, id);
        Ok((machine.await?, listed))
    }

    /// Hangs up: nothing of ours is left there.
    fn forget(&self, target: &Target, name: &str) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.remove(&place(&target.cluster, name));
    }

    /// Starts an installation or attaches to it, unless one has failed a moment ago.
    async fn install(
        &self,
        target: &Target,
        name: &str,
        properties: &BTreeMap<String, Value>,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let (machine, listed) = self.reached(target, name).await?;
        let work = execute::Install {
            cluster: &target.cluster,
            on_prem: on_prem(&target.cluster)?,
            listed: &listed,
        };
        let place = format!("{}/{name}", target.key());
        let generation = target.cluster.metadata.generation;
        if let Some(error) = self.tries.too_early(&place, generation) {
            return Err(error);
        }
        match work.begin(&machine, properties, call).await? {
            execute::Begun::Failed(error) => {
                self.tries.failed(&place, generation, &error);
                Err(error)
            }
            execute::Begun::Is(outcome) => {
                if matches!(outcome, Outcome::Done) {
                    self.tries.done(&place);
                }
                Ok(outcome)
            }
        }
    }
}

/// Whether every scope that is asked for is that of a listed machine.
fn all_listed(on_prem: &OnPrem, scopes: &ScopeChoice) -> bool {
    let listed: BTreeSet<Scope> = machines(on_prem).map(|m| scope(&m.name)).collect();
    matches!(scopes, ScopeChoice::Only(asked) if asked.is_subset(&listed))
}

/// Under which a link is kept.
fn place(cluster: &OpenViduCluster, machine: &str) -> String {
    let namespace = cluster.metadata.namespace.as_deref().unwrap_or_default();
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    format!("{namespace}/{name}/{machine}")
}

/// The machines that OpenVidu runs on.
fn machines(on_prem: &OnPrem) -> impl Iterator<Item = &Listed> {
    let listed = on_prem.machines.iter();
    listed.filter(|m| matches!(m.role, Role::Master | Role::Media))
}

/// The machines' part of a cluster.
fn on_prem(cluster: &OpenViduCluster) -> Result<&OnPrem, ProviderError> {
    let infrastructure = &cluster.spec.infrastructure;
    infrastructure
        .on_prem
        .as_ref()
        .ok_or_else(|| ProviderError::Invalid {
            field: "spec.infrastructure".to_owned(),
            message: "only machines (onPrem) can be served for real so far: add --simulate to serve this one on a \
                      simulated world"
                .to_owned(),
        })
}

fn scope(machine: &str) -> Scope {
    crate::desired::scope(machine)
}

/// The node that stands for a machine.
fn node(machine: &str) -> NodeName {
    NodeName::from(machine)
}
