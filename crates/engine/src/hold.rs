//! What is only told to people is held back for a moment while more is being done: the next round would overwrite it.
//!
//! Whatever a later decision or another process builds on is written before the steps run, as ever: intents and
//! epochs, digests of credentials, what was applied and is so no more, drains with their markers, when a node was launched, joined or fell sick.

use std::collections::BTreeMap;

use ovo_api::node::{NodePhase, OpenViduNodeStatus};
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::{Millis, Mono, NodeName, Plan};

/// How long people wait at most for what is held back, in milliseconds: what was true for less, nobody could have read.
const HOLD_MS: Millis = 2_000;
/// Over how many rounds it is held back whatever the time: among many clusters a cluster waits for its turn between two
/// rounds, and is not told in each of them. As many as a media machine needs from nothing until it has started.
const HOLD_ROUNDS: u32 = 4;

/// Since when what was to be told is held back.
#[derive(Debug, Default)]
pub(crate) struct Held {
    nodes: BTreeMap<NodeName, Since>,
    status: Option<Since>,
}

/// Since when, and over how many rounds.
#[derive(Clone, Copy, Debug)]
struct Since {
    at: Mono,
    rounds: u32,
}

impl Since {
    const fn new(at: Mono) -> Self {
        Self { at, rounds: 0 }
    }

    /// One more round; whether it is held back in this one too.
    fn again(&mut self, now: Mono) -> bool {
        self.rounds += 1;
        now.since(self.at) < HOLD_MS || self.rounds <= HOLD_ROUNDS
    }
}

impl Held {
    /// Whether this next status of a node is for later. `more`: steps follow at once, and then another round.
    pub(crate) fn node(
        &mut self,
        more: bool,
        node: &NodeName,
        old: Option<&OpenViduNodeStatus>,
        new: &OpenViduNodeStatus,
        now: Mono,
    ) -> bool {
        if more && !matters(old, new) {
            let since = self.nodes.entry(node.clone());
            if since.or_insert(Since::new(now)).again(now) {
                return true;
            }
        }
        self.nodes.remove(node);
        false
    }

    /// Whether this status of the cluster is for later, or is what is written already.
    pub(crate) fn status(
        &mut self,
        more: bool,
        old: Option<&OpenViduClusterStatus>,
        new: &OpenViduClusterStatus,
        now: Mono,
    ) -> bool {
        if old == Some(new) {
            self.status = None;
            return true;
        }
        let begun = Since::new(now);
        if more
            && old.is_some_and(|old| only_told(old, new))
            && self.status.get_or_insert(begun).again(now)
        {
            return true;
        }
        self.status = None;
        false
    }

    /// Forgets nodes that have nothing to be written.
    pub(crate) fn keep(&mut self, plan: &Plan) {
        self.nodes
            .retain(|node, _| plan.nodes.iter().any(|write| write.node() == node));
    }

    /// When the next look is due at the latest, in milliseconds: nothing is held back for longer than it may.
    pub(crate) fn look_within(&self, now: Mono) -> Option<Millis> {
        let held = self.nodes.values().chain(&self.status);
        let first = held.map(|since| since.at).min()?;
        Some((HOLD_MS - now.since(first)).max(0))
    }
}

/// Whether more than how far a node is on its way into the cluster would be written.
fn matters(old: Option<&OpenViduNodeStatus>, new: &OpenViduNodeStatus) -> bool {
    let on_the_way = matches!(
        new.phase,
        NodePhase::Pending | NodePhase::Launching | NodePhase::Standby | NodePhase::Joining
    );
    let none = OpenViduNodeStatus::default();
    let old = old.unwrap_or(&none);
    !on_the_way
        || old.drain != new.drain
        || old.launched_at != new.launched_at
        || old.joined_at != new.joined_at
        || old.unhealthy_since != new.unhealthy_since
}

