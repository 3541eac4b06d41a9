//! The one place where writes happen: one after another, each on disk before anybody sees it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::clock::{Clock, whole_seconds};
use crate::embedded::disk::{Disk, Failed};
use crate::embedded::ids::Ids;
use crate::embedded::image::{Change, Image, SecretsRead};
use crate::embedded::tx::Tx;
use crate::embedded::vault::{Staged, Vault};
use crate::error::StoreError;
use crate::hints::Hub;
use crate::key::ObjectKey;

/// Where writes go beside memory.
#[derive(Debug)]
pub(crate) enum Backend {
    /// Nowhere. With `exact`, objects are encoded and read back all the same.
    Memory { exact: bool },
    /// A database, and a directory for the values of Secrets.
    Disk { disk: Disk, vault: Vault },
}

struct Writer {
    backend: Backend,
    ids: Ids,
}

/// The store's state.
pub(crate) struct Core {
    image: RwLock<Image>,
    writer: Mutex<Writer>,
    hub: Hub,
    clock: Box<dyn Clock>,
    writes: AtomicU64,
    /// Key of the digests that tell whether a Secret's file changed.
    pub(crate) digest_key: Vec<u8>,
    /// Whether writes wait for a disk, and so must not run on the threads of an async runtime.
    pub(crate) blocks: bool,
    /// Where Secrets are kept, if there is a disk.
    pub(crate) secrets: Option<PathBuf>,
}

// === impl Core ===

impl Core {
    pub(crate) fn new(
        backend: Backend,
        image: Image,
        ids: Ids,
        clock: Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let (digest_key, secrets) = match &backend {
            Backend::Memory { .. } => (Vec::new(), None),
            Backend::Disk { disk, vault } => (disk.digest_key()?, Some(vault.folder().to_owned())),
        };
        Ok(Self {
            image: RwLock::new(image),
            hub: Hub::default(),
            clock,
            writes: AtomicU64::new(0),
            digest_key,
            blocks: secrets.is_some(),
            secrets,
            writer: Mutex::new(Writer { backend, ids }),
        })
    }

    /// Everything as it is now. A reader never waits for the disk.
    pub(crate) fn image(&self) -> RwLockReadGuard<'_, Image> {
        self.image.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how far the files of Secrets are known now.
    pub(crate) fn set_secrets_read(&self, read: SecretsRead) {
        let mut image = self.image.write().unwrap_or_else(PoisonError::into_inner);
        image.secrets_read = read;
    }

    /// Where listeners are told.
    pub(crate) const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// How many writes had an effect.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// The clock's time.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Runs one write. What `change` collects takes effect whole or not at all; when it collects nothing, nothing
    /// is written.
    pub(crate) fn write<R>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut writer = self.writer();
        let Writer { backend, ids } = &mut *writer;
        if let Backend::Disk { disk, .. } = backend
            && disk.is_broken()
        {
            self.mend(disk)?;
        }
        let encode = !matches!(backend, Backend::Memory { exact: false });
        let image = self.image();
        let mut tx = Tx::new(&image, ids, whole_seconds(self.clock.now()), encode);
        let result = change(&mut tx)?;
        let Tx {
            revision,
            changes,
            touched,
            persist,
            ..
        } = tx;
        drop(image);
        if changes.is_empty() {
            return Ok(result);
        }
        if let Backend::Disk { disk, vault } = backend {
            disk.check_space()?;
            commit(disk, vault, &changes, &persist, revision)?;
        }
        self.publish(changes, revision, &touched);
        Ok(result)
    }

    fn publish(&self, changes: Vec<Change>, revision: u64, touched: &BTreeSet<ObjectKey>) {
        let mut image = self.image.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            image.apply(change);
        }
        image.revision = revision;
        drop(image);
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.hub.tell(touched);
    }

    /// Reads everything anew after a failure of which nobody knew how it had ended.
    fn mend(&self, disk: &mut Disk) -> Result<(), StoreError> {
        let mut fresh = disk.reopen()?;
        let mut image = self.image.write().unwrap_or_else(PoisonError::into_inner);
        // Values of Secrets are not in the database; those whose record is still the same are kept.
        fresh.secrets = std::mem::take(&mut image.secrets);
        fresh.secrets_read = image.secrets_read.clone();
        fresh
            .secrets
            .retain(|key, secret| match fresh.secret_records.get(key) {
                Some(record) => record.metadata == secret.metadata,
                None => false,
            });
        *image = fresh;
        let present = image.clusters.keys().cloned().collect();
        drop(image);
        self.hub.tell(&present);
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Files of Secrets first, then the database: a crash in between leaves values without a record, which the next
/// start takes up. A record without values would look like lost credentials.
fn commit(
    disk: &mut Disk,
    vault: &Vault,
    changes: &[Change],
    persist: &BTreeSet<ObjectKey>,
    revision: u64,
) -> Result<(), StoreError> {
    let mut staged = Vec::new();
    let files = changes.iter().try_for_each(|change| match change {
        Change::Secret(key, Some((record, Some(secret))), _) if persist.contains(key) => vault
            .write(key, &record.metadata, secret)
            .map(|file| staged.push(file)),
        _ => Ok(()),
    });
    if let Err(error) = files {
        staged.into_iter().for_each(Staged::undo);
        return Err(error);
    }
    match disk.commit(changes, revision) {
        Ok(()) | Err(Failed::Done) => {
            staged.into_iter().for_each(Staged::keep);
            for change in changes {
                if let Change::Secret(key, None, _) = change {
                    vault.remove(key);
                }
            }
            Ok(())
        }
        Err(Failed::Undone(error)) => {
            staged.into_iter().for_each(Staged::undo);
            Err(error)
        }
        Err(Failed::Unknown(error)) => {
            staged.into_iter().for_each(Staged::keep);
            Err(error)
        }
    }
}
