//! What the checker knows of one node.

use std::fmt;

use ovo_api::act::Role;
use ovo_api::annotations;
use ovo_api::node::{DrainRecord, OpenViduNode, OpenViduNodeStatus};
use ovo_api::profile::OccupancySource;
use ovo_api::spec::AtDeadline;
use ovo_model::{
    Container, MediaState, Millis, Mono, NodeReadings, ObservedNode, Occupancy, Presence, Reading,
    ResourceId, Wall,
};

use super::facts::Facts;

/// A reading that decides an end or a cut may be at most this old, in milliseconds (rule S1).
pub(super) const FRESH_MS: Millis = 15_000;
/// A node that has not joined after this long, in milliseconds, never will (section 6 of the design: a launch
/// and an installation take minutes).
pub(super) const JOIN_LIMIT_MS: Millis = 900_000;

/// One node.
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    /// The part of the world in which it is seen was read whole.
    pub(super) known: bool,
    /// A machine in the spec's list.
    pub(super) listed: bool,
    pub(super) observed: Option<&'a ObservedNode>,
    pub(super) record: Option<&'a OpenViduNode>,
    pub(super) readings: Option<&'a NodeReadings>,
}

/// What runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    Zero,
    Occupied(Occupancy),
    Unknown(Doubt),
}

/// Why nobody can say what runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    Silent,
    Missing(OccupancySource),
    Stale(OccupancySource, Millis),
    Absurd(OccupancySource),
}

impl<'a> Node<'a> {
    pub(super) fn seen(observed: &'a ObservedNode) -> Self {
        Self {
            observed: Some(observed),
            ..Self::unseen(&observed.name.0, observed.role, true)
        }
    }

    pub(super) const fn unseen(name: &'a str, role: Role, known: bool) -> Self {
        Self {
            name,
            role,
            known,
            listed: false,
            observed: None,
            record: None,
            readings: None,
        }
    }

