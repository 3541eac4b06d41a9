//! What is wrong with the files, in words for whoever wrote them.

use std::fmt;

use crate::key::ObjectKey;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the directory.
    pub file: String,
    /// Line, from 1, where it is known.
    pub line: Option<u64>,
    /// Path of the field; empty where the file itself is meant.
    pub field: String,
    /// What is wrong, and the way out.
    pub message: String,
    /// The clusters that stay as they were because of it.
    pub clusters: Vec<ObjectKey>,
}

/// What a look at the directory found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// All that is wrong now.
    pub problems: Vec<Problem>,
    /// What of it was not there at the last look.
    pub news: Vec<Problem>,
    /// Clusters that are new.
    pub created: Vec<ObjectKey>,
    /// Clusters whose spec, labels or annotations were changed.
    pub changed: Vec<ObjectKey>,
    /// Clusters whose manifest was not there any more for the first time: nothing of them is written from now on.
    pub vanished: Vec<ObjectKey>,
    /// Clusters that were deleted by name and whose manifest is still there.
    pub left_behind: Vec<ObjectKey>,
}

// === impl Problem ===

impl Problem {
    /// A problem with a file as a whole.
    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            field: String::new(),
            message: message.into(),
            clusters: Vec::new(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.clusters.is_empty() {
            let names: Vec<_> = self.clusters.iter().map(ToString::to_string).collect();
            write!(
                f,
                " (what was good last stays in force for {})",
                names.join(", ")
            )?;
        }
        Ok(())
    }
}
