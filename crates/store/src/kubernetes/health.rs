//! Whether the watches make progress.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A watch that shows no sign of life for this long makes no progress: a sound one shows one at least every
/// [`super::KubernetesOptions::watch_timeout`], and has 5 s to be begun anew.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);

/// How one watch fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchState {
    /// What is watched, by its plural name.
    pub resource: String,
    /// Whether all that is there has been listed once. Before that nothing is answered from the cache.
    pub synced: bool,
    /// How long ago the server last showed a sign of life on it: began to answer, or sent an event or a bookmark.
    pub silent_for: Duration,
    /// What went wrong last, if it has not gone right since.
    pub problem: Option<String>,
}

/// Tells how the watches fare. Clones look at the same ones.
#[derive(Clone, Debug, Default)]
pub struct Health {
    watches: Vec<Arc<WatchHealth>>,
}

/// One watch, as its task and its connection note it.
#[derive(Debug)]
pub(crate) struct WatchHealth {
    pub(crate) resource: String,
    noted: Mutex<Noted>,
}

#[derive(Debug)]
struct Noted {
    synced: bool,
    alive: Instant,
    problem: Option<String>,
}

// === impl Health ===

impl Health {
    pub(crate) fn of(watches: Vec<Arc<WatchHealth>>) -> Self {
        Self { watches }
    }

    /// All watches.
    pub fn watches(&self) -> Vec<WatchState> {
        self.watches.iter().map(|watch| watch.state()).collect()
    }

    /// Whether the store can be relied on: every watch has listed all once and makes progress.
    ///
    /// # Errors
    ///
    /// A sentence for the operator's readiness that names each watch and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let ill: Vec<String> = self
            .watches()
            .into_iter()
            .filter(|watch| !watch.is_well())
            .map(|watch| watch.to_string())
            .collect();
        if ill.is_empty() {
            Ok(())
        } else {
            Err(ill.join("; "))
        }
    }
}

// === impl WatchState ===

impl WatchState {
    /// Whether it has listed all once and makes progress.
    pub fn is_well(&self) -> bool {
        self.synced && self.silent_for < STALLED_AFTER
    }
}

impl fmt::Display for WatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let silent = self.silent_for.as_secs();
        write!(f, "the watch of {} ", self.resource)?;
        if self.synced {
            write!(f, "has shown no sign of life for {silent} s")?;
        } else {
            write!(f, "has not listed all yet")?;
        }
        match &self.problem {
            Some(problem) => write!(f, ": {problem}"),
            None => Ok(()),
        }
    }
}

// === impl WatchHealth ===

impl WatchHealth {
    pub(crate) fn new(resource: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            resource: resource.into(),
            noted: Mutex::new(Noted {
                synced: false,
                alive: Instant::now(),
                problem: None,
            }),
        })
    }

    /// The server answers: whatever was wrong is over.
    pub(crate) fn alive(&self) {
        let mut noted = self.noted();
        noted.alive = Instant::now();
        if let Some(problem) = noted.problem.take() {
            tracing::info!(resource = self.resource, problem, "the watch is back");
        }
    }

    /// All that is there has been listed.
    pub(crate) fn synced(&self) {
        self.noted().synced = true;
    }

    /// Something went wrong. Returns whether that is news.
    pub(crate) fn failed(&self, problem: &str) -> bool {
        let mut noted = self.noted();
        if noted.problem.as_deref() == Some(problem) {
            return false;
        }
        noted.problem = Some(problem.to_owned());
        true
    }

    pub(crate) fn state(&self) -> WatchState {
        let noted = self.noted();
        WatchState {
            resource: self.resource.clone(),
            synced: noted.synced,
            silent_for: noted.alive.elapsed(),
            problem: noted.problem.clone(),
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readiness_follows_progress() {
        let watch = WatchHealth::new("openvidunodes");
        let health = Health::of(vec![watch.clone()]);
        assert!(health.check().unwrap_err().contains("has not listed all"));
        watch.synced();
        watch.alive();
        assert_eq!(health.check(), Ok(()));
        tokio::time::advance(STALLED_AFTER).await;
        assert!(watch.failed("connection refused"));
        assert!(!watch.failed("connection refused"), "told twice");
        let why = health.check().unwrap_err();
        assert_eq!(
            why,
            "the watch of openvidunodes has shown no sign of life for 30 s: connection refused"
        );
        watch.alive();
        assert_eq!(health.check(), Ok(()));
        assert_eq!(watch.state().problem, None);
    }
}
