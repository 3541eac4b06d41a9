//! Where things are in a served directory, and who may write there.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::embedded::{SECRETS_FOLDER, from_io};
use crate::error::StoreError;

/// The operator's own folder in a served directory.
const STATE: &str = ".openvidu-operator";

/// Anybody may write, with no sticky bit that keeps them from replacing what is another's.
const ANYBODY: u32 = 0o002;

/// Paths in a served directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

// === impl Layout ===

impl Layout {
    /// The layout of a directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself: manifests.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Secrets in files of their own: `secrets/<name>/<key>` for namespace `default`,
    /// `secrets/<namespace>/<name>/<key>` for any; and the operator's own.
    pub fn secrets(&self) -> PathBuf {
        self.root.join(SECRETS_FOLDER)
    }

    /// The operator's own folder, for its user only.
    pub fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.state().join("store.redb")
    }

    /// The lock: who holds it serves the directory.
    pub fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// The socket through which commands reach the process that serves.
    pub fn socket(&self) -> PathBuf {
        self.state().join("socket")
    }

    /// The journal of the simulated world.
    pub fn world(&self) -> PathBuf {
        self.state().join("world")
    }

    /// Checks that the directory can be served, and makes the operator's own folder.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let root = &self.root;
        let about = match fs::metadata(root) {
            Ok(about) => about,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(StoreError::NotFound(format!(
                    "the directory {}: make it and put a manifest there",
                    root.display()
                )));
            }
            Err(error) => return Err(from_io(root, &error)),
        };
        if !about.is_dir() {
            return Err(StoreError::Denied(format!(
                "{} is a file: give the directory that it is in",
                root.display()
            )));
        }
        if about.permissions().mode() & ANYBODY != 0 {
            return Err(StoreError::Denied(format!(
                "anybody may write to {}, and whoever does decides what runs on your machines: chmod o-w {}",
                root.display(),
                root.display()
            )));
        }
        fs::read_dir(root).map_err(|error| unreadable(root, &error))?;
        let state = self.state();
        match DirBuilder::new().mode(0o700).create(&state) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(from_io(&state, &error)),
        }
    }
}

/// A directory or file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Denied(format!(
        "{} cannot be read ({error}): let the user that runs the operator read it",
        path.display()
    ))
}
