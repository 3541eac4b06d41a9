//! Time, from outside.

use std::future::Future;
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use ovo_model::{Millis, Mono, Now, Wall};

/// Where the engine takes its time from.
pub trait Clock: Send + Sync + 'static {
    /// This moment on both clocks.
    fn now(&self) -> Now;

    /// Waits for so many milliseconds of this clock.
    fn sleep(&self, millis: Millis) -> impl Future<Output = ()> + Send;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let mono = Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX);
        Now {
            mono: Mono(mono),
            wall: Wall(Timestamp::now().as_millisecond()),
        }
    }

    async fn sleep(&self, millis: Millis) {
        tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap_or(0))).await;
    }
}
