//! An answer that is an error.

/// An error with the code that AWS documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The code, for example `AlreadyExists`.
    pub(crate) code: String,
    /// What a person reads.
    pub(crate) message: String,
}

impl Fault {
    /// An error.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// What the query services answer to a member of a wrong value.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }
}
