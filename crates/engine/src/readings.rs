//! The ring of readings.

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::profile::Profile;
use ovo_model::{
    MediaState, Millis, Mono, NodeName, NodeReadings, Observation, ObservedNode, Occupancy,
    Presence, Reading, Scope, SourceRing,
};
use ovo_provider::NodeAnswers;

/// Whether the node itself says that it takes no new sessions.
fn closed(node: &ObservedNode) -> bool {
    matches!(
        node.media,
        MediaState::Closed | MediaState::Leaving | MediaState::Canceled
    ) || exited(node)
}

/// Whether everything that could hold somebody has exited.
fn exited(node: &ObservedNode) -> bool {
    node.containers.as_ref().is_some_and(|list| {
        // A stop takes the containers away: then none is listed and the unit is not active.
        let inactive = node.unit.is_some_and(|u| !u.active);
        let mut drained = list.iter().filter(|c| c.drained).peekable();
        (drained.peek().is_some() || inactive) && drained.all(|c| !c.running)
    })
}

/// What a node's readings hang on: another boot or another start of a container voids them.
fn life(node: &ObservedNode) -> String {
    let mut text = node.boot_id.clone();
    for container in node.containers.iter().flatten().filter(|c| c.drained) {
        text.push('|');
        text.push_str(&container.started_at);
    }
    text
}

/// Puts fresh answers into the rings.
pub(crate) struct Merge<'a> {
    pub(crate) profile: &'static Profile,
    /// When the questions were asked.
    pub(crate) asked: Mono,
    /// Pushes nearer together than this replace each other, so that a window is a length of time.
    pub(crate) interval: Millis,
    /// Readings kept of each source.
    pub(crate) keep: usize,
    pub(crate) observed: &'a BTreeMap<Scope, Observation>,
    /// Whether `observed` is everything, and not the live read of some scopes.
    pub(crate) whole: bool,
    pub(crate) answers: &'a BTreeMap<NodeName, NodeAnswers>,
}

impl Merge<'_> {
    /// The new rings of all nodes that were seen.
    pub(crate) fn apply(
        &self,
        mut rings: BTreeMap<NodeName, NodeReadings>,
    ) -> BTreeMap<NodeName, NodeReadings> {
        let mut seen = BTreeSet::new();
        for observation in self.observed.values() {
            let Observation::Known { nodes, .. } = observation else {
                continue;
            };
            for node in nodes.values() {
                seen.insert(node.name.clone());
                self.node(rings.entry(node.name.clone()).or_default(), node);
            }
        }
        if !self.whole {
            return rings;
        }
        for (name, readings) in &mut rings {
            // A node that could not be seen may have been taken back meanwhile.
            if !seen.contains(name) {
                readings.closed_since = None;
            }
        }
        if self.observed.values().all(Observation::is_known) {
            rings.retain(|name, _| seen.contains(name));
        }
        rings
    }

    fn node(&self, readings: &mut NodeReadings, node: &ObservedNode) {
        let life = life(node);
        if readings.life != life {
            *readings = NodeReadings {
                life,
                ..NodeReadings::default()
            };
        }
        if closed(node) {
            readings.closed_since.get_or_insert(self.asked);
        } else {
            readings.closed_since = None;
        }
        if node.presence == Presence::Gone {
            return;
        }
        if exited(node) {
            let zero = Reading {
                at: self.asked,
                occupancy: Occupancy::default(),
                load_permille: None,
            };
            for source in self.profile.occupancy {
                self.push(readings.sources.entry(*source).or_default(), zero);
            }
            return;
        }
        let Some(answers) = self.answers.get(&node.name) else {
            return;
        };
        for (source, answer) in answers {
            if let Ok(answer) = answer {
                let reading = Reading {
                    at: self.asked,
                    occupancy: answer.occupancy,
                    load_permille: answer.load_permille,
                };
                self.push(readings.sources.entry(*source).or_default(), reading);
            }
        }
    }

    fn push(&self, ring: &mut SourceRing, reading: Reading) {
        if let Some(before) = ring.len().checked_sub(2).and_then(|i| ring.get(i))
            && reading.at.since(before.at) < self.interval
        {
            ring.pop_back();
        }
        ring.push_back(reading);
        while ring.len() > self.keep {
            ring.pop_front();
        }
    }
}
