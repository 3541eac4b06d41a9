//! How much of the operator's memory is the simulated world, which no real operator holds.

use std::path::Path;
use std::time::Duration;

use ovo_model::Wall;
use ovo_provider_sim::SimJournal;
use ovo_world::{World, WorldConfig};

use crate::operator::memory;

/// How long the allocator may take to give back what was freed.
const SETTLE: Duration = Duration::from_secs(1);

/// Opens the world in this file in this process, and prints by how many KiB the process shrinks when it is dropped.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn weigh(file: &Path) -> Result<(), String> {
    let opened = SimJournal::open(file, Wall(0), || World::new(1, WorldConfig::default()));
    let (world, journal) = opened.map_err(|error| error.to_string())?;
    std::thread::sleep(SETTLE);
    let with = memory(std::process::id())?.now_kib;
    drop((world, journal));
    std::thread::sleep(SETTLE);
    let without = memory(std::process::id())?.now_kib;
    println!("{}", with.saturating_sub(without));
    Ok(())
}
