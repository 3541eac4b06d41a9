//! What a provider answers.

use thiserror::Error;

use crate::time::Millis;

/// A step that went well, or is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the next observation shows it.
    Done,
    /// Under way. Asking again is harmless and is how progress is followed.
    InProgress {
        /// When a look is worth while, in milliseconds.
        look_again_in: Millis,
    },
}

/// An answer that is not an outcome, by what it asks of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// It may go through next time; whether it had an effect is not known.
    #[error("{0}")]
    Retryable(String),
    /// Too many calls.
    #[error("throttled, next try in {after} ms")]
    Throttled {
        /// Wait this long, in milliseconds.
        after: Millis,
    },
    /// We may not.
    #[error("denied: {0}")]
    Denied(String),
    /// The backend will never take this value.
    #[error("{field}: {message}")]
    Invalid {
        /// The field of the spec it came from.
        field: String,
        /// Why, and the way out.
        message: String,
    },
    /// It is not there (any more, or yet).
    #[error("not found: {0}")]
    NotFound(String),
    /// Somebody else has it, or it changed meanwhile.
    #[error("conflict: {0}")]
    Conflict(String),
}
