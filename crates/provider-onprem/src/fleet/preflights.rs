//! When machines are asked whether they are fit, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use ovo_api::OpenViduCluster;
use ovo_model::{Observation, Preflight, ProviderError, Scope};
use ovo_provider::Target;

use super::desired::release;
use super::{Fleet, machines, node, on_prem, scope};
use crate::install::source;
use crate::preflight::{Candidate, Finding, Needs, Report, Verdict, run};

/// A failure is looked at again after this time: whoever mends something wants to see it soon.
const AGAIN_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// A success holds for this long: what is installed by then is asked no more.
const AGAIN_AFTER_SUCCESS: Duration = Duration::from_mins(5);

/// The last answer for each cluster.
#[derive(Default)]
pub(super) struct Preflights(Mutex<BTreeMap<String, Asked>>);

struct Asked {
    at: Instant,
    /// What it was about: another generation or other machines are asked anew.
    about: (Option<i64>, BTreeSet<String>),
    report: Report,
}

impl Asked {
    fn holds(&self, about: &(Option<i64>, BTreeSet<String>)) -> bool {
        let limit = if self.report.passed() {
            AGAIN_AFTER_SUCCESS
        } else {
            AGAIN_AFTER_FAILURE
        };
        // Machines that were installed since need not be bare any more.
        self.about.0 == about.0 && about.1.is_subset(&self.about.1) && self.at.elapsed() < limit
    }
}

impl Fleet {
    /// Adds to each bare machine what its preflight found. `ask`: machines may be asked now, if it is time.
    pub(super) async fn add_preflight(
        &self,
        target: &Target,
        ask: bool,
        seen: &mut BTreeMap<Scope, Observation>,
    ) {
        let Ok(on_prem) = on_prem(&target.cluster) else {
            return;
        };
        let is_bare = |name: &str| match seen.get(&scope(name)) {
            Some(Observation::Known { resources, .. }) => resources.is_empty(),
            // Named by itself as long as it is silent, and not waited for here.
            Some(Observation::Unknown { .. }) | None => false,
        };
        let names = machines(on_prem).map(|m| m.name.as_str());
        let (bare, others): (BTreeSet<&str>, BTreeSet<&str>) = names.partition(|n| is_bare(n));
        if bare.is_empty() {
            return;
        }
        let key = target.key();
        let about = (
            target.cluster.metadata.generation,
            bare.iter().map(|name| (*name).to_owned()).collect(),
        );
        let kept = self.kept(&key, &about);
        let report = match kept {
            Some(report) => report,
            None if !ask => return,
            None => {
                let id = &target.infrastructure_id;
                let known = |name: &&str| seen.get(&scope(name)).is_some_and(Observation::is_known);
                let installed = others.into_iter().filter(known).collect();
                let asked = self.ask_preflight(&target.cluster, id, &bare, &installed);
                let Ok(report) = asked.await else {
                    return;
                };
                let asked = Asked {
                    at: Instant::now(),
                    about,
                    report: report.clone(),
                };
                let mut kept = self
                    .preflights
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                kept.insert(key, asked);
                report
            }
        };
        for name in bare {
            let Some(Observation::Known { nodes, .. }) = seen.get_mut(&scope(name)) else {
                continue;
            };
            if let Some(observed) = nodes.get_mut(&node(name)) {
                let verdict = report.machines.get(name).cloned().unwrap_or_default();
                observed.preflight = Some(words(&verdict));
            }
        }
    }

    fn kept(&self, key: &str, about: &(Option<i64>, BTreeSet<String>)) -> Option<Report> {
        let kept = self
            .preflights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let asked = kept.get(key)?;
        asked.holds(about).then(|| asked.report.clone())
    }

    /// Asks the bare machines of a cluster; those of `installed` only help.
    pub(super) async fn ask_preflight(
        &self,
        cluster: &OpenViduCluster,
        infrastructure_id: &str,
        bare: &BTreeSet<&str>,
        installed: &BTreeSet<&str>,
    ) -> Result<Report, ProviderError> {
        let on_prem = on_prem(cluster)?;
        let release = release(cluster)?;
        let version = &cluster.spec.version;
        let takes_part = |name: &str| bare.contains(name) || installed.contains(name);
        let listed: Vec<_> = machines(on_prem).filter(|m| takes_part(&m.name)).collect();
        let urls: Vec<String> = listed
            .iter()
            .map(|m| source(on_prem, m.role, version).0)
            .collect();
        let ways = join_all(
            listed
                .iter()
                .map(|m| self.machine(cluster, on_prem, m, infrastructure_id)),
        )
        .await;
        let candidates: Vec<Candidate<'_>> = listed
            .iter()
            .zip(&urls)
            .zip(ways)
            .map(|((listed, url), way)| Candidate {
                name: &listed.name,
                address: &listed.address,
                needs: Needs {
                    role: listed.role,
                    release,
                    public: cluster.spec.load_balancer.dns.is_some(),
                    installer: url,
                },
                bare: bare.contains(listed.name.as_str()),
                machine: way.map_err(|error| error.to_string()),
            })
            .collect();
        Ok(run(&candidates, &on_prem.preflight.ignore).await)
    }
}

fn words(verdict: &Verdict) -> Preflight {
    let words = |found: &[Finding]| found.iter().map(ToString::to_string).collect();
    Preflight {
        failed: words(&verdict.failed),
        ignored: words(&verdict.ignored),
    }
}
