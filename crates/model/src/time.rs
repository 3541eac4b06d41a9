//! The two clocks of a snapshot.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A length of time in milliseconds.
pub type Millis = i64;

/// Milliseconds on a clock that never jumps and means nothing outside this process. Ages are taken from it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Mono(pub Millis);

/// Milliseconds since 1970-01-01T00:00:00Z. Schedules, deadlines and what is written down are taken from it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Wall(pub Millis);

/// The moment at which a snapshot was taken, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For ages.
    pub mono: Mono,
    /// For deadlines and schedules.
    pub wall: Wall,
}

impl Mono {
    /// How long ago `earlier` was, never negative.
    pub const fn since(self, earlier: Self) -> Millis {
        let d = self.0 - earlier.0;
        if d < 0 { 0 } else { d }
    }
}

impl Wall {
    /// How long ago `earlier` was, never negative: a clock that jumped back makes things young, not odd.
    pub const fn since(self, earlier: Self) -> Millis {
        let d = self.0 - earlier.0;
        if d < 0 { 0 } else { d }
    }

    /// This moment as a Kubernetes time, in whole seconds as the API server keeps it.
    pub fn to_time(self) -> Time {
        let seconds = self.0.div_euclid(1000);
        Time(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The moment that a Kubernetes time names.
    pub fn from_time(time: &Time) -> Self {
        Self(time.0.as_millisecond())
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_time().0)
    }
}
