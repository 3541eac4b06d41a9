//! The durable file: what is acknowledged is on disk, and a write happens whole or not at all.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, TableDefinition};

use crate::embedded::failure::{from_database, from_io, from_storage};
use crate::embedded::image::{Change, Image};
use crate::embedded::load::load;
use crate::embedded::migrate::migrate;
use crate::error::StoreError;

/// The format in which this release writes the database. A newer one is refused without a write, an older one is
/// migrated when it is opened.
pub const STORE_FORMAT_VERSION: u64 = 1;

/// Writes are refused below this much free space, so that acting stops while there is still room for what a write
/// needs on the way: the database's copy-on-write pages and a Secret's file.
pub const MIN_FREE_BYTES: u64 = 4 * 1024 * 1024;

/// Memory that the database may use as a cache. Reads are served from the decoded image; this is for writing.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Numbers about the database itself.
pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(crate) const KEYS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keys");
pub(crate) const CLUSTERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("clusters");
pub(crate) const NODES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("nodes");
pub(crate) const ORIGINS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("origins");
pub(crate) const SECRETS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("secrets");
pub(crate) const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

pub(crate) const FORMAT: &str = "formatVersion";
pub(crate) const REVISION: &str = "revision";
/// Counts commits: after a failed one it tells whether that took effect.
pub(crate) const COMMITS: &str = "commits";
pub(crate) const DIGEST_KEY: &str = "digest";

/// Opens the database, or makes it.
type Opener = Box<dyn Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync>;

/// An open database.
pub(crate) struct Disk {
    path: PathBuf,
    min_free: u64,
    opener: Opener,
    /// `None` after a failure that opening anew has not mended yet.
    database: Option<Database>,
    commits: u64,
}

/// How a failed commit ended.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was written.
    Undone(StoreError),
    /// The error came after the effect: it was written.
    Done,
    /// It cannot be told yet.
    Unknown(StoreError),
}

// === impl Disk ===

impl Disk {
    /// Opens or makes the database, and reads all that is in it.
    pub(crate) fn open(path: &Path, min_free: u64) -> Result<(Self, Image), StoreError> {
        check_marker(path)?;
        let file = path.to_owned();
        let opener = Box::new(move |builder: &Builder| {
            create_private(&file)?;
            builder.create(&file)
        });
        let disk_and_image = Self::open_with(path, min_free, opener)?;
        write_marker(path)?;
        Ok(disk_and_image)
    }

    /// Opens a database that is not a plain file.
    pub(super) fn open_with(
        path: &Path,
        min_free: u64,
        opener: Opener,
    ) -> Result<(Self, Image), StoreError> {
        let mut disk = Self {
            path: path.to_owned(),
            min_free,
            opener,
            database: None,
            commits: 0,
        };
        let image = disk.reopen()?;
        Ok((disk, image))
    }

    /// How many commits took effect since the database was made.
    #[cfg(test)]
    pub(super) const fn commits(&self) -> u64 {
        self.commits
    }

