//! The embedded adapter: a small API server over a durable file, or over memory for the simulator.
//!
//! It alone sets `uid`, `resourceVersion`, `generation`, `creationTimestamp` and `deletionTimestamp`, keeps
//! finalizers, splits status from spec, and runs defaults and validation with the old object. All objects are held
//! decoded in memory; a write is on disk before anybody sees it.

mod admin;
mod admission;
mod apply;
mod core;
mod disk;
mod events;
mod failure;
mod ids;
mod image;
mod load;
mod merge;
mod migrate;
pub(crate) mod object;
#[cfg(test)]
mod power_cut;
mod secrets;
mod store;
mod tx;
mod vault;

use std::path::PathBuf;
use std::sync::Arc;

pub use admin::ClusterView;
pub use apply::{Applied, Manifest};
pub use disk::{MIN_FREE_BYTES, STORE_FORMAT_VERSION};
pub use events::{MAX_EVENTS, RecordedEvent};
pub(crate) use failure::from_io;
pub use image::Origin;
pub use secrets::FoundSecret;
pub use tx::MAX_OBJECT_BYTES;
pub(crate) use vault::{FOLDER as SECRETS_FOLDER, SUFFIX as GENERATED_SUFFIX};

use crate::clock::Clock;
use crate::embedded::core::{Backend, Core};
use crate::embedded::disk::Disk;
use crate::embedded::ids::Ids;
use crate::embedded::image::{Image, SecretsRead};
use crate::embedded::tx::Tx;
use crate::embedded::vault::Vault;
use crate::error::StoreError;

/// The embedded store. Clones share one store.
#[derive(Clone, Debug)]
pub struct Embedded {
    core: Arc<Core>,
}

/// Where and how a durable store is kept.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The database's file. A small file that tells its format stands beside it.
    pub database: PathBuf,
    /// The directory in which the values of generated Secrets are kept.
    pub secrets: PathBuf,
    /// Writes are refused below this much free space, in bytes.
    pub min_free_bytes: u64,
}

// === impl EmbeddedOptions ===

impl EmbeddedOptions {
    /// The usual options.
    pub fn new(database: impl Into<PathBuf>, secrets: impl Into<PathBuf>) -> Self {
        Self {
            database: database.into(),
            secrets: secrets.into(),
            min_free_bytes: MIN_FREE_BYTES,
        }
    }
}

// === impl Embedded ===

impl Embedded {
    /// A store in memory. Objects are kept as they are given, never encoded: the simulator writes millions.
    /// `seed` decides the uids.
    pub fn in_memory(clock: impl Clock, seed: u64) -> Self {
        Self::memory(clock, seed, false)
    }

    /// A store in memory that encodes and reads back all the same, and checks the schema of every status, as one
    /// on disk does. Slower; for tests that must not depend on what only memory can hold.
    pub fn in_memory_exact(clock: impl Clock, seed: u64) -> Self {
        Self::memory(clock, seed, true)
    }

    fn memory(clock: impl Clock, seed: u64, exact: bool) -> Self {
        let core = Core::new(
            Backend::Memory { exact },
            Image::default(),
            Ids::seeded(seed),
            Box::new(clock),
        );
        #[expect(clippy::expect_used, reason = "only a disk can fail to open")]
        let core = core.expect("nothing is read");
        Self {
            core: Arc::new(core),
        }
    }

    /// Opens or makes a store on disk. Only one process can have it open. Values of Secrets are not read here;
    /// until [`Embedded::sync_secrets`], one that this process did not make is unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::FormatTooNew`] with nothing written, [`StoreError::Corrupt`], [`StoreError::Denied`] and
    /// [`StoreError::Full`], each with the file and the way out.
    pub fn open(options: EmbeddedOptions, clock: impl Clock) -> Result<Self, StoreError> {
        let (disk, mut image) = Disk::open(&options.database, options.min_free_bytes)?;
        image.secrets_read = SecretsRead::NotYet;
        let vault = Vault::new(options.secrets);
        let core = Core::new(
            Backend::Disk { disk, vault },
            image,
            Ids::Random,
            Box::new(clock),
        )?;
        Ok(Self {
            core: Arc::new(core),
        })
    }

    /// How many writes had an effect since this store was opened.
    pub fn writes(&self) -> u64 {
        self.core.writes()
    }

    /// The clock's time, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> i64 {
        self.core.now()
    }

    /// Runs a write where it may block.
    async fn write<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        if !self.core.blocks {
            return self.core.write(change);
        }
        let core = self.core.clone();
        // A write goes on to its end even when nobody waits for it any more.
        tokio::task::spawn_blocking(move || core.write(change))
            .await
            .unwrap_or_else(|e| Err(StoreError::Unavailable(format!("a write was cut off: {e}"))))
    }
}
