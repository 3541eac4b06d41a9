//! A clock that moves only when it is told to.

use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ovo_engine::Clock;
use ovo_model::{Millis, Mono, Now, Wall};

/// Simulated time; clones share it.
#[derive(Clone, Debug)]
pub struct SimClock {
    wall: Arc<AtomicI64>,
    start: i64,
}

impl SimClock {
    /// A clock that shows this moment.
    pub fn new(start: Wall) -> Self {
        Self {
            wall: Arc::new(AtomicI64::new(start.0)),
            start: start.0,
        }
    }

    /// Moves it; never backwards.
    pub fn set(&self, to: Wall) {
        self.wall.fetch_max(to.0, Ordering::Relaxed);
    }

    /// What it shows.
    pub fn wall(&self) -> Wall {
        Wall(self.wall.load(Ordering::Relaxed))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        let wall = self.wall();
        Now {
            mono: Mono(wall.0 - self.start),
            wall,
        }
    }

    fn sleep(&self, _millis: Millis) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

impl ovo_store::Clock for SimClock {
    fn now(&self) -> i64 {
        self.wall().0
    }
}
