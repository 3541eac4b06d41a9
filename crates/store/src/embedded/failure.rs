//! What a failing disk means to the caller, with the file's name and the way out.

use std::io::{Error, ErrorKind};
use std::path::Path;

use redb::{DatabaseError, StorageError};

use crate::error::StoreError;

/// An error of the file system.
pub(crate) fn from_io(path: &Path, error: &Error) -> StoreError {
    let what = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full(format!("{what}: make room there"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::Denied(format!(
            "{what}: let the user that runs the operator write there"
        )),
        ErrorKind::NotFound | ErrorKind::NotADirectory => StoreError::NotFound(what),
        _ => StoreError::Unavailable(what),
    }
}

/// An error of the open database.
pub(crate) fn from_storage(path: &Path, error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) => from_io(path, &error),
        redb::Error::Corrupted(why) => corrupt(path, &why),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => StoreError::Unavailable(format!(
            "{}: an earlier write failed and the file could not be opened again yet",
            path.display()
        )),
        other => StoreError::Unavailable(format!("{}: {other}", path.display())),
    }
}

/// An error on opening.
pub(crate) fn from_database(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Denied(format!(
            "{} is open in another process: only one may serve it",
            path.display()
        )),
        // What is not a database at all comes as invalid data, a cut one as an early end.
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            corrupt(path, &error.to_string())
        }
        DatabaseError::Storage(error) => from_storage(path, error.into()),
        DatabaseError::RepairAborted => corrupt(path, "it could not be repaired"),
        DatabaseError::UpgradeRequired(version) => corrupt(
            path,
            &format!("its file format {version} is older than this release can read"),
        ),
        other => corrupt(path, &other.to_string()),
    }
}

/// A database that cannot be read.
pub(crate) fn corrupt(path: &Path, why: &str) -> StoreError {
    StoreError::Corrupt(format!(
        "the database {} cannot be read ({why}): put back a copy of it; or, to start anew, write each running \
         deployment's openvidu.io/infrastructure-id into its manifest (else it is not found again), then move it and \
         {} away",
        path.display(),
        path.with_extension("format").display()
    ))
}
