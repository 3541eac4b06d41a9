//! A directory that stands in for a Kubernetes cluster, opened by this process.

mod client;
mod clock;
mod handle;
mod mirror;
mod names;
mod overlay;
mod protocol;
mod server;
pub(crate) mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ovo_model::Wall;
use ovo_provider_sim::{SimDoor, SimJournal};
use ovo_store::directory::Layout;
use ovo_store::{Directory, Embedded};
use ovo_world::{World, WorldConfig};

pub use client::Client;
pub(crate) use clock::Anchor;
pub use clock::LocalClock;
#[cfg(feature = "kubernetes")]
pub(crate) use mirror::{Mirror, plan_on_mirror, secret_names};
pub(crate) use names::{find_cluster, find_node};
pub(crate) use overlay::{PlanFile, PlannedChange, PlannedCluster, PlannedStep, offline};
pub use protocol::{Listing, Request, Response, WorldView};
pub(crate) use server::AdminServer;

use crate::failure::Failure;

/// How a simulated world is begun, and how fast its time runs.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Seed; `None`: of the world that is there, else 1.
    pub seed: Option<u64>,
    /// How much faster than real its time runs.
    pub speed: u32,
    /// What the clock of a new world shows; `None`: the real time.
    pub start: Option<Wall>,
    /// How a new world is made up.
    pub config: WorldConfig,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            seed: None,
            speed: 1,
            start: None,
            config: WorldConfig::demo(),
        }
    }
}

/// A directory that is ours until this is dropped.
#[derive(Clone)]
pub struct Local {
    directory: Arc<Directory>,
    clock: LocalClock,
    door: Option<SimDoor>,
}

impl Local {
    /// Takes the directory, without a world.
    ///
    /// # Errors
    /// With the file and the way out: it cannot be read or written, is damaged, or another process serves it.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        let clock = LocalClock::real();
        let directory = Directory::open(root, clock.clone())?;
        // A world that is not served now still has a time, by which its objects are as old as they are.
        if let Some(anchor) = Anchor::load(&time_file(directory.layout()))? {
            clock.follow(&anchor);
        }
        Ok(Self {
            directory: Arc::new(directory),
            clock,
            door: None,
        })
    }

    /// Takes the directory and its simulated world, which is begun if it is not there.
    ///
    /// # Errors
    /// As [`Local::open`]; and when the world is of another seed.
    pub fn simulated(root: &Path, options: &SimOptions) -> Result<Self, Failure> {
        let mut local = Self::open(root)?;
        let (time, file) = (time_file(local.layout()), local.layout().world());
        local.door = Some(open_world(root, &time, &file, &local.clock, options)?);
        Ok(local)
    }

    /// The directory itself.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The records.
    pub fn store(&self) -> &Embedded {
        self.directory.store()
    }

    /// Where things are.
    pub fn layout(&self) -> &Layout {
        self.directory.layout()
    }

    /// Its time.
    pub const fn clock(&self) -> &LocalClock {
        &self.clock
    }

    /// The simulated world, if one is served.
    pub const fn door(&self) -> Option<&SimDoor> {
        self.door.as_ref()
    }

    fn root(&self) -> PathBuf {
        self.layout().root().to_owned()
    }
}

/// A simulated world that is kept in a folder of its own, for objects that are kept elsewhere; and its clock.
///
/// # Errors
/// When it cannot be read or written, is damaged, or is of another seed.
#[cfg(feature = "kubernetes")]
pub(crate) fn world_in(
    folder: &Path,
    options: &SimOptions,
) -> Result<(SimDoor, LocalClock), Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    let clock = LocalClock::real();
    let (time, file) = (folder.join("time"), folder.join("world"));
    let door = open_world(folder, &time, &file, &clock, options)?;
    Ok((door, clock))
}

/// Opens the world of a folder, or begins it, and lets the clock follow its time.
fn open_world(
    folder: &Path,
    time: &Path,
    file: &Path,
    clock: &LocalClock,
    options: &SimOptions,
) -> Result<SimDoor, Failure> {
    let anchor = match Anchor::load(time)? {
        None => {
            let seed = options.seed.unwrap_or(1);
            Anchor::begin(seed, options.start, options.speed)
        }
        Some(anchor) => {
            if let Some(seed) = options.seed.filter(|seed| *seed != anchor.seed) {
                return Err(Failure::Usage(format!(
                    "{} holds a world of seed {}, and --simulate={seed} asks for another one: leave the seed out, or \
                     serve another directory",
                    folder.display(),
                    anchor.seed
                )));
            }
            anchor.rebase(options.speed, None)
        }
    };
    anchor.save(time)?;
    let begin = || {
        World::new(
            anchor.seed,
            WorldConfig {
                start: Wall(anchor.now()),
                ..options.config.clone()
            },
        )
    };
    let (world, journal) = SimJournal::open(file, Wall(anchor.now()), begin)?;
    let anchor = anchor.rebase(options.speed, Some(world.now()));
    anchor.save(time)?;
    clock.follow(&anchor);
    let clock = clock.clone();
    Ok(SimDoor::served(
        world,
        journal,
        Arc::new(move || clock.wall()),
    ))
}

/// Where the simulated time is anchored.
fn time_file(layout: &Layout) -> PathBuf {
    layout.state().join("time")
}
