//! How long a watch waits before it tries again.

use std::time::Duration;

use tokio::time::Instant;

/// After the first failure.
const FIRST: Duration = Duration::from_millis(250);
/// At most: with the call's own time-out of 5 s a watch is back within 15 s of its server.
const LONGEST: Duration = Duration::from_secs(8);
/// After a pause of this length between two failures it begins at the first again. Going well for a moment is not
/// enough: a watch that breaks as soon as it stands would list everything four times a second.
const QUIET: Duration = Duration::from_secs(30);

/// Doubles up to a bound, with jitter, so that many clients do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    failed: Option<Instant>,
}

// === impl Backoff ===

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self {
            next: FIRST,
            failed: None,
        }
    }

    /// The pause after a failure: between half of the bound and the bound.
    pub(crate) fn pause(&mut self, random: &mut fastrand::Rng) -> Duration {
        let now = Instant::now();
        if self
            .failed
            .is_none_or(|failed| now.duration_since(failed) > QUIET)
        {
            self.next = FIRST;
        }
        let bound = self.next;
        self.next = (bound * 2).min(LONGEST);
        let half = bound / 2;
        let pause = half + half.mul_f64(random.f64());
        self.failed = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn grows_to_its_bound_and_begins_anew_after_quiet() {
        let (mut backoff, mut random) = (Backoff::new(), fastrand::Rng::with_seed(1));
        let mut bound = FIRST;
        for _ in 0..10 {
            let pause = backoff.pause(&mut random);
            assert!(pause >= bound / 2 && pause <= bound, "{pause:?} {bound:?}");
            tokio::time::advance(pause).await;
            bound = (bound * 2).min(LONGEST);
        }
        tokio::time::advance(QUIET + LONGEST).await;
        assert!(backoff.pause(&mut random) <= FIRST);
    }
}
