//! Many requests at once, and no more in a second than allowed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Does something for each number below `count`, so many at once, in order.
///
/// # Errors
/// The first one; what was begun is finished.
pub(crate) fn each(
    count: usize,
    at_once: usize,
    work: impl Fn(usize) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let n = next.fetch_add(1, Ordering::Relaxed)
                    && n < count
                {
                    if let Err(words) = work(n) {
                        next.store(count, Ordering::Relaxed);
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(words);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), Err)
}

/// A token bucket: so many a second in the long run, so many at once after a pause.
pub(crate) struct Pace {
    interval: Duration,
    tolerance: Duration,
    due: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second;
        Self {
            interval,
            tolerance: interval * (burst - 1),
            due: Mutex::new(Instant::now()),
        }
    }

    /// Waits for a turn.
    pub(crate) fn turn(&self) {
        let now = Instant::now();
        let turn = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = (*due).max(now);
            *due = mine + self.interval;
            mine.checked_sub(self.tolerance).unwrap_or(now)
        };
        std::thread::sleep(turn.saturating_duration_since(now));
    }
}
