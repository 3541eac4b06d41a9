//! Where a test steps in between the operator and the world.

use ovo_api::profile::OccupancySource;
use ovo_model::{Millis, NodeName, ProviderError, StepId};
use ovo_provider::ScopeChoice;

/// What is being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A look at these scopes.
    Observe(ScopeChoice),
    /// A step.
    Execute {
        /// Its id.
        step: StepId,
        /// The name of its operation: `Create`, `Signal` …
        op: &'static str,
        /// Whether it is a destructive one.
        destructive: bool,
    },
    /// One source about one node.
    Read {
        /// About which node.
        node: NodeName,
        /// Which source.
        source: OccupancySource,
    },
}

/// Where in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// This many of its effects have happened and at least one has not. Only calls with several effects have
    /// such moments: a signal between marker and signal and between containers, a start between `enable` and
    /// `start`, a stop between `stop` and `disable`, an uninstallation between software and record.
    HalfWay(u32),
    /// It has had its effect; the answer is on its way.
    After,
}

/// One moment of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// What is being asked for.
    pub kind: CallKind,
    /// Where in it.
    pub moment: Moment,
    /// Counts the calls of this door from 0: all moments of one call have the same number.
    pub ordinal: u64,
}

/// A wrong answer that looks like a right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// A reading of nothing at all; a look at which every other node is missing.
    TooLittle,
    /// A reading beyond all sense (load over 1,000 permille, four billion people).
    Absurd,
}

/// What becomes of a call at one of its moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// It ends here with this error; what has had its effect has had it.
    Fail(ProviderError),
    /// It has its whole effect, and the answer is this error.
    LoseAnswer(ProviderError),
    /// It never comes back: whoever called is dead. The harness drops it.
    Crash,
    /// A look or a reading from this many milliseconds ago.
    Stale(Millis),
    /// Half of the answer, recognisably: the other half is unknown.
    Partial,
    /// An empty answer that looks complete, as from a backend that is not consistent yet.
    Empty,
    /// No answer at all about what was asked: scopes or sources are not in it.
    Missing,
    /// A wrong answer that looks right.
    Lying(Lie),
}

/// Steps in between the operator and the world. Verdicts on looks and readings are asked for at
/// [`Moment::Before`] and [`Moment::After`]; what changes the answer counts at [`Moment::Before`].
pub trait Interceptor: Send + Sync {
    /// What becomes of the call at this moment.
    fn verdict(&self, call: &CallInfo) -> Verdict;

    /// Whether old answers are to be kept for [`Verdict::Stale`]: that costs a copy of every look.
    fn wants_history(&self) -> bool {
        false
    }
}
