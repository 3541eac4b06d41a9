//! Why a store refused.

use std::fmt;

use thiserror::Error;

/// One field of an object that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path of the field, as in `spec.media.min`.
    pub field: String,
    /// The value, the rule and the way out. Never holds a secret.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Why a call to the store had no effect (or, for [`StoreError::Unavailable`], may have had none).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The object changed since it was read: read it again and think again.
    #[error("{object} changed meanwhile: resourceVersion {given} was given, {current} is stored")]
    Conflict {
        /// Kind and key.
        object: String,
        /// The version that the caller knew.
        given: String,
        /// The version that is stored, or a word for it where the server does not tell.
        current: String,
    },
    /// An object of this name is there already.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// There is no such object.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The object breaks rules; nothing of it was stored.
    #[error("{object} is invalid: {}", join(.violations))]
    Invalid {
        /// Kind and key.
        object: String,
        /// What is wrong, at least one.
        violations: Vec<Violation>,
    },
    /// The object is over the limit that an API server puts on one object.
    #[error("{object} is too large: {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Kind and key.
        object: String,
        /// Its size as JSON.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The manifest of this cluster has vanished: it, its nodes and its Secrets are not written.
    #[error(
        "{0} is unmanaged because its manifest is gone: put the manifest back, or delete the cluster by name"
    )]
    Unmanaged(String),
    /// The disk is full. Stop acting on the world until a write succeeds again; reads go on.
    #[error("the disk is full, nothing was written: {0}")]
    Full(String),
    /// What is stored was written by a newer release; nothing was written.
    #[error(
        "{what} has format {found}, this release knows {known}: run the release that wrote it, or a newer one"
    )]
    FormatTooNew {
        /// What was read: a file or an object.
        what: String,
        /// Its format.
        found: i64,
        /// The newest format that this release knows.
        known: i64,
    },
    /// What is stored cannot be read. The text names the file and the way out.
    #[error("{0}")]
    Corrupt(String),
    /// The caller may not do this; trying again does not help until somebody changes the rights.
    #[error("not allowed: {0}")]
    Denied(String),
    /// This process may not write now, because another one may act in its place; nothing was sent.
    #[error("{0}")]
    NotLeading(String),
    /// The store did not answer; the call may or may not have had its effect. Read, then try again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

// === impl StoreError ===

impl StoreError {
    /// One violated field.
    pub fn invalid(
        object: impl Into<String>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            object: object.into(),
            violations: vec![Violation {
                field: field.into(),
                message: message.into(),
            }],
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. } | Self::Full(_) | Self::NotLeading(_) | Self::Unavailable(_)
        )
    }
}

fn join(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
