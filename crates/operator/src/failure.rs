//! Why a command failed, in words for people.

use std::io;
use std::path::PathBuf;

use ovo_api::manifest::ManifestError;
use ovo_engine::EngineError;
use ovo_model::ProviderError;
use ovo_provider_sim::JournalError;
use ovo_store::StoreError;
use thiserror::Error;

/// How many names are told to somebody who mistyped one.
const MANY: usize = 8;

/// Why a command failed. Its words end on standard error; none of them holds a secret.
#[derive(Debug, Error)]
pub enum Failure {
    /// The command line asks for what cannot be done.
    #[error("{0}")]
    Usage(String),
    /// What is asked for is planned and does not exist yet.
    #[error("{what} is not built yet: {instead}")]
    NotBuilt {
        /// What.
        what: String,
        /// The way out.
        instead: String,
    },
    /// A file or directory.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of ours holds something else.
    #[error("{}: {why}", path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// Why, and the way out.
        why: String,
    },
    /// Manifests with mistakes.
    #[error("{}", lines(.0))]
    Manifests(Vec<(PathBuf, ManifestError)>),
    /// There is no object of this name.
    #[error("there is no {kind} {name} in {place}{}", hint(.known))]
    Unknown {
        /// Kind of object, in lower case.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// What was searched.
        place: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The store said no.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The simulated world said no.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// The provider said no.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// A round ended early.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// The server in a directory answered with this.
    #[error("{0}")]
    Server(String),
    /// The server in a directory could not be spoken with.
    #[error("the operator that serves {}: {source}", dir.display())]
    Socket {
        /// Which directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An address could not be listened on.
    #[error("--listen {address}: {source}")]
    Listen {
        /// Which one.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Something could not be written as JSON or YAML.
    #[error("the answer could not be written: {0}")]
    Format(String),
    /// The demonstration did not show what it should.
    #[error("{0}")]
    Demo(String),
}

// === impl Failure ===

impl Failure {
    /// An error about a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Format(error.to_string())
    }
}

fn lines(errors: &[(PathBuf, ManifestError)]) -> String {
    let lines: Vec<String> = errors
        .iter()
        .map(|(file, error)| located(file, error))
        .collect();
    lines.join("\n")
}

/// `file:line:column: field: message`, as editors and compilers write it.
pub(crate) fn located(file: &std::path::Path, error: &ManifestError) -> String {
    let place = error
        .position
        .map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
    let field = if error.field.is_empty() {
        String::new()
    } else {
        format!("{}: ", error.field)
    };
    format!("{}{place}: {field}{}", file.display(), error.message)
}

fn hint(known: &[String]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let shown = known
        .iter()
        .take(MANY)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = known.len().saturating_sub(MANY);
    if more == 0 {
        format!("; there is {shown}")
    } else {
        format!("; there is {shown} and {more} more")
    }
}