/// Whether two statuses differ in nothing but what is told to people.
fn only_told(old: &OpenViduClusterStatus, new: &OpenViduClusterStatus) -> bool {
    old.observed_generation == new.observed_generation
        && old.intent == new.intent
        && old.credentials == new.credentials
        // What is not written down as applied yet counts as being applied still, and is found so again.
        && old.applied.iter().all(|(resource, digest)| new.applied.get(resource) == Some(digest))
        && old.applied_config_keys == new.applied_config_keys
        && old.shrink_unanswered_since == new.shrink_unanswered_since
        && old.autoscaler == new.autoscaler
        && old.claims == new.claims
        && old.simulated == new.simulated
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_api::node::{DrainCause, DrainRecord};
    use ovo_api::status::{ClusterPhase, Intent};

    use super::*;

    fn node(phase: NodePhase) -> OpenViduNodeStatus {
        OpenViduNodeStatus {
            phase,
            ..OpenViduNodeStatus::default()
        }
    }

    fn held(held: &mut Held, new: &OpenViduNodeStatus, more: bool, at: i64) -> bool {
        held.node(more, &"w1".into(), None, new, Mono(at))
    }

    #[test]
    fn how_far_a_node_is_on_its_way_is_told_after_a_moment() {
        let mut all = Held::default();
        assert!(held(&mut all, &node(NodePhase::Pending), true, 0));
        assert!(held(&mut all, &node(NodePhase::Launching), true, 1_500));
        assert_eq!(all.look_within(Mono(1_500)), Some(500));
        for at in [1_600, 1_800] {
            assert!(held(&mut all, &node(NodePhase::Launching), true, at));
        }
        assert!(!held(&mut all, &node(NodePhase::Launching), true, 2_000));
        assert_eq!(all.look_within(Mono(2_000)), None);
    }

    #[test]
    fn a_cluster_that_waits_for_its_turn_is_told_after_four_rounds() {
        let mut all = Held::default();
        for at in [0, 10_000, 20_000, 30_000] {
            assert!(held(&mut all, &node(NodePhase::Launching), true, at));
        }
        assert_eq!(all.look_within(Mono(30_000)), Some(0));
        assert!(!held(&mut all, &node(NodePhase::Launching), true, 30_001));
    }

    #[test]
    fn nothing_is_held_back_when_nothing_more_is_done() {
        assert!(!held(
            &mut Held::default(),
            &node(NodePhase::Standby),
            false,
            0
        ));
        let (old, mut new) = (
            OpenViduClusterStatus::default(),
            OpenViduClusterStatus::default(),
        );
        new.phase = Some(ClusterPhase::Creating);
        let mut all = Held::default();
        assert!(all.status(true, Some(&old), &new, Mono(0)));
        assert!(!all.status(false, Some(&old), &new, Mono(1)));
    }

    #[test]
    fn what_a_later_decision_builds_on_is_written_first() {
        let time = || Some(ovo_model::Wall(0).to_time());
        let changes: [fn(&mut OpenViduNodeStatus, _); 3] = [
            |s, t| s.launched_at = t,
            |s, t| s.joined_at = t,
            |s, t| s.unhealthy_since = t,
        ];
        for change in changes {
            let mut new = node(NodePhase::Joining);
            change(&mut new, time());
            assert!(!held(&mut Held::default(), &new, true, 0), "{new:?}");
        }
        let mut new = node(NodePhase::Joining);
        new.drain = Some(DrainRecord {
            cause: DrainCause::ScaleIn,
            reason: String::new(),
            requested_at: time().unwrap(),
            signals: Vec::new(),
            closed_at: None,
        });
        assert!(!held(&mut Held::default(), &new, true, 0));
        for phase in [NodePhase::Draining, NodePhase::Failed, NodePhase::Serving] {
            assert!(
                !held(&mut Held::default(), &node(phase), true, 0),
                "{phase:?}"
            );
        }
    }

    #[test]
    fn the_first_status_and_every_intent_are_written_at_once() {
        let (old, mut new) = (
            OpenViduClusterStatus::default(),
            OpenViduClusterStatus::default(),
        );
        assert!(!Held::default().status(true, None, &new, Mono(0)));
        new.intent = Some(Intent::default());
        assert!(!Held::default().status(true, Some(&old), &new, Mono(0)));
    }

    #[test]
    fn what_was_applied_for_the_first_time_may_wait_and_what_is_so_no_more_may_not() {
        let applied = |all: &[(&str, &str)]| OpenViduClusterStatus {
            applied: all
                .iter()
                .map(|(resource, digest)| ((*resource).to_owned(), (*digest).to_owned()))
                .collect(),
            ..OpenViduClusterStatus::default()
        };
        let old = applied(&[("Config/cluster", "1")]);
        let waits = |new| Held::default().status(true, Some(&old), &new, Mono(0));
        assert!(waits(applied(&[("Config/cluster", "1"), ("File/m1", "7")])));
        assert!(!waits(applied(&[("Config/cluster", "2")])));
        assert!(!waits(applied(&[("File/m1", "7")])));
    }
}