    pub(super) fn status(&self) -> Option<&'a OpenViduNodeStatus> {
        self.record?.status.as_ref()
    }

    pub(super) fn drain(&self) -> Option<&'a DrainRecord> {
        self.status()?.drain.as_ref()
    }

    pub(super) fn in_group(&self, group: &ResourceId) -> bool {
        self.observed
            .is_some_and(|o| o.group.as_ref() == Some(group))
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&'a str> {
        self.record?
            .metadata
            .annotations
            .as_ref()?
            .get(key)
            .map(String::as_str)
    }

    /// A person typed the node object's own name.
    pub(super) fn forced(&self) -> bool {
        let name = self.record.and_then(|r| r.metadata.name.as_deref());
        name.is_some() && self.annotation(annotations::FORCE) == name
    }

    /// A person deleted the node object.
    pub(super) fn object_deleted(&self) -> bool {
        self.record
            .is_some_and(|r| r.metadata.deletion_timestamp.is_some())
    }

    pub(super) fn media(&self) -> MediaState {
        self.observed.map_or(MediaState::Unknown, |o| o.media)
    }

    /// Known not to be there, by the word of whoever ends machines.
    pub(super) fn gone(&self) -> bool {
        self.known && self.observed.is_none_or(|o| o.presence == Presence::Gone)
    }

    pub(super) fn terminating(&self) -> bool {
        self.observed
            .is_some_and(|o| o.presence == Presence::Terminating)
    }

    /// The containers that take the drain signal. `None`: they could not be listed.
    fn drained_containers(&self) -> Option<impl Iterator<Item = &'a Container>> {
        Some(
            self.observed?
                .containers
                .as_ref()?
                .iter()
                .filter(|c| c.drained),
        )
    }

    /// None of the containers that carry conversations runs, and that is known.
    pub(super) fn nothing_runs(&self) -> bool {
        self.drained_containers()
            .is_some_and(|mut list| !list.any(|c| c.running))
    }

    /// No process of any kind runs, and no unit would start one.
    pub(super) fn stopped(&self) -> bool {
        self.observed.is_some_and(|o| {
            o.unit.is_some_and(|u| !u.active)
                && o.containers
                    .as_ref()
                    .is_some_and(|l| l.iter().all(|c| !c.running))
        })
    }

    /// Containers that carried conversations have exited: all that are listed, or all were taken away by a stop.
    pub(super) fn exited(&self) -> bool {
        let listed = self
            .drained_containers()
            .is_some_and(|mut list| list.next().is_some());
        let inactive = self
            .observed
            .is_some_and(|o| o.unit.is_some_and(|u| !u.active));
        self.nothing_runs() && (listed || inactive)
    }

    /// Closed to new sessions, by its own word (rule S1).
    pub(super) fn closed(&self) -> bool {
        matches!(
            self.media(),
            MediaState::Closed | MediaState::Leaving | MediaState::Canceled
        ) || self.exited()
    }

    /// Came down by itself and stays down, or is gone: it holds nobody and nobody can come (rule S1).
    pub(super) fn dead(&self, now: Wall) -> bool {
        if self.gone() {
            return true;
        }
        let revived = self
            .drained_containers()
            .is_none_or(|mut list| list.any(|c| c.revived_by_engine));
        self.nothing_runs()
            && !revived
            && (self.exited() || self.launched_for(now) >= JOIN_LIMIT_MS)
    }

    /// Told to start long ago, never part of the cluster, and no source ever spoke of anybody there (rule S1).
    pub(super) fn never_joined(&self, now: Wall) -> bool {
        let outside = matches!(
            self.media(),
            MediaState::Absent | MediaState::Launching | MediaState::Failed | MediaState::Canceled
        );
        let joined = self.status().is_none_or(|s| s.joined_at.is_some());
        let seen_busy = self
            .readings
            .is_some_and(|r| r.sources.values().flatten().any(|r| !r.occupancy.is_zero()));
        self.known && outside && !joined && !seen_busy && self.launched_for(now) >= JOIN_LIMIT_MS
    }

    /// How long ago it was told to start; 0 where nobody knows.
    fn launched_for(&self, now: Wall) -> Millis {
        let launched = self.status().and_then(|s| s.launched_at.as_ref());
        launched.map_or(0, |at| now.since(Wall::from_time(at)))
    }

    /// How long it has been part of the cluster; 0 where nobody knows.
    pub(super) fn joined_for(&self, now: Wall) -> Millis {
        let joined = self.status().and_then(|s| s.joined_at.as_ref());
        joined.map_or(0, |at| now.since(Wall::from_time(at)))
    }

    /// Its drain has lasted as long as the user allowed, and the user wants it ended then.
    pub(super) fn overdue(&self, facts: &Facts<'_>) -> bool {
        let drain = &facts.spec.media.drain;
        let (Some(record), Some(deadline)) = (self.drain(), drain.deadline) else {
            return false;
        };
        let waited = facts.now.wall.since(Wall::from_time(&record.requested_at));
        drain.at_deadline() == AtDeadline::Force && waited >= deadline.as_millis()
    }

    /// Whether something of the cluster runs on it, or may. What never was told to start is believed not to
    /// run even when it does not answer.
    pub(super) fn present(&self) -> bool {
        match self.observed {
            Some(o) if o.group.is_some() => {
                !matches!(o.presence, Presence::Gone | Presence::Terminating)
            }
            Some(o) => {
                o.presence != Presence::Gone
                    && (o.unit.is_none_or(|u| u.active || u.enabled)
                        || o.containers
                            .as_ref()
                            .is_none_or(|l| l.iter().any(|c| c.running)))
            }
            None if self.known => false,
            None => self.status().is_none_or(|s| s.launched_at.is_some()),
        }
    }

    /// Takes new sessions, or is about to.
    pub(super) fn open(&self, now: Wall) -> bool {
        let starting = || {
            let joined = self.status().is_some_and(|s| s.joined_at.is_some());
            matches!(self.media(), MediaState::Absent | MediaState::Launching)
                && !joined
                && self.launched_for(now) < JOIN_LIMIT_MS
        };
        self.present()
            && self.drain().is_none()
            && (self.media() == MediaState::Serving || starting())
    }

    /// Drains, and may still hold somebody.
    pub(super) fn draining(&self) -> bool {
        let gone = self.gone() || self.terminating() || self.nothing_runs();
        self.role == Role::Media
            && !gone
            && (self.drain().is_some() || self.media() == MediaState::Closed)
    }

    /// What runs there, by readings that are fresh. What has exited holds nobody.
    pub(super) fn busy(&self, facts: &Facts<'_>) -> Busy {
        if !self.known {
            return Busy::Unknown(Doubt::Silent);
        }
        if self.gone() || self.nothing_runs() {
            return Busy::Zero;
        }
        let mut sum = Occupancy::default();
        let mut doubt = None;
        for source in facts.profile.occupancy {
            match self.reading(*source, facts.now.mono, FRESH_MS) {
                Ok(reading) => add(&mut sum, &reading.occupancy),
                Err(why) => doubt = doubt.or(Some(why)),
            }
        }
        match doubt {
            _ if !sum.is_zero() => Busy::Occupied(sum),
            Some(why) => Busy::Unknown(why),
            None => Busy::Zero,
        }
    }

    /// The newest answer of a source, if it may be believed.
    pub(super) fn reading(
        &self,
        source: OccupancySource,
        now: Mono,
        fresh: Millis,
    ) -> Result<&'a Reading, Doubt> {
        let newest = self.readings.and_then(|r| r.newest(source));
        let reading = newest.ok_or(Doubt::Missing(source))?;
        let occupancy = &reading.occupancy;
        let nobodys_people = occupancy.participants > 0 && occupancy.rooms == 0;
        if nobodys_people
            || reading.load_permille.is_some_and(|load| load > 1000)
            || reading.at > now
        {
            return Err(Doubt::Absurd(source));
        }
        let age = now.since(reading.at);
        if age > fresh {
            Err(Doubt::Stale(source, age))
        } else {
            Ok(reading)
        }
    }
}

/// Adds what runs in one place to what runs in others.
pub(super) fn add(sum: &mut Occupancy, more: &Occupancy) {
    sum.rooms = sum.rooms.saturating_add(more.rooms);
    sum.participants = sum.participants.saturating_add(more.participants);
    sum.egress = sum.egress.saturating_add(more.egress);
    sum.ingress = sum.ingress.saturating_add(more.ingress);
}

/// `3 rooms, 7 people, 1 egress, 0 ingress`.
pub(super) fn words(o: &Occupancy) -> String {
    format!(
        "{} rooms, {} people, {} egress, {} ingress",
        o.rooms, o.participants, o.egress, o.ingress
    )
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => write!(f, "it could not be read"),
            Self::Missing(source) => write!(f, "{source:?} said nothing"),
            Self::Stale(source, age) => {
                write!(f, "{source:?} spoke {age} ms ago, at most {FRESH_MS} count")
            }
            Self::Absurd(source) => {
                write!(
                    f,
                    "{source:?} says what cannot be (people without rooms, load over 1000, a time to come)"
                )
            }
        }
    }
}
