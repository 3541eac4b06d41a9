//! Bringing a database of an older release up to this one's format.

use std::path::Path;

use redb::{Database, ReadableDatabase, WriteTransaction};

use crate::credentials::{DIGEST_KEY_LENGTH, Randomness, SystemRandomness};
use crate::embedded::disk::{
    CLUSTERS, DIGEST_KEY, EVENTS, FORMAT, KEYS, META, NODES, ORIGINS, SECRETS, too_new,
};
use crate::embedded::failure::{corrupt, from_storage};
use crate::error::StoreError;

/// Brings a database one format further.
type Migration = fn(&WriteTransaction) -> Result<(), redb::Error>;

/// `MIGRATIONS[n]` leads from format `n` to `n + 1`. A database without a format is a new one.
const MIGRATIONS: &[Migration] = &[create];

/// Refuses a newer format; migrates an older one, all in one transaction with its new number.
pub(crate) fn migrate(database: &Database, path: &Path, known: u64) -> Result<(), StoreError> {
    run(database, path, known, MIGRATIONS)
}

fn run(
    database: &Database,
    path: &Path,
    known: u64,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let fail = |e| from_storage(path, e);
    let found = format(database).map_err(fail)?;
    if found > known {
        return Err(too_new(path, found, known));
    }
    if found == known {
        return Ok(());
    }
    let steps = usize::try_from(found)
        .ok()
        .and_then(|found| migrations.get(found..))
        .ok_or_else(|| corrupt(path, &format!("no way leads from its format {found}")))?;
    let migrated = || -> Result<(), redb::Error> {
        let write = database.begin_write()?;
        for step in steps {
            step(&write)?;
        }
        write.open_table(META)?.insert(FORMAT, known)?;
        write.commit()?;
        Ok(())
    };
    migrated().map_err(fail)
}

fn format(database: &Database) -> Result<u64, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(redb::ReadableTable::get(&meta, FORMAT)?.map_or(0, |v| v.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// All tables of format 1, so that reading never meets a missing one.
fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    for table in [CLUSTERS, NODES, ORIGINS, SECRETS] {
        write.open_table(table)?;
    }
    write.open_table(EVENTS)?;
    let mut key = [0u8; DIGEST_KEY_LENGTH];
    SystemRandomness
        .fill(&mut key)
        .map_err(|e| redb::Error::Io(std::io::Error::other(e)))?;
    write.open_table(KEYS)?.insert(DIGEST_KEY, key.as_slice())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        redb::Builder::new()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .unwrap()
    }

    fn rename(write: &WriteTransaction) -> Result<(), redb::Error> {
        let mut nodes = write.open_table(NODES)?;
        nodes.insert("video/migrated", b"{}".as_slice())?;
        Ok(())
    }

    fn refuse(_: &WriteTransaction) -> Result<(), redb::Error> {
        Err(redb::Error::PreviousIo)
    }

    fn nodes(database: &Database) -> usize {
        let read = database.begin_read().unwrap();
        let table = read.open_table(NODES).unwrap();
        redb::ReadableTable::iter(&table).unwrap().count()
    }

    #[test]
    fn an_older_format_is_migrated_once() {
        let database = database();
        let path = Path::new("store.redb");
        run(&database, path, 1, &[create]).unwrap();
        assert_eq!((format(&database).unwrap(), nodes(&database)), (1, 0));
        run(&database, path, 2, &[create, rename]).unwrap();
        assert_eq!((format(&database).unwrap(), nodes(&database)), (2, 1));
        run(&database, path, 2, &[create, refuse]).unwrap();
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_format() {
        let database = database();
        let path = Path::new("store.redb");
        run(&database, path, 1, &[create]).unwrap();
        run(&database, path, 3, &[create, rename, refuse]).unwrap_err();
        assert_eq!((format(&database).unwrap(), nodes(&database)), (1, 0));
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let database = database();
        let path = Path::new("store.redb");
        run(&database, path, 2, &[create, rename]).unwrap();
        let error = run(&database, path, 1, &[create]).unwrap_err();
        assert_eq!(
            error,
            StoreError::FormatTooNew {
                what: "the database store.redb".to_owned(),
                found: 2,
                known: 1
            }
        );
    }
}
