//! How often the API server is asked, and how many calls are open at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Longest time for which a server's `Retry-After` is obeyed without asking again.
const LONGEST_HOLD: Duration = Duration::from_secs(30);

/// Bounds on calls. Open watches do not count; the lists that they begin with do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls per second in the long run. 100: a write of a custom resource costs an API server 5 to 8 ms of CPU, so
    /// this is less than one core of it.
    pub per_second: u32,
    /// Calls that may come at once after a pause. 200: the first look at a cluster takes some tens.
    pub burst: u32,
    /// Calls that are open at once. 32: four for each of the eight clusters that are worked on at once.
    pub concurrent: usize,
}

/// Lets calls through in the order in which they came.
#[derive(Debug)]
pub(crate) struct Limiter {
    open: Semaphore,
    bucket: Mutex<Bucket>,
}

/// A token bucket, kept as the time at which the next token of an empty bucket is due.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    tolerance: Duration,
    due: Instant,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: 100,
            burst: 200,
            concurrent: 32,
        }
    }
}

// === impl Limiter ===

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            open: Semaphore::new(limits.concurrent.max(1)),
            bucket: Mutex::new(Bucket::new(limits.per_second, limits.burst, Instant::now())),
        }
    }

    /// Waits for a turn. The call is over when the permit is dropped.
    pub(crate) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there is always a permit.
        let permit = self.open.acquire().await.ok();
        let turn = self.bucket().take(Instant::now());
        sleep_until(turn).await;
        permit
    }

    /// The server asked to be left alone for this long.
    pub(crate) fn hold(&self, pause: Duration) {
        self.bucket().hold(Instant::now() + pause.min(LONGEST_HOLD));
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Bucket ===

impl Bucket {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            tolerance: interval * burst.max(1).saturating_sub(1),
            due: now,
        }
    }

    /// When the caller's turn is.
    fn take(&mut self, now: Instant) -> Instant {
        let due = self.due.max(now);
        self.due = due + self.interval;
        due.checked_sub(self.tolerance).unwrap_or(now).max(now)
    }

    fn hold(&mut self, until: Instant) {
        self.due = self.due.max(until + self.tolerance);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        let turns: Vec<_> = (0..5).map(|_| bucket.take(start) - start).collect();
        assert_eq!(turns, [0, 0, 0, 100, 200].map(Duration::from_millis));
        // After a pause there is a burst again, and not more than one.
        let later = start + Duration::from_mins(1);
        let turns: Vec<_> = (0..5).map(|_| bucket.take(later) - later).collect();
        assert_eq!(turns, [0, 0, 0, 100, 200].map(Duration::from_millis));
    }

    #[test]
    fn what_the_server_asks_for_is_kept() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        bucket.hold(start + Duration::from_secs(2));
        let turns: Vec<_> = (0..2).map(|_| bucket.take(start) - start).collect();
        assert_eq!(turns, [2000, 2100].map(Duration::from_millis));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_open() {
        let limiter = Limiter::new(Limits {
            per_second: 1000,
            burst: 1000,
            concurrent: 2,
        });
        let first = limiter.enter().await;
        let _second = limiter.enter().await;
        let third = tokio::time::timeout(Duration::from_secs(1), limiter.enter()).await;
        assert!(third.is_err(), "a third call was let through");
        drop(first);
        assert!(limiter.enter().await.is_some());
    }
}
