//! Walking to a goal, call by call, and dying on the way.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Poll;

use ovo_model::{Observation, Outcome, Ownership, ProviderError, ResourceId, Scalar, Step};

use super::Bed;
use super::diff::{Goal, Next, Seen, next};
use crate::provider::{Call, Provider, ScopeChoice};

/// After so many calls without arriving, a provider is said not to arrive. Real sequences are far shorter.
const MANY: usize = 500;
/// How long is waited where the backend does not say, in milliseconds.
const PAUSE_MS: i64 = 1_000;
/// The epoch under which the kit writes: one leader, who never changes.
const EPOCH: i64 = 1;

/// Where the operator dies in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Before it.
    Before,
    /// In it: its future is dropped after it was polled once.
    Within,
    /// After its effect, before its answer was heard.
    After,
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// At the goal, with so many calls.
    There(usize),
    /// It died as asked.
    Died,
}

/// What is ours, as far as it should be the same whenever the same was wanted.
pub(super) type Estate = BTreeMap<ResourceId, BTreeMap<String, Scalar>>;

/// Looks at everything.
pub(super) async fn look<B: Bed>(bed: &B, provider: &B::P) -> Seen {
    provider.observe(&bed.target(), &ScopeChoice::All).await
}

/// Carries a step out.
pub(super) async fn execute<B: Bed>(
    bed: &B,
    provider: &B::P,
    step: &Step,
) -> Result<Outcome, ProviderError> {
    let call = Call {
        secrets: bed.secrets(),
        epoch: EPOCH,
    };
    provider.execute(&bed.target(), step, call).await
}

/// Walks to a goal, as an operator would that looks before each step.
///
/// # Errors
/// In words for people, when it cannot arrive.
pub(super) async fn walk<B: Bed>(
    bed: &B,
    provider: &B::P,
    goal: Goal<'_>,
    death: Option<(usize, Death)>,
) -> Result<Arrival, String> {
    let profile = bed.target().profile;
    let planned = |resource: &ovo_model::Resource, property: &str| bed.planned(resource, property);
    let mut last = String::new();
    let (mut calls, mut rounds) = (0, 0);
    loop {
        rounds += 1;
        if rounds > MANY {
            return Err(format!(
                "does not arrive at {} within {MANY} rounds; the last one: {last}",
                name(goal)
            ));
        }
        let step = match next(profile, goal, &look(bed, provider).await, &planned)? {
            Next::Reached => return Ok(Arrival::There(calls)),
            Next::Wait(what) => {
                last = format!("waited for {what}");
                bed.wait(PAUSE_MS).await;
                continue;
            }
            Next::Do(step) => step,
        };
        if let Some((_, moment)) = death.filter(|(at, _)| *at == calls) {
            die(bed, provider, &step, moment).await;
            return Ok(Arrival::Died);
        }
        calls += 1;
        last = step.id.to_string();
        match execute(bed, provider, &step).await {
            Ok(Outcome::Done) => {}
            Ok(Outcome::InProgress { look_again_in }) => bed.wait(look_again_in.max(1)).await,
            Err(ProviderError::Retryable(why)) => {
                last = format!("{}: {why}", step.id);
                bed.wait(PAUSE_MS).await;
            }
            Err(ProviderError::Throttled { after }) => bed.wait(after.max(1)).await,
            Err(error) => return Err(format!("{} on the way to {}: {error}", step.id, name(goal))),
        }
    }
}

async fn die<B: Bed>(bed: &B, provider: &B::P, step: &Step, moment: Death) {
    match moment {
        Death::Before => {}
        Death::Within => {
            let mut call = pin!(execute(bed, provider, step));
            // Polled once; what it was at is dropped with it.
            std::future::poll_fn(|context| {
                let _ = call.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        Death::After => drop(execute(bed, provider, step).await),
    }
}

/// What is ours by a look at everything.
///
/// # Errors
/// When a scope is unknown.
pub(super) fn estate(seen: &Seen) -> Result<Estate, String> {
    let mut estate = Estate::new();
    for (scope, observation) in seen {
        match observation {
            Observation::Known { resources, .. } => {
                let ours = resources
                    .values()
                    .filter(|r| r.ownership == Ownership::Ours);
                estate.extend(ours.map(|r| (r.id.clone(), r.properties.clone())));
            }
            Observation::Unknown { reason } => {
                return Err(format!("scope {} is unknown: {reason}", scope.0));
            }
        }
    }
    Ok(estate)
}

const fn name(goal: Goal<'_>) -> &'static str {
    match goal {
        Goal::Have(_) => "what is wanted",
        Goal::Nothing(_) => "nothing",
    }
}
