//! A directory that is served without Kubernetes: manifests, Secrets, and the records beside them.
//!
//! `DIR/*.yaml` holds clusters and Secrets, `DIR/secrets` values in files of their own. They are looked at again and
//! again: losing a change only costs time. One broken file or document stops no other, and what was good last stays
//! in force. A manifest that vanishes deletes nothing: its cluster is left alone until it is deleted by name.

mod files;
mod layout;
mod lock;
mod problem;
mod secrets;
mod sync;
mod sync_secrets;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use layout::Layout;
pub use problem::{Problem, Scan};

use crate::clock::Clock;
use crate::directory::lock::Lock;
use crate::directory::sync::Memory;
use crate::embedded::{Embedded, EmbeddedOptions, MIN_FREE_BYTES};
use crate::error::StoreError;

/// How often the directory is looked at. A person who saves a file sees the effect before the next thought.
pub const RESCAN_EVERY: Duration = Duration::from_secs(2);

/// A directory that this process serves. Dropping it lets another process serve it.
pub struct Directory {
    layout: Layout,
    store: Embedded,
    memory: tokio::sync::Mutex<Memory>,
    _lock: Arc<Lock>,
}

// === impl Directory ===

impl Directory {
    /// Takes the directory for this process and opens its records. Nothing is read of the manifests before
    /// [`Directory::rescan`].
    ///
    /// # Errors
    ///
    /// Each names the file and the way out: the directory is not there, may not be read, may be written by anybody,
    /// or is served by another process (with its pid); and what [`Embedded::open`] refuses.
    pub fn open(root: impl Into<PathBuf>, clock: impl Clock) -> Result<Self, StoreError> {
        Self::open_with(root, clock, MIN_FREE_BYTES)
    }

    /// The same, with another amount of free space in bytes below which writes are refused.
    pub fn open_with(
        root: impl Into<PathBuf>,
        clock: impl Clock,
        min_free_bytes: u64,
    ) -> Result<Self, StoreError> {
        let layout = Layout::new(root);
        layout.prepare()?;
        let lock = Lock::acquire(&layout)?;
        let options = EmbeddedOptions {
            min_free_bytes,
            ..EmbeddedOptions::new(layout.database(), layout.secrets())
        };
        let store = Embedded::open(options, clock)?;
        Ok(Self {
            layout,
            store,
            memory: tokio::sync::Mutex::default(),
            _lock: Arc::new(lock),
        })
    }

    /// The records.
    pub const fn store(&self) -> &Embedded {
        &self.store
    }

    /// Where things are.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Looks at all files now and takes over what changed. Never fails as a whole: what is wrong is in the answer,
    /// and is logged once, when it is new.
    pub async fn rescan(&self) -> Scan {
        let mut memory = self.memory.lock().await;
        sync::rescan(&self.layout, &self.store, &mut memory).await
    }

    /// Looks at the directory again and again, for ever, and tells of every look.
    pub async fn follow(&self, every: Duration, mut tell: impl FnMut(&Scan)) {
        loop {
            tell(&self.rescan().await);
            tokio::time::sleep(every).await;
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}
