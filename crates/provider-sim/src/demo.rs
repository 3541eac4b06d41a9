//! A world for demonstrations.

use ovo_world::{World, WorldConfig};

/// A world in which what only costs waiting is short, and nobody comes but whom the script sends.
pub fn demo_world(seed: u64) -> World {
    World::new(seed, WorldConfig::demo())
}
