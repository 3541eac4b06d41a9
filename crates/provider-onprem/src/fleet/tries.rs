//! How often an installation that failed is tried again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ovo_model::ProviderError;

/// First pause after a failure: long enough that whoever looks at status sees why.
const FIRST: Duration = Duration::from_secs(10);
/// Longest pause. OpenVidu's license server is not asked more often than that for a machine that it refuses.
const LONGEST: Duration = Duration::from_mins(5);

/// The failures since a success, by machine. Lost with the process: everything may be tried again then.
#[derive(Default)]
pub(super) struct Tries(Mutex<BTreeMap<String, Failed>>);

struct Failed {
    /// Of the manifest: another one may have mended it.
    generation: Option<i64>,
    times: u32,
    at: Instant,
    error: ProviderError,
}

impl Tries {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is not tried now, if it is too early.
    pub(super) fn too_early(
        &self,
        machine: &str,
        generation: Option<i64>,
    ) -> Option<ProviderError> {
        let failed = self.lock();
        let last = failed.get(machine)?;
        let early = last.generation == generation && last.at.elapsed() < pause(last.times);
        early.then(|| last.error.clone())
    }

    /// It failed.
    pub(super) fn failed(&self, machine: &str, generation: Option<i64>, error: &ProviderError) {
        let mut failed = self.lock();
        let before = failed.get(machine).filter(|f| f.generation == generation);
        let times = before.map_or(1, |f| f.times.saturating_add(1));
        let last = Failed {
            generation,
            times,
            at: Instant::now(),
            error: error.clone(),
        };
        failed.insert(machine.to_owned(), last);
    }

    /// It went well.
    pub(super) fn done(&self, machine: &str) {
        self.lock().remove(machine);
    }
}

fn pause(times: u32) -> Duration {
    FIRST
        .saturating_mul(1 << times.saturating_sub(1).min(20))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_a_new_manifest_ends_them() {
        assert_eq!([1, 2, 3].map(pause), [10, 20, 40].map(Duration::from_secs));
        assert_eq!(pause(u32::MAX), LONGEST);
        let tries = Tries::default();
        let error = ProviderError::Retryable("refused".to_owned());
        assert_eq!(tries.too_early("m1", Some(1)), None);
        tries.failed("m1", Some(1), &error);
        assert_eq!(tries.too_early("m1", Some(1)), Some(error.clone()));
        assert_eq!(tries.too_early("m2", Some(1)), None);
        assert_eq!(tries.too_early("m1", Some(2)), None);
        tries.done("m1");
        assert_eq!(tries.too_early("m1", Some(1)), None);
    }
}
