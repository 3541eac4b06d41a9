//! What was asked: a test reads it to see which operations a program calls, and how often.

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service, by its name in a signature.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The region.
    pub region: String,
    /// The error code that it came to.
    pub error: Option<String>,
    /// Whether the caller was told.
    pub answered: bool,
}

impl Call {
    /// Whether it changes something: all but those that describe or list.
    pub fn changes(&self) -> bool {
        !["Describe", "List", "Get"]
            .iter()
            .any(|verb| self.operation.starts_with(verb))
    }
}