    /// Opens the file again after a failure. Everything is read anew: what is on disk is the truth.
    pub(crate) fn reopen(&mut self) -> Result<Image, StoreError> {
        // The lock on the file goes with the old handle.
        self.database = None;
        let mut builder = Builder::new();
        // A file that was altered is refused instead of trusted; the check costs milliseconds at this size.
        builder
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true);
        let database = (self.opener)(&builder).map_err(|e| from_database(&self.path, e))?;
        migrate(&database, &self.path, STORE_FORMAT_VERSION)?;
        let image = load(&database, &self.path)?;
        self.commits = self.commits_on_disk(&database)?;
        self.database = Some(database);
        Ok(image)
    }

    /// Whether the last failure still has to be mended by [`Disk::reopen`].
    pub(crate) const fn is_broken(&self) -> bool {
        self.database.is_none()
    }

    /// The key of the digests that tell whether a Secret's file changed.
    pub(crate) fn digest_key(&self) -> Result<Vec<u8>, StoreError> {
        let fail = |e: redb::Error| from_storage(&self.path, e);
        let database = self.database()?;
        let read = database.begin_read().map_err(|e| fail(e.into()))?;
        let table = read.open_table(KEYS).map_err(|e| fail(e.into()))?;
        let key = table.get(DIGEST_KEY).map_err(|e| fail(e.into()))?;
        Ok(key.map(|key| key.value().to_vec()).unwrap_or_default())
    }

    /// Refuses early when the disk is nearly full.
    pub(crate) fn check_space(&self) -> Result<(), StoreError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let stat = rustix::fs::statvfs(folder).map_err(|e| from_io(folder, &e.into()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < self.min_free {
            return Err(StoreError::Full(format!(
                "{free} bytes are free at {}, {} are needed: make room there",
                folder.display(),
                self.min_free
            )));
        }
        Ok(())
    }

    /// Writes changes, all or none, and returns when they are on disk.
    pub(crate) fn commit(&mut self, changes: &[Change], revision: u64) -> Result<(), Failed> {
        let next = self.commits + 1;
        let Err(error) = self.try_commit(changes, revision, next) else {
            self.commits = next;
            return Ok(());
        };
        let error = from_storage(&self.path, error);
        // After a failure the handle refuses everything, and only the file knows whether the write took effect.
        match self.reopen() {
            Ok(_) if self.commits == next => Err(Failed::Done),
            Ok(_) => Err(Failed::Undone(error)),
            Err(again) => Err(Failed::Unknown(StoreError::Unavailable(format!(
                "{error}; then: {again}"
            )))),
        }
    }

    fn try_commit(
        &self,
        changes: &[Change],
        revision: u64,
        commits: u64,
    ) -> Result<(), redb::Error> {
        let Some(database) = &self.database else {
            return Err(redb::Error::DatabaseClosed);
        };
        let write = database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            meta.insert(REVISION, revision)?;
            meta.insert(COMMITS, commits)?;
        }
        for change in changes {
            match change {
                Change::Cluster(key, value, bytes) => {
                    put(&write, CLUSTERS, &key.to_string(), value.is_some(), bytes)?;
                }
                Change::Node(key, value, bytes) => {
                    put(&write, NODES, &key.to_string(), value.is_some(), bytes)?;
                }
                Change::Origin(key, value, bytes) => {
                    put(&write, ORIGINS, &key.to_string(), value.is_some(), bytes)?;
                }
                Change::Secret(key, value, bytes) => {
                    put(&write, SECRETS, &key.to_string(), value.is_some(), bytes)?;
                }
                Change::Event(event, bytes) => {
                    let mut table = write.open_table(EVENTS)?;
                    if let Some(old) = event.dropped {
                        table.remove(old)?;
                    }
                    table.insert(event.id, bytes.as_slice())?;
                }
            }
        }
        write.commit()?;
        Ok(())
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database
            .as_ref()
            .ok_or_else(|| from_storage(&self.path, redb::Error::DatabaseClosed))
    }

    fn commits_on_disk(&self, database: &Database) -> Result<u64, StoreError> {
        let read = || -> Result<u64, redb::Error> {
            let read = database.begin_read()?;
            let commits = read.open_table(META)?.get(COMMITS)?;
            Ok(commits.map_or(0, |value| value.value()))
        };
        read().map_err(|e| from_storage(&self.path, e))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("path", &self.path)
            .field("commits", &self.commits)
            .finish_non_exhaustive()
    }
}

fn put(
    write: &redb::WriteTransaction,
    table: TableDefinition<'_, &str, &[u8]>,
    key: &str,
    present: bool,
    bytes: &[u8],
) -> Result<(), redb::Error> {
    let mut table = write.open_table(table)?;
    if present {
        table.insert(key, bytes)?;
    } else {
        table.remove(key)?;
    }
    Ok(())
}

/// Only the owner reads the database: it holds the key of the digests.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// The file beside the database that tells its format, so that a newer one is refused without being opened, and
/// that one was there, so that a lost one is not taken for a new one.
fn marker(path: &Path) -> PathBuf {
    path.with_extension("format")
}

fn check_marker(path: &Path) -> Result<(), StoreError> {
    let marker = marker(path);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(from_io(&marker, &e)),
    };
    // An empty marker is one whose write a power cut interrupted; the database holds the format too.
    if let Ok(found) = text.trim().parse::<u64>()
        && found > STORE_FORMAT_VERSION
    {
        return Err(too_new(path, found, STORE_FORMAT_VERSION));
    }
    let lost = fs::metadata(path).map_or(true, |file| file.len() == 0);
    if lost {
        return Err(StoreError::Corrupt(format!(
            "{} is gone or empty, though clusters were kept there: put a copy of it back; or, to start anew, write \
             each running deployment's openvidu.io/infrastructure-id into its manifest (else it is not found again) \
             and remove {}",
            path.display(),
            marker.display()
        )));
    }
    Ok(())
}

fn write_marker(path: &Path) -> Result<(), StoreError> {
    let marker = marker(path);
    let text = format!("{STORE_FORMAT_VERSION}\n");
    if fs::read_to_string(&marker).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&marker)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e: std::io::Error| from_io(&marker, &e))
}

pub(crate) fn too_new(path: &Path, found: u64, known: u64) -> StoreError {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    StoreError::FormatTooNew {
        what: format!("the database {}", path.display()),
        found: number(found),
        known: number(known),
    }
}
