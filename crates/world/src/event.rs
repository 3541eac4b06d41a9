//! What can happen by itself.

use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, ResourceId};
use serde::{Deserialize, Serialize};

use crate::room::{Job, RoomId};
use crate::world::Dep;

/// Something that happens at a time set before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    /// The rooms of a day are announced.
    Day(Dep, u64),
    /// A room is wanted.
    Arrive(Dep, RoomId),
    /// Rooms without a node try again.
    Retry(Dep),
    Room(Dep, RoomId, RoomEvent),
    /// Something on a node; void when the node has another life by then.
    Node(Dep, NodeName, u64, NodeEvent),
    /// A plain resource is ready, or gone; void when it has another version by then.
    Resource(Dep, ResourceId, u64),
    GroupsTick(Dep),
    MastersTick(Dep),
    /// The faults of an hour are drawn.
    FaultHour(Dep, u64),
    Fault(Dep, Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RoomEvent {
    Joins,
    Leaves,
    /// The last one leaves.
    Over,
    /// The empty room goes.
    Gone,
    JobStarts(Job),
    JobEnds(Job),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NodeEvent {
    /// The installer is through.
    Installed,
    /// The record of an installation that failed is cleared away.
    Forgotten,
    /// The unit has brought its containers up.
    Up,
    /// The media server writes its first record.
    Join,
    /// A draining media server looks whether somebody is still there.
    DrainPoll,
    /// The container engine starts again what crashed.
    Restart(String),
    /// A machine comes up.
    Boot,
    /// It answers again.
    Answers,
    /// The next phase of a member of a group.
    Launched,
    InService,
    Registered,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    Crash,
    Hang,
    Dead,
    Install,
    Master,
    Redis,
    Throttle,
    Metrics(OccupancySource),
}
