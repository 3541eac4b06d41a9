//! Lots, from a seed that is part of the world's state.

use ovo_model::Millis;
use serde::{Deserialize, Serialize};

use crate::config::Span;

/// A stream of lots. Its state is one number, so a world that was written down draws on as if it had not been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw(u64);

impl Draw {
    /// A stream that starts at this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for one purpose: what is drawn from another one never moves it.
    pub fn of(seed: u64, purpose: &str, number: u64) -> Self {
        // FNV-1a over the name, then the finalizer of SplitMix64 so that neighbours differ in every bit.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut z = seed ^ name ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(z ^ (z >> 31))
    }

    fn with<T>(&mut self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        let mut rng = fastrand::Rng::with_seed(self.0);
        let drawn = draw(&mut rng);
        self.0 = rng.get_seed();
        drawn
    }

    /// A number below `bound`; 0 where nothing is below it.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.with(|rng| rng.u64(..bound))
        }
    }

    /// An index of a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// A length of time within the span, both ends included.
    pub fn within(&mut self, span: Span) -> Millis {
        if span.to <= span.from {
            span.from
        } else {
            self.with(|rng| rng.i64(span.from..=span.to))
        }
    }

    /// Yes, this many times in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        match permille {
            0 => false,
            1000.. => true,
            _ => self.below(1000) < u64::from(permille),
        }
    }
}
