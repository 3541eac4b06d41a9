//! Random faults on the way to the world, for histories.

use std::sync::{Mutex, PoisonError};

use ovo_model::{Millis, ProviderError};

use crate::interceptor::{CallInfo, CallKind, Interceptor, Moment, Verdict};

/// How often calls go wrong, in a thousand of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPermille {
    /// A step fails before it has an effect.
    pub fail: u32,
    /// A step's answer is lost after its effect.
    pub lose_answer: u32,
    /// A step dies half-way.
    pub half_way: u32,
    /// A step is throttled.
    pub throttle: u32,
    /// A look fails whole.
    pub look_fails: u32,
    /// A look is cut off.
    pub look_partial: u32,
    /// A look shows the past.
    pub look_stale: u32,
    /// How old, at least, in milliseconds.
    pub stale_by: Millis,
    /// A reading is missing.
    pub reading_missing: u32,
}

impl FaultPermille {
    /// Faults of every kind on a standard day.
    pub const fn standard() -> Self {
        Self {
            fail: 20,
            lose_answer: 20,
            half_way: 20,
            throttle: 20,
            look_fails: 5,
            look_partial: 5,
            look_stale: 5,
            stale_by: 30_000,
            reading_missing: 2,
        }
    }
}

/// Faults drawn from a seed.
#[derive(Debug)]
pub struct RandomFaults {
    rates: FaultPermille,
    lots: Mutex<fastrand::Rng>,
}

impl RandomFaults {
    /// Faults of these rates.
    pub fn new(seed: u64, rates: FaultPermille) -> Self {
        Self {
            rates,
            lots: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    /// The first of these that is drawn.
    fn draw(&self, chances: &[(u32, Verdict)]) -> Verdict {
        let mut lot = self
            .lots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .u32(..1000);
        for (permille, verdict) in chances {
            if lot < *permille {
                return verdict.clone();
            }
            lot -= permille;
        }
        Verdict::Pass
    }
}

impl Interceptor for RandomFaults {
    fn verdict(&self, call: &CallInfo) -> Verdict {
        let rates = &self.rates;
        let error = |words: &str| ProviderError::Retryable(format!("simulated: {words}"));
        match (&call.kind, call.moment) {
            (CallKind::Execute { .. }, Moment::Before) => self.draw(&[
                (rates.fail, Verdict::Fail(error("connection refused"))),
                (
                    rates.throttle,
                    Verdict::Fail(ProviderError::Throttled { after: 2_000 }),
                ),
            ]),
            (CallKind::Execute { .. }, Moment::HalfWay(_)) => self.draw(&[(
                rates.half_way,
                Verdict::Fail(error("connection lost half-way")),
            )]),
            (CallKind::Execute { .. }, Moment::After) => self.draw(&[(
                rates.lose_answer,
                Verdict::LoseAnswer(error("connection lost")),
            )]),
            (CallKind::Observe(_), Moment::Before) => self.draw(&[
                (rates.look_fails, Verdict::Fail(error("time-out"))),
                (rates.look_partial, Verdict::Partial),
                (rates.look_stale, Verdict::Stale(rates.stale_by)),
            ]),
            (CallKind::Read { .. }, Moment::Before) => {
                self.draw(&[(rates.reading_missing, Verdict::Missing)])
            }
            (CallKind::Observe(_) | CallKind::Read { .. }, _) => Verdict::Pass,
        }
    }

    fn wants_history(&self) -> bool {
        self.rates.look_stale > 0
    }
}
