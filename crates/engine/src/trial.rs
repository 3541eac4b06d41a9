//! Trying the deployment out: once it serves, and again until that goes well.

use std::sync::Arc;

use ovo_model::{Millis, Mono, Plan, Trial};
use ovo_provider::{Media, Provider};
use ovo_store::Store;

use crate::clock::Clock;
use crate::memory::Memory;
use crate::observe::Ground;
use crate::reconcile::Engine;
use crate::report::Report;

/// First pause after a trial that failed, and the longest: each makes a room.
const FIRST_MS: Millis = 10_000;
const LONGEST_MS: Millis = 300_000;

/// The last trial, until status has taken it in.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    failed: Option<Arc<str>>,
    times: u32,
    next: Mono,
}

impl Tried {
    fn as_trial(&self) -> Trial {
        match &self.failed {
            Some(why) => Trial::Failed(why.clone()),
            None => Trial::Passed,
        }
    }
}

fn pause(times: u32) -> Millis {
    FIRST_MS
        .saturating_mul(1 << times.saturating_sub(1).min(20))
        .min(LONGEST_MS)
}

impl<S: Store, P: Provider, M: Media, C: Clock> Engine<S, P, M, C> {
    /// What is known of trials.
    pub(crate) fn trial(&self, memory: &Memory) -> Trial {
        match &memory.tried {
            _ if !self.media.tries_out() => Trial::ByHealth,
            Some(tried) => tried.as_trial(),
            None => Trial::Untried,
        }
    }

    /// Tries the deployment out if the plan wants it, after all of its steps.
    pub(crate) async fn try_out(
        &self,
        ground: &Ground,
        plan: &Plan,
        memory: &mut Memory,
        report: &mut Report,
    ) {
        if !plan.try_out {
            // It stands in status now; or the deployment does not serve, and will be tried anew.
            memory.tried = None;
            return;
        }
        let now = self.clock.now().mono;
        let times = memory.tried.as_ref().map_or(0, |tried| tried.times);
        if let Some(left) = memory.tried.as_ref().map(|tried| tried.next.since(now))
            && left > 0
        {
            report.look_again_in = report.look_again_in.min(left);
            return;
        }
        let tried = self.media.try_out(&ground.target, &ground.secrets).await;
        let times = times.saturating_add(1);
        memory.tried = Some(Tried {
            failed: tried.err().map(|error| error.to_string().into()),
            times,
            next: Mono(self.clock.now().mono.0.saturating_add(pause(times))),
        });
        report.look_again_in = 0;
    }
}
