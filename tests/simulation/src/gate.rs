//! Where a run can be made to go wrong, one point at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ovo_model::ProviderError;
use ovo_provider_sim::{CallInfo, CallKind, Interceptor, Lie, Moment, Verdict};

/// What goes wrong at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The operator dies there.
    Crash,
    /// The call fails without an effect.
    Fail,
    /// The call has its effect and its answer is lost.
    LoseAnswer,
    /// The call is throttled.
    Throttle,
    /// Somebody else wrote first (store writes).
    Conflict,
    /// The read is a minute old.
    Stale,
    /// The read is not whole.
    Partial,
    /// The read is not answered.
    Missing,
    /// The read says what cannot be.
    Absurd,
}

/// The kinds of call that a point belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A write to the store.
    StoreWrite,
    /// The first read of a kind from the store.
    StoreRead,
    /// A step carried out.
    Execute,
    /// The first look of a kind at the infrastructure.
    Observe,
    /// The first reading of a source.
    Read,
}

/// A point of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What is called, and where in it.
    pub label: String,
    /// The kind of call.
    pub class: Class,
    /// Where in the call.
    pub moment: Moment,
}

impl Point {
    /// What can go wrong here.
    pub fn faults(&self) -> &'static [Fault] {
        match (self.class, self.moment) {
            (Class::StoreWrite, Moment::Before) => &[Fault::Crash, Fault::Fail, Fault::Conflict],
            (Class::StoreWrite, _) | (Class::Execute, Moment::After) => {
                &[Fault::Crash, Fault::LoseAnswer]
            }
            (Class::StoreRead, _) | (Class::Execute, Moment::HalfWay(_)) => {
                &[Fault::Crash, Fault::Fail]
            }
            (Class::Execute, Moment::Before) => &[Fault::Crash, Fault::Fail, Fault::Throttle],
            (Class::Observe, Moment::Before) => {
                &[Fault::Crash, Fault::Stale, Fault::Partial, Fault::Missing]
            }
            (Class::Read, Moment::Before) => {
                &[Fault::Crash, Fault::Stale, Fault::Missing, Fault::Absurd]
            }
            (Class::Observe | Class::Read, _) => &[],
        }
    }
}

#[derive(Debug, Default)]
struct State {
    points: Vec<Point>,
    seen: BTreeSet<String>,
    at: Option<(usize, Fault)>,
    armed: bool,
    dead: bool,
    hit: bool,
    writes: u64,
}

/// Counts the points of a run and lets one go wrong. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<State>>);

impl Gate {
    /// A gate at which nothing goes wrong.
    pub fn open() -> Self {
        Self::default()
    }

    /// A gate at which the point of this number goes wrong.
    pub fn at(point: usize, fault: Fault) -> Self {
        let gate = Self::default();
        gate.state().at = Some((point, fault));
        gate
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on points are counted: what comes before is the same for all runs.
    pub fn arm(&self) {
        self.state().armed = true;
    }

    /// The points that were passed so far.
    pub fn points(&self) -> Vec<Point> {
        self.state().points.clone()
    }

    /// How many writes the store was asked for so far, armed or not.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Whether the point that should go wrong was reached.
    pub fn hit(&self) -> bool {
        self.state().hit
    }

    /// Whether the operator died here; asking brings it back to life.
    pub fn take_dead(&self) -> bool {
        std::mem::take(&mut self.state().dead)
    }

    /// Passes a point; tells what goes wrong at it.
    pub fn pass(
        &self,
        class: Class,
        moment: Moment,
        label: impl FnOnce() -> String,
    ) -> Option<Fault> {
        let mut state = self.state();
        state.writes += u64::from(class == Class::StoreWrite && moment == Moment::Before);
        // Recording is what costs; a gate that has done its work lets everything through.
        if state.hit || !state.armed {
            return None;
        }
        let label = label();
        let first_only = matches!(class, Class::StoreRead | Class::Observe | Class::Read);
        if first_only && !state.seen.insert(format!("{label} {moment:?}")) {
            return None;
        }
        let number = state.points.len();
        state.points.push(Point {
            label,
            class,
            moment,
        });
        let (at, fault) = state.at?;
        if at != number {
            return None;
        }
        state.hit = true;
        state.dead = fault == Fault::Crash;
        Some(fault)
    }
}

impl Interceptor for Gate {
    fn verdict(&self, call: &CallInfo) -> Verdict {
        let (class, label) = match &call.kind {
            CallKind::Execute { step, .. } => (Class::Execute, format!("execute {step}")),
            CallKind::Observe(choice) => (
                Class::Observe,
                match choice {
                    ovo_provider::ScopeChoice::All => "observe all".to_owned(),
                    ovo_provider::ScopeChoice::Only(scopes) => format!("observe {scopes:?}"),
                },
            ),
            CallKind::Read { source, .. } => (Class::Read, format!("read {source:?}")),
        };
        if matches!(class, Class::Observe | Class::Read) && call.moment != Moment::Before {
            return Verdict::Pass;
        }
        let passes = "injected".to_owned();
        match self.pass(class, call.moment, || label) {
            None => Verdict::Pass,
            Some(Fault::Crash) => Verdict::Crash,
            Some(Fault::Fail | Fault::Conflict) => Verdict::Fail(ProviderError::Retryable(passes)),
            Some(Fault::LoseAnswer) => Verdict::LoseAnswer(ProviderError::Retryable(passes)),
            Some(Fault::Throttle) => Verdict::Fail(ProviderError::Throttled { after: 5_000 }),
            Some(Fault::Stale) => Verdict::Stale(60_000),
            Some(Fault::Partial) => Verdict::Partial,
            Some(Fault::Missing) => Verdict::Missing,
            Some(Fault::Absurd) => Verdict::Lying(Lie::Absurd),
        }
    }

    fn wants_history(&self) -> bool {
        matches!(self.state().at, Some((_, Fault::Stale)))
    }
}
