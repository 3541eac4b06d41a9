//! How much of the operator's memory is the simulated world, which no real operator holds.

use std::path::Path;

use ovo_model::Wall;
use ovo_provider_sim::SimJournal;
use ovo_world::{World, WorldConfig};

use crate::operator::memory;

/// How many copies are weighed. The first one is opened before: what reading a file leaves behind in the allocator would
/// be taken for the world, which is a fifth of that.
const COPIES: usize = 4;

/// Opens copies of the world in this file in this process, and prints by how many KiB the process grows with each.
///
/// # Errors
/// When the file cannot be read or copied.
pub(crate) fn weigh(file: &Path) -> Result<(), String> {
    let open = |n: usize| {
        let copy = file.with_extension(n.to_string());
        std::fs::copy(file, &copy).map_err(|e| format!("{}: {e}", copy.display()))?;
        let made = || World::new(1, WorldConfig::default());
        SimJournal::open(&copy, Wall(0), made).map_err(|error| error.to_string())
    };
    let mut opened = vec![open(0)?];
    let before = memory(std::process::id())?.now_kib;
    for n in 1..=COPIES {
        opened.push(open(n)?);
    }
    let after = memory(std::process::id())?.now_kib;
    drop(opened);
    println!("{}", after.saturating_sub(before) / COPIES as u64);
    Ok(())
}
