//! How busy nodes are.

use std::collections::{BTreeMap, VecDeque};

use ovo_api::profile::OccupancySource;
use serde::{Deserialize, Serialize};

use crate::time::Mono;

/// What runs on a node, by one source. An empty room is not occupancy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupancy {
    /// Rooms with at least one participant (v2: sessions).
    pub rooms: u32,
    /// Participants.
    pub participants: u32,
    /// Egresses, recordings and broadcasts.
    pub egress: u32,
    /// Ingresses.
    pub ingress: u32,
}

impl Occupancy {
    /// Both together. Sums of what sources say never overflow: a lying source is no reason to fall over.
    #[must_use]
    pub const fn plus(self, other: &Self) -> Self {
        Self {
            rooms: self.rooms.saturating_add(other.rooms),
            participants: self.participants.saturating_add(other.participants),
            egress: self.egress.saturating_add(other.egress),
            ingress: self.ingress.saturating_add(other.ingress),
        }
    }

    /// Everything that people or machines do there, as one number.
    pub const fn total(&self) -> u32 {
        self.participants
            .saturating_add(self.egress)
            .saturating_add(self.ingress)
    }

    /// No participant, no egress, no ingress; in v2 no session, recording or broadcast.
    pub const fn is_zero(&self) -> bool {
        self.rooms == 0 && self.participants == 0 && self.egress == 0 && self.ingress == 0
    }
}

/// One answer of one source about one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When it was asked for, so that it is never taken for younger than it is.
    pub at: Mono,
    /// What it said.
    pub occupancy: Occupancy,
    /// Load in permille, if the source tells.
    pub load_permille: Option<u32>,
}

/// The last readings of one source about one node, oldest first. A failed reading adds nothing: it ages the
/// last one.
pub type SourceRing = VecDeque<Reading>;

/// All that is known of a node's occupancy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReadings {
    /// By source.
    pub sources: BTreeMap<OccupancySource, SourceRing>,
    /// Since when this process has seen the node closed without a break; `None`: it is not, or was not seen to
    /// be. Lost with the process, and then the settle time runs anew.
    pub closed_since: Option<Mono>,
    /// The boot and container starts that these readings speak of; another one voids them.
    pub life: String,
}

impl NodeReadings {
    /// The newest reading of a source.
    pub fn newest(&self, source: OccupancySource) -> Option<&Reading> {
        self.sources.get(&source).and_then(VecDeque::back)
    }
}
