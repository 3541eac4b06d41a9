//! The clock of a served directory: the machine's own, or a simulated one that runs faster.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ovo_model::{Millis, Mono, Now, Wall};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The format in which this release writes [`Anchor`].
const FORMAT_VERSION: u32 = 1;

/// Ties the simulated time to the real one, so that it goes on while nobody runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Anchor {
    format_version: u32,
    /// Seed of the world.
    pub(crate) seed: u64,
    /// A real moment, in milliseconds since 1970.
    real: Millis,
    /// The simulated moment at that time.
    simulated: Millis,
    /// How much faster it runs from there on.
    pub(crate) speed: u32,
}

/// The time of a served directory. Clones share it.
#[derive(Clone, Debug)]
pub struct LocalClock(Arc<RwLock<Timeline>>);

#[derive(Clone, Copy, Debug)]
struct Timeline {
    started: Instant,
    wall: Millis,
    speed: u32,
}

// === impl Anchor ===

impl Anchor {
    /// A world of this seed begins now; its time is `shows` (else the real time) and runs `times` as fast as ours.
    pub(crate) fn begin(seed: u64, shows: Option<Wall>, times: u32) -> Self {
        let real = real_now();
        let simulated = shows.map_or(real, |wall| wall.0);
        Self {
            format_version: FORMAT_VERSION,
            seed,
            real,
            simulated,
            speed: times,
        }
    }

    /// The anchor of a directory, if a world was ever simulated there.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path)(error)),
        };
        let damaged = |why: String| Failure::Damaged {
            path: path.to_owned(),
            why,
        };
        let anchor: Self = serde_json::from_str(&text).map_err(|error| {
            damaged(format!(
                "{error}: move it and the file `world` beside it away to begin with a new world"
            ))
        })?;
        if anchor.format_version > FORMAT_VERSION {
            return Err(damaged(format!(
                "written in format {}, this release reads up to {FORMAT_VERSION}: run the release that wrote it",
                anchor.format_version
            )));
        }
        Ok(Some(anchor))
    }

    /// Puts the anchor on disk, whole or not at all.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let fresh = path.with_extension("new");
        let text = serde_json::to_vec(self)?;
        let write = || {
            let mut file = fs::File::create(&fresh)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        };
        write().map_err(Failure::file(path))
    }

    /// The same time, running on from now at another speed, and not before `least`: a machine whose clock was set
    /// back does not set the simulated time back.
    pub(crate) fn rebase(&self, speed: u32, least: Option<Wall>) -> Self {
        let now = self.now();
        Self {
            real: real_now(),
            simulated: least.map_or(now, |least| now.max(least.0)),
            speed,
            ..*self
        }
    }

    /// What the simulated clock shows now.
    pub(crate) fn now(&self) -> Millis {
        let passed = real_now().saturating_sub(self.real).max(0);
        self.simulated
            .saturating_add(passed.saturating_mul(i64::from(self.speed)))
    }
}

// === impl LocalClock ===

impl LocalClock {
    /// The machine's own clock.
    pub(crate) fn real() -> Self {
        Self::at(real_now(), 1)
    }

    fn at(wall: Millis, speed: u32) -> Self {
        Self(Arc::new(RwLock::new(Timeline {
            started: Instant::now(),
            wall,
            speed: speed.max(1),
        })))
    }

    /// Follows a simulated time from now on. Only before anything was asked for.
    pub(crate) fn follow(&self, anchor: &Anchor) {
        let mut timeline = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *timeline = Timeline {
            started: Instant::now(),
            wall: anchor.now(),
            speed: anchor.speed.max(1),
        };
    }

    fn timeline(&self) -> Timeline {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much faster than real it runs.
    pub fn speed(&self) -> u32 {
        self.timeline().speed
    }

    /// What it shows.
    pub fn wall(&self) -> Wall {
        ovo_engine::Clock::now(self).wall
    }
}

impl ovo_engine::Clock for LocalClock {
    fn now(&self) -> Now {
        let Timeline {
            started,
            wall,
            speed,
        } = self.timeline();
        let passed = started.elapsed().saturating_mul(speed);
        let passed = Millis::try_from(passed.as_millis()).unwrap_or(Millis::MAX);
        Now {
            mono: Mono(passed),
            wall: Wall(wall.saturating_add(passed)),
        }
    }

    async fn sleep(&self, millis: Millis) {
        let millis = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        tokio::time::sleep(millis / self.speed()).await;
    }
}

impl ovo_store::Clock for LocalClock {
    fn now(&self) -> i64 {
        self.wall().0
    }
}

fn real_now() -> Millis {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_survives_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("time");
        assert_eq!(Anchor::load(&path).unwrap(), None);
        let anchor = Anchor::begin(7, Some(Wall(1_000)), 60);
        anchor.save(&path).unwrap();
        let again = Anchor::load(&path).unwrap().unwrap();
        assert_eq!(again, anchor);
        assert!(again.now() >= 1_000);
        let late = Anchor {
            real: anchor.real - 1_000,
            ..anchor
        };
        assert!(late.now() >= 61_000, "{}", late.now());
        let slower = late.rebase(1, Some(Wall(90_000)));
        assert!((90_000..91_000).contains(&slower.now()), "{}", slower.now());
    }

    #[test]
    fn what_is_damaged_or_too_new_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("time");
        fs::write(&path, "{").unwrap();
        assert!(
            Anchor::load(&path)
                .unwrap_err()
                .to_string()
                .contains("move it")
        );
        fs::write(
            &path,
            r#"{"formatVersion":9,"seed":1,"real":0,"simulated":0,"speed":1}"#,
        )
        .unwrap();
        assert!(
            Anchor::load(&path)
                .unwrap_err()
                .to_string()
                .contains("format 9")
        );
    }

    #[test]
    fn runs_faster_when_told_to() {
        let clock = LocalClock::at(0, 1_000);
        let begin = clock.wall();
        let real = Instant::now();
        while real.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        assert!(clock.wall().since(begin) >= 20_000);
    }
}
