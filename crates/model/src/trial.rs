//! Whether a room was made and joined.

use std::sync::Arc;

/// What is known of a deployment's doing what it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trial {
    /// Nobody can try it: the health of its nodes is all there is.
    #[default]
    ByHealth,
    /// It was not tried since this process came, or since it last failed to serve.
    Untried,
    /// A room was made and joined.
    Passed,
    /// It was tried, and this is at what it failed.
    Failed(Arc<str>),
}
