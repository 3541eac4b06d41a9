//! Values with a written form of their own: durations and percentages.

mod duration;
mod percent;

pub(crate) use duration::duration_pattern;
pub use duration::{Duration, ParseDurationError};
pub use percent::{ParsePercentError, Percent};
