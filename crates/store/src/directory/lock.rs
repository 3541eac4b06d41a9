//! One process serves a directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use crate::directory::layout::Layout;
use crate::embedded::from_io;
use crate::error::StoreError;

/// The lock on a directory. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

// === impl Lock ===

impl Lock {
    /// Takes the lock, or tells who holds it.
    pub(super) fn acquire(layout: &Layout) -> Result<Self, StoreError> {
        let path = layout.lock();
        let fail = |error: &std::io::Error| from_io(&path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| fail(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may be about to write its pid; the refusal stands without it.
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    pid => format!("process {pid}"),
                };
                return Err(StoreError::Denied(format!(
                    "{} is served by {holder} already: stop that one, or serve another directory",
                    layout.root().display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(fail(&error)),
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write().map_err(|e: std::io::Error| fail(&e))?;
        Ok(Self { _file: file })
    }
}
