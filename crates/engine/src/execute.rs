//! Carrying steps out, each destructive one after a live read.

use std::collections::BTreeSet;

use ovo_api::act::{Cuts, Role};
use ovo_model::{NodeName, Observation, Op, Outcome, Plan, ProviderError, Scope, Snapshot, Step};
use ovo_planner::bugs::Bug;
use ovo_planner::check::{Refusal, recheck_as};
use ovo_provider::{Call, Media, Provider};
use ovo_store::{Freshness, ObjectKey, Store, StoreError};
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::memory::Memory;
use crate::observe::{self, Ground};
use crate::options::Checking;
use crate::reconcile::Engine;
use crate::report::{Executed, Report, StepResult};
use crate::secrets;
use crate::small::Small;

impl<S: Store, P: Provider, M: Media, C: Clock> Engine<S, P, M, C> {
    /// Carries out the steps of a committed plan.
    pub(crate) async fn execute(
        &self,
        ground: &mut Ground,
        snapshot: &Snapshot,
        plan: &Plan,
        memory: &mut Memory,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        memory
            .attempts
            .retain(|id| plan.steps.iter().any(|s| s.id == *id));
        for step in &plan.steps {
            if self.stopping() {
                break;
            }
            let now = self.clock.now().mono;
            if let Some(left) = memory.attempts.hold(&step.id, now) {
                report.look_again_in = report.look_again_in.min(left);
                report.executed.push(Executed {
                    step: step.clone(),
                    result: StepResult::Held,
                });
                continue;
            }
            if step.is_destructive() && !self.options.bugs.has(Bug::NoLiveRead) {
                let refusals = self.live_read(ground, snapshot, step, memory).await?;
                if !refusals.is_empty() {
                    tracing::info!(step = %step.id, reason = %refusals[0].message, "stopped by the live read");
                    report.executed.push(Executed {
                        step: step.clone(),
                        result: StepResult::Refused(refusals),
                    });
                    // What was planned on an older view is planned anew.
                    report.look_again_in = report.look_again_in.min(1_000);
                    continue;
                }
            }
            let span = tracing::info_span!("step", step = %step.id, act = ?step.act);
            let answer = self.carry_out(ground, step).instrument(span).await?;
            let pause = {
                let mut random = self.random();
                memory.attempts.note(
                    &step.id,
                    self.clock.now().mono,
                    &answer,
                    &self.options,
                    &mut random,
                )
            };
            let look = if matches!(answer, Ok(Outcome::Done)) {
                0
            } else {
                pause
            };
            report.look_again_in = report.look_again_in.min(look);
            let result = match answer {
                Ok(outcome) => StepResult::Answered(outcome),
                Err(error) => {
                    tracing::warn!(step = %step.id, %error, "step failed");
                    StepResult::Failed(error)
                }
            };
            report.executed.push(Executed {
                step: step.clone(),
                result,
            });
        }
        Ok(())
    }

    async fn carry_out(
        &self,
        ground: &Ground,
        step: &Step,
    ) -> Result<Result<Outcome, ProviderError>, StoreError> {
        let epoch = ground
            .cluster
            .status
            .as_ref()
            .and_then(|s| s.intent.as_ref())
            .map_or(0, |i| i.epoch);
        let call = Call {
            secrets: &ground.secrets,
            epoch,
        };
        match step.executor {
            ovo_model::Executor::Provider => {
                Ok(self.provider.execute(&ground.target, step, call).await)
            }
            ovo_model::Executor::Media => Ok(self.media.execute(&ground.target, step, call).await),
            ovo_model::Executor::Store => {
                if let Op::GenerateCredentials { secret, keys } = &step.op {
                    let cluster = ObjectKey::of(&*ground.cluster);
                    secrets::generate(&self.store, &cluster, secret, keys).await?;
                }
                Ok(Ok(Outcome::Done))
            }
        }
    }

    /// Reads cluster, node and occupancy sources live and asks the checker about this one step again.
    async fn live_read(
        &self,
        ground: &mut Ground,
        before: &Snapshot,
        step: &Step,
        memory: &mut Memory,
    ) -> Result<Vec<Refusal>, StoreError> {
        let key = ObjectKey::of(&*ground.cluster);
        let Some(cluster) = self.store.cluster(&key, Freshness::Live).await? else {
            return Err(StoreError::NotFound(key.to_string()));
        };
        ground.renew(&cluster);
        ground.records = observe::by_machine(self.store.nodes(&key, Freshness::Live).await?);
        let scopes = scopes(before, step);
        let seen = self.asking(ground).afresh(scopes, before).await;
        let (trial, simulated) = (before.trial.clone(), self.options.simulated);
        let snapshot = ground.snapshot(&self.clock, seen, trial, simulated);
        memory.readings = Small::keep(&*snapshot.readings);
        if self.options.checking != Checking::On {
            return Ok(Vec::new());
        }
        // An epoch that was never claimed is none: nothing destructive runs before the first intent is written.
        Ok(recheck_as(&snapshot, step, memory.epoch.unwrap_or(-1)))
    }
}

/// What has to be read before a step: its own scope, and every media node where it cuts further than one.
fn scopes(snapshot: &Snapshot, step: &Step) -> BTreeSet<Scope> {
    let own = match &step.op {
        op if op.node().is_some() => op.node().and_then(|n| scope_of(snapshot, n)),
        op => op
            .resource()
            .and_then(|id| snapshot.desired.iter().find(|r| r.id == *id))
            .map(|r| r.scope.clone()),
    };
    let wide = step.cuts > Cuts::Node || step.role != Some(Role::Media) || own.is_none();
    if wide {
        return snapshot.observed.keys().cloned().chain(own).collect();
    }
    own.into_iter().collect()
}

fn scope_of(snapshot: &Snapshot, node: &NodeName) -> Option<Scope> {
    snapshot
        .observed
        .iter()
        .find(|(_, o)| matches!(o, Observation::Known { nodes, .. } if nodes.contains_key(node)))
        .map(|(scope, _)| scope.clone())
}
