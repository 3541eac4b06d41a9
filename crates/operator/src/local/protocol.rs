//! What commands and a server say to each other: one JSON object a line, one answer to each.

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::embedded::RecordedEvent;
use ovo_world::{Ledger, RoomSummary, Script};
use serde::{Deserialize, Serialize};

use crate::local::{PlanFile, PlannedCluster};

/// A command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum Request {
    /// All clusters and nodes.
    List,
    /// What happened, of everything or about one object.
    Events {
        /// Name of a cluster or node.
        about: Option<String>,
    },
    /// Annotates a node: drain it.
    Drain {
        /// Which.
        node: String,
        /// Why.
        reason: String,
    },
    /// Takes the annotation back.
    Undrain {
        /// Which.
        node: String,
    },
    /// Annotates a node: end it whatever runs there.
    Force {
        /// Its whole name.
        node: String,
        /// The same, typed again.
        confirm: String,
    },
    /// Annotates a node: never choose it.
    Protect {
        /// Which.
        node: String,
        /// Or may be chosen again.
        on: bool,
    },
    /// Deletes a cluster.
    Delete {
        /// Which.
        cluster: String,
    },
    /// Plans what manifests would change. Nothing is written.
    Plan {
        /// The manifests.
        files: Vec<PlanFile>,
    },
    /// The simulated world: what became of its rooms.
    World,
    /// Lets something happen in the simulated world.
    Simulate {
        /// In whose deployment.
        cluster: String,
        /// What.
        script: Box<Script>,
    },
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum Response {
    /// Clusters and nodes.
    List(Box<Listing>),
    /// Events, oldest first.
    Events {
        /// The server's time in milliseconds since 1970.
        now: i64,
        /// The events.
        events: Vec<RecordedEvent>,
    },
    /// It is done, or written down to be done.
    Done {
        /// What, for people.
        message: String,
    },
    /// A plan.
    Plan {
        /// By cluster.
        clusters: Vec<PlannedCluster>,
    },
    /// The world.
    World(Box<WorldView>),
    /// It was refused, and why.
    Refused {
        /// For people.
        message: String,
    },
}

/// Everything that is stored, at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// The server's time in milliseconds since 1970.
    pub now: i64,
    /// Clusters.
    pub clusters: Vec<OpenViduCluster>,
    /// `NAMESPACE/NAME` of clusters whose manifest has vanished.
    pub unmanaged: Vec<String>,
    /// Nodes.
    pub nodes: Vec<OpenViduNode>,
    /// What is wrong with entries of the database.
    pub unreadable: Vec<String>,
}

/// What the simulated world knows and the operator does not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldView {
    /// Its time in milliseconds since 1970.
    pub now: i64,
    /// The oracle's book.
    pub ledger: Ledger,
    /// The latest rooms of all deployments, by infrastructure id.
    pub rooms: Vec<(String, Vec<RoomSummary>)>,
}
