//! What one round did.

use std::sync::Arc;

use ovo_model::{Millis, Outcome, Plan, ProviderError, Snapshot, Step};
use ovo_planner::check::Refusal;
use ovo_store::StoreError;
use thiserror::Error;

/// Why a round could not be finished.
#[derive(Clone, Debug, Error)]
pub enum EngineError {
    /// The store refused or did not answer.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The provider can do nothing with the spec.
    #[error("{0}")]
    Desired(ProviderError),
    /// The provider cannot say whether the deployment exists already.
    #[error("whether this cluster's deployment exists already: {0}")]
    Elsewhere(ProviderError),
}

/// How a step went.
#[derive(Clone, Debug)]
pub enum StepResult {
    /// The provider answered.
    Answered(Outcome),
    /// The provider answered with an error.
    Failed(ProviderError),
    /// The checker stopped it at the live read just before.
    Refused(Vec<Refusal>),
    /// It was tried a moment ago; not tried again yet.
    Held,
}

/// A step of the plan and how it went.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The step.
    pub step: Step,
    /// How it went.
    pub result: StepResult,
}

/// What one round saw, wanted and did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was seen, unless the round ended before.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What was planned.
    pub plan: Option<Arc<Plan>>,
    /// Why the plan as a whole was refused.
    pub refused: Vec<Refusal>,
    /// What was carried out.
    pub executed: Vec<Executed>,
    /// Writes to the store.
    pub writes: u32,
    /// The object is gone; there is nothing more to do for it.
    pub gone: bool,
    /// How long the round took, in milliseconds of the engine's clock.
    pub took: Millis,
    /// When the next look is due, in milliseconds.
    pub look_again_in: Millis,
    /// Why the round ended early.
    pub error: Option<EngineError>,
}

impl Report {
    /// How it ended, in a word for metrics and traces: `ok`, `refused` (the checker refused the plan), or `error`.
    pub const fn result(&self) -> &'static str {
        match self {
            Self { error: Some(_), .. } => "error",
            Self { refused, .. } if !refused.is_empty() => "refused",
            _ => "ok",
        }
    }

    /// Ends of nodes that stood in the committed intent and were stopped by the last live read.
    pub fn ends_refused(&self) -> usize {
        self.executed
            .iter()
            .filter(|e| {
                e.step.act == ovo_api::ActKind::End && matches!(e.result, StepResult::Refused(_))
            })
            .count()
    }
}
