//! Who is busy.

use std::fmt::Write as _;

use ovo_api::act::Role;
use ovo_model::{Millis, Occupancy, Presence, Reading};

use crate::bugs::Bug;
use crate::view::{NodeView, View};

/// A reading that decides an end may be at most this old, in milliseconds (rule S1).
pub(crate) const FRESH_MS: Millis = 15_000;

/// What runs on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// Nothing, and every required source said so.
    Zero,
    /// Something; what sources could not say is not in the sum.
    Occupied(Occupancy),
    /// Nobody could say: counts as busy (rule S2).
    Unknown(String),
}

impl View<'_> {
    /// What runs on a media node, by readings of at most `age` that were asked for at `since` or later.
    pub(crate) fn busy(
        &self,
        node: &NodeView<'_>,
        age: Millis,
        since: Option<ovo_model::Mono>,
    ) -> Busy {
        if !node.known {
            return Busy::Unknown(format!("{} does not answer", node.name));
        }
        match node.observed {
            None => return Busy::Zero,
            Some(o) if o.presence == Presence::Gone => return Busy::Zero,
            // What has exited holds nobody, whatever is still written elsewhere.
            Some(o)
                if o.running_drained()
                    .is_some_and(|mut running| running.next().is_none()) =>
            {
                return Busy::Zero;
            }
            Some(_) => {}
        }
        let mut sum = Occupancy::default();
        let mut missing = None;
        for source in self.snap.profile.occupancy {
            let newest = node.readings.and_then(|r| r.newest(*source));
            let Some(reading) = newest.filter(|r| {
                self.bugs.has(Bug::StaleCounts)
                    || (self.snap.now.mono.since(r.at) <= age && since.is_none_or(|s| r.at >= s))
            }) else {
                missing.get_or_insert_with(|| {
                    format!("{}: no fresh answer from {source:?}", node.name)
                });
                continue;
            };
            let occupancy = reading.occupancy;
            if absurd(reading) {
                missing.get_or_insert_with(|| {
                    format!("{}: {source:?} says what cannot be", node.name)
                });
                continue;
            }
            sum = sum.plus(&occupancy);
        }
        match missing {
            _ if !sum.is_zero() => Busy::Occupied(sum),
            Some(reason) if !self.bugs.has(Bug::MissingIsZero) => Busy::Unknown(reason),
            _ => Busy::Zero,
        }
    }

    /// What runs in the whole cluster.
    pub(crate) fn cluster_busy(&self) -> Busy {
        let mut sum = Occupancy::default();
        let mut unknown = None;
        // A member of a group that could not be listed could hold anybody.
        if let Some(group) = self.group(Role::Media)
            && !self.scope_known(&group.scope)
        {
            unknown = Some("the media group could not be read".to_owned());
        }
        for node in self.role(Role::Media) {
            match self.busy(node, FRESH_MS, None) {
                Busy::Zero => {}
                Busy::Occupied(o) => {
                    sum = sum.plus(&o);
                }
                Busy::Unknown(reason) => {
                    unknown.get_or_insert(reason);
                }
            }
        }
        match unknown {
            _ if !sum.is_zero() => Busy::Occupied(sum),
            Some(reason) => Busy::Unknown(reason),
            None => Busy::Zero,
        }
    }

    /// Whether every required source has a full window of readings about this node (rule S2: what was not
    /// watched for a window is not known to be idle).
    pub(crate) fn full_window(&self, node: &NodeView<'_>) -> bool {
        let wanted = usize::try_from(self.spec.media.autoscaling.scale_down.readings())
            .unwrap_or(usize::MAX);
        self.snap.profile.occupancy.iter().all(|source| {
            node.readings
                .and_then(|r| r.sources.get(source))
                .is_some_and(|ring| ring.len() >= wanted)
                && node
                    .readings
                    .and_then(|r| r.newest(*source))
                    .is_some_and(|r| !absurd(r) && self.snap.now.mono.since(r.at) <= FRESH_MS)
        })
    }
}

/// What cannot be is no reading.
fn absurd(reading: &Reading) -> bool {
    let occupancy = &reading.occupancy;
    (occupancy.participants > 0 && occupancy.rooms == 0)
        || reading.load_permille.is_some_and(|load| load > 1_000)
}

/// `12 rooms, 96 people`, with what else runs.
pub(crate) fn words(occupancy: &Occupancy) -> String {
    let mut text = format!(
        "{} rooms, {} people",
        occupancy.rooms, occupancy.participants
    );
    // Writing to a String cannot fail.
    if occupancy.egress > 0 {
        let _ = write!(text, ", {} recordings or streams out", occupancy.egress);
    }
    if occupancy.ingress > 0 {
        let _ = write!(text, ", {} streams in", occupancy.ingress);
    }
    text
}
