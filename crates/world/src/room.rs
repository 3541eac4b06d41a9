//! Rooms: what people planned, what is going on, and how it ended.

use std::collections::VecDeque;
use std::fmt;

use ovo_model::{Millis, NodeName, Wall};
use serde::{Deserialize, Serialize};

use crate::config::{Span, Workload};
use crate::draw::Draw;

/// Names a room for ever. Rooms of the workload are numbered by day; scripted and adverse ones from
/// [`RoomId::FIRST_SCRIPTED`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId(pub u64);

impl RoomId {
    /// Rooms from here on are no part of the workload.
    pub const FIRST_SCRIPTED: u64 = 1 << 40;

    /// Whether it is one of the workload's.
    pub const fn is_workload(self) -> bool {
        self.0 < Self::FIRST_SCRIPTED
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room-{}", self.0)
    }
}

/// Something that runs beside a room, in a service of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Job {
    /// A recording or a stream to somewhere else.
    Egress,
    /// A stream from somewhere else.
    Ingress,
}

impl Job {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Egress, Self::Ingress];

    /// The container that runs it.
    pub const fn container(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}

/// What people planned: drawn when the room is announced, whatever becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPlan {
    /// From the first person in to the last one out.
    pub length: Millis,
    /// Who comes later and leaves earlier than the first person: after how long, until when.
    pub people: Vec<(Millis, Millis)>,
    /// Recordings and the like: after how long, until when. A recording may outlast the room a little.
    pub jobs: Vec<(Job, Millis, Millis)>,
}

impl RoomPlan {
    /// One person for this long.
    pub const fn alone(length: Millis) -> Self {
        Self {
            length,
            people: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// What the workload's room of this seed is.
    pub(crate) fn drawn(workload: &Workload, mut draw: Draw) -> Self {
        let kind = u32::try_from(draw.below(1000)).unwrap_or(0);
        let length = draw.within(if kind < workload.short_permille {
            workload.short
        } else if kind < workload.short_permille + workload.long_permille {
            workload.long
        } else {
            workload.length
        });
        let others = draw.below(u64::from(workload.people.max(1)));
        let people = (0..others)
            .map(|_| {
                let joins = draw.within(Span {
                    from: 0,
                    to: length / 2,
                });
                (
                    joins,
                    draw.within(Span {
                        from: joins,
                        to: length,
                    }),
                )
            })
            .collect();
        let mut jobs = Vec::new();
        for (job, permille) in [
            (Job::Egress, workload.egress_permille),
            (Job::Ingress, workload.ingress_permille),
        ] {
            if draw.chance(permille) {
                let starts = draw.within(Span {
                    from: 0,
                    to: length / 4,
                });
                jobs.push((
                    job,
                    starts,
                    draw.within(Span {
                        from: starts,
                        to: length + 30_000,
                    }),
                ));
            }
        }
        Self {
            length,
            people,
            jobs,
        }
    }
}

/// A room that is open, or waits for a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its name.
    pub id: RoomId,
    /// When it was announced.
    pub arrived: Wall,
    /// What people planned.
    pub plan: RoomPlan,
    /// Where it is; `None` while it waits for a node.
    pub node: Option<NodeName>,
    /// The master that its clients' signalling goes through (v2: that owns the session).
    pub master: Option<NodeName>,
    /// Counts the rooms that were placed in this world: what came before and after what.
    pub placed: u64,
    /// Who is in it now.
    pub participants: u32,
}

/// How a room ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomEnd {
    /// People went home.
    Natural,
    /// Something failed by itself.
    Fault,
    /// The operator's act, or what followed from it.
    Cut {
        /// The step.
        by: String,
    },
    /// It never found a node.
    GivenUp,
}

/// A room that ever was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// Its name.
    pub id: RoomId,
    /// When it was announced.
    pub arrived: Wall,
    /// How long it was planned to last, in milliseconds.
    pub length: Millis,
    /// Where it was last.
    pub node: Option<NodeName>,
    /// How it ended, if it did.
    pub end: Option<RoomEnd>,
}

/// The rooms that ever were. Old ones that ended are only counted, so that a world of years stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLog {
    /// The latest, in the order of their arrival.
    pub recent: VecDeque<RoomSummary>,
    /// Rooms of the workload so far.
    pub announced: u64,
    /// Over the ids, arrivals and lengths of all rooms of the workload: the same for every operator.
    pub digest: u64,
    /// Ended because people went home.
    pub natural: u64,
    /// Ended by a fault.
    pub fault: u64,
    /// Ended by the operator.
    pub cut: u64,
    /// Never found a node.
    pub given_up: u64,
}

/// How many rooms are remembered one by one.
const REMEMBERED: usize = 2_000;

impl RoomLog {
    pub(crate) fn announce(&mut self, id: RoomId, arrived: Wall, length: Millis) {
        if id.is_workload() {
            self.announced += 1;
            let number = id.0
                ^ arrived.0.cast_unsigned().rotate_left(20)
                ^ length.cast_unsigned().rotate_left(40);
            self.digest = (self.digest ^ number)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(7);
        }
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(RoomSummary {
            id,
            arrived,
            length,
            node: None,
            end: None,
        });
    }

    pub(crate) fn placed(&mut self, id: RoomId, node: &NodeName) {
        if let Some(room) = self.find(id) {
            room.node = Some(node.clone());
        }
    }

    pub(crate) fn ended(&mut self, id: RoomId, end: RoomEnd) {
        match &end {
            RoomEnd::Natural => self.natural += 1,
            RoomEnd::Fault => self.fault += 1,
            RoomEnd::Cut { .. } => self.cut += 1,
            RoomEnd::GivenUp => self.given_up += 1,
        }
        if let Some(room) = self.find(id) {
            room.end.get_or_insert(end);
        }
    }

    fn find(&mut self, id: RoomId) -> Option<&mut RoomSummary> {
        // Ends come soon after arrivals: from the back it is a short way.
        self.recent.iter_mut().rev().find(|room| room.id == id)
    }
}
