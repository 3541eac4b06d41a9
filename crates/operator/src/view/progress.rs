//! Whether the loop goes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ovo_engine::{EngineError, Report};
use ovo_store::{ObjectKey, StoreError};

/// How much later than planned a round may end before the loop counts as stuck. A round reads machines that may
/// not answer, and carries out steps with time-outs of their own.
const PATIENCE: Duration = Duration::from_mins(2);

/// What readiness rests on: not that the process answers, but that its rounds end.
#[derive(Debug)]
pub(crate) struct Progress {
    speed: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    due: BTreeMap<ObjectKey, Instant>,
    store: Option<String>,
}

impl Progress {
    /// Progress of a loop whose clock runs `speed` times as fast as the machine's.
    pub(crate) fn new(speed: u32) -> Self {
        Self {
            speed: speed.max(1),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The manifests were read for the first time and rounds begin.
    pub(crate) fn begin(&self, clusters: impl IntoIterator<Item = ObjectKey>) {
        let mut state = self.state();
        state.running = true;
        let now = Instant::now();
        state.due.extend(clusters.into_iter().map(|key| (key, now)));
    }

    /// The loop has ended.
    pub(crate) fn end(&self) {
        self.state().running = false;
    }

    /// A round ended.
    pub(crate) fn note(&self, key: &ObjectKey, report: &Report) {
        let mut state = self.state();
        state.store = match &report.error {
            Some(EngineError::Store(
                error @ (StoreError::Full(_) | StoreError::Unavailable(_)),
            )) => Some(error.to_string()),
            _ => None,
        };
        if report.gone {
            state.due.remove(key);
        } else {
            let pause = u64::try_from(report.look_again_in).unwrap_or(0) / u64::from(self.speed);
            state
                .due
                .insert(key.clone(), Instant::now() + Duration::from_millis(pause));
        }
    }

    /// Whether rounds end when they should.
    ///
    /// # Errors
    /// Why they do not, for whoever asks.
    pub(crate) fn ready(&self) -> Result<(), String> {
        let state = self.state();
        if !state.running {
            return Err("not serving: starting or stopping".to_owned());
        }
        if let Some(why) = &state.store {
            return Err(why.clone());
        }
        let now = Instant::now();
        match state.due.iter().find(|(_, due)| now > **due + PATIENCE) {
            Some((key, due)) => Err(format!(
                "{key}: a round is {} s overdue",
                (now - *due).as_secs()
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_loop_and_the_disk() {
        let progress = Progress::new(1);
        assert!(progress.ready().is_err());
        let key = ObjectKey::new("video", "a");
        progress.begin([key.clone()]);
        assert_eq!(progress.ready(), Ok(()));
        let full = EngineError::Store(StoreError::Full("no room".to_owned()));
        progress.note(
            &key,
            &Report {
                error: Some(full),
                ..Report::default()
            },
        );
        assert!(progress.ready().unwrap_err().contains("no room"));
        progress.note(&key, &Report::default());
        assert_eq!(progress.ready(), Ok(()));
        progress.end();
        assert!(progress.ready().is_err());
    }

    #[test]
    fn a_round_that_does_not_end_is_not_ready() {
        let progress = Progress::new(1);
        let key = ObjectKey::new("video", "a");
        progress.begin([]);
        let Some(past) = Instant::now().checked_sub(PATIENCE + Duration::from_secs(1)) else {
            return;
        };
        progress.state().due.insert(key, past);
        assert!(progress.ready().unwrap_err().contains("video/a"));
    }
}
