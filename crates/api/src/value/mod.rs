//! Values with a written form of their own: durations and percentages.

mod duration;
mod percent;

pub use duration::{Duration, ParseDurationError};
pub use percent::{ParsePercentError, Percent};
