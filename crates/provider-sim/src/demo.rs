//! Worlds to be served, and a hand that makes things happen in one.

use ovo_model::{Millis, NodeName, ProviderError};
use ovo_world::{RoomEnd, RoomId, RoomPlan, RoomSummary, Script, World, WorldConfig};

use crate::door::SimDoor;

/// A world in which what only costs waiting is short, and nobody comes but whom the script sends.
pub fn demo_world(seed: u64) -> World {
    World::new(seed, WorldConfig::demo())
}

/// A world in which what only costs waiting is short, and people meet all day.
pub fn served_world(seed: u64) -> World {
    World::new(seed, WorldConfig::served())
}

/// A hand on one deployment of a simulated world, for demonstrations.
#[derive(Clone)]
pub struct DemoHand {
    door: SimDoor,
    infrastructure_id: String,
}

impl DemoHand {
    /// A hand on the deployment of this infrastructure id.
    pub fn new(door: SimDoor, infrastructure_id: impl Into<String>) -> Self {
        Self {
            door,
            infrastructure_id: infrastructure_id.into(),
        }
    }

    /// Opens a meeting of this length in milliseconds, with so many people from the beginning, where meetings
    /// go.
    ///
    /// # Errors
    /// When it cannot be written into the journal.
    pub fn meet(&self, length: Millis, people: u32) -> Result<Option<RoomId>, ProviderError> {
        let others = (1..people).map(|_| (0, length)).collect();
        let plan = RoomPlan {
            length,
            people: others,
            jobs: Vec::new(),
        };
        self.script(Script::StartRoom { node: None, plan })
    }

    /// Cuts the power of a node; it boots again after so many milliseconds, or never.
    ///
    /// # Errors
    /// When it cannot be written into the journal.
    pub fn kill(&self, node: &str, back: Option<Millis>) -> Result<(), ProviderError> {
        let node = NodeName::from(node);
        self.script(Script::PowerOff { node, back }).map(drop)
    }

    /// Makes something happen.
    ///
    /// # Errors
    /// When it cannot be written into the journal.
    pub fn script(&self, script: Script) -> Result<Option<RoomId>, ProviderError> {
        self.door.script(&self.infrastructure_id, script)
    }

    /// The rooms that ever were, with how they ended.
    pub fn rooms(&self) -> Vec<RoomSummary> {
        self.door.look(|world| {
            world
                .find(&self.infrastructure_id)
                .map(|dep| world.deployment(dep).log.recent.iter().cloned().collect())
                .unwrap_or_default()
        })
    }

    /// How many rooms the operator cut.
    pub fn cut(&self) -> usize {
        let cut = |room: &&RoomSummary| matches!(room.end, Some(RoomEnd::Cut { .. }));
        self.rooms().iter().filter(cut).count()
    }

    /// The media nodes that take new sessions, and how many people are on each.
    pub fn open_nodes(&self) -> Vec<(NodeName, u32)> {
        self.door.look(|world| {
            let Some(dep) = world.find(&self.infrastructure_id) else {
                return Vec::new();
            };
            let deployment = world.deployment(dep);
            let people = |node| {
                deployment
                    .rooms_on(node)
                    .map(|room| room.participants)
                    .sum()
            };
            deployment
                .open_nodes()
                .map(|node| (node.name.clone(), people(&node.name)))
                .collect()
        })
    }
}
