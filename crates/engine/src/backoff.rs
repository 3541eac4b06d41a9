//! How often a step is tried.

use std::collections::BTreeMap;

use ovo_model::{Millis, Mono, Outcome, ProviderError, StepId};

use crate::options::Options;

/// What is remembered of a step that was tried and is still wanted.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    tries: u32,
    not_before: Mono,
}

/// Tries of one cluster's steps. Lost with the process: everything may be tried again then.
#[derive(Debug, Default)]
pub(crate) struct Attempts(BTreeMap<StepId, Attempt>);

impl Attempts {
    /// How long a step still has to wait, if it has to.
    pub(crate) fn hold(&self, step: &StepId, now: Mono) -> Option<Millis> {
        self.0
            .get(step)
            .map(|a| a.not_before.0 - now.0)
            .filter(|left| *left > 0)
    }

    /// Forgets what is not wanted any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&StepId) -> bool) {
        self.0.retain(|id, _| wanted(id));
    }

    /// Notes an answer; returns when the step may be tried again, in milliseconds.
    pub(crate) fn note(
        &mut self,
        step: &StepId,
        now: Mono,
        answer: &Result<Outcome, ProviderError>,
        options: &Options,
        random: &mut fastrand::Rng,
    ) -> Millis {
        let attempt = self.0.entry(step.clone()).or_insert(Attempt {
            tries: 0,
            not_before: now,
        });
        attempt.tries = attempt.tries.saturating_add(1);
        let pause = match answer {
            // What was done shows in the next observation; if it does not, the backend is late.
            Ok(Outcome::Done) => exponential(2_000, 60_000, attempt.tries),
            Ok(Outcome::InProgress { look_again_in }) => {
                return hold(attempt, now, (*look_again_in).max(1_000));
            }
            Err(ProviderError::Throttled { after }) => (*after).max(exponential(
                options.retry_first,
                options.retry_longest,
                attempt.tries,
            )),
            Err(
                ProviderError::Retryable(_)
                | ProviderError::NotFound(_)
                | ProviderError::Conflict(_),
            ) => exponential(options.retry_first, options.retry_longest, attempt.tries),
            // A person has to act; looking often helps nobody.
            Err(ProviderError::Denied(_) | ProviderError::Invalid { .. }) => {
                exponential(30_000, options.retry_longest.max(30_000), attempt.tries)
            }
        };
        // Full jitter of a fifth keeps many clusters from coming back together.
        let jitter = random.i64(0..=pause / 5);
        hold(attempt, now, pause + jitter)
    }
}

fn hold(attempt: &mut Attempt, now: Mono, pause: Millis) -> Millis {
    attempt.not_before = Mono(now.0 + pause);
    pause
}

fn exponential(first: Millis, longest: Millis, tries: u32) -> Millis {
    first
        .saturating_mul(1_i64 << tries.saturating_sub(1).min(20))
        .min(longest)
}
