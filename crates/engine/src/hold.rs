//! What is only told to people is held back for a moment while more is being done: the next round would overwrite it.
//!
//! Whatever a later decision or another process builds on is written before the steps run, as ever: intents and
//! epochs, digests of credentials, drains with their markers, when a node was launched, joined or fell sick.

use std::collections::BTreeMap;

use ovo_api::node::NodePhase;
use ovo_api::status::OpenViduClusterStatus;
use ovo_api::{OpenViduNode, OpenViduNodeStatus};
use ovo_model::{Millis, Mono, NodeName, NodeWrite, Plan};

/// How long people wait at most for what is held back, in milliseconds: what was true for less, nobody could have read.
const HOLD_MS: Millis = 2_000;

/// Since when what was to be told is held back.
#[derive(Debug, Default)]
pub(crate) struct Held {
    nodes: BTreeMap<NodeName, Mono>,
    status: Option<Mono>,
}

impl Held {
    /// Whether this write of a node record is for later.
    pub(crate) fn node(
        &mut self,
        plan: &Plan,
        records: &BTreeMap<NodeName, std::sync::Arc<OpenViduNode>>,
        write: &NodeWrite,
        now: Mono,
    ) -> bool {
        let (node, status) = match write {
            NodeWrite::Create { node, status, .. } | NodeWrite::Status { node, status } => {
                (node, status)
            }
            NodeWrite::Remove { .. } => return false,
        };
        let old = records.get(node).and_then(|record| record.status.as_ref());
        if plan.steps.is_empty() || matters(old, status) {
            self.nodes.remove(node);
            return false;
        }
        let since = *self.nodes.entry(node.clone()).or_insert(now);
        if now.since(since) < HOLD_MS {
            return true;
        }
        self.nodes.remove(node);
        false
    }

    /// Whether this status of the cluster is for later, or is what is written already.
    pub(crate) fn status(
        &mut self,
        plan: &Plan,
        old: Option<&OpenViduClusterStatus>,
        new: &OpenViduClusterStatus,
        now: Mono,
    ) -> bool {
        if old == Some(new) {
            self.status = None;
            return true;
        }
        let only_told = old.is_some_and(|old| only_told(old, new));
        let since = *self.status.get_or_insert(now);
        if plan.steps.is_empty() || !only_told || now.since(since) >= HOLD_MS {
            self.status = None;
            return false;
        }
        true
    }

    /// Forgets nodes that have nothing to be written.
    pub(crate) fn keep(&mut self, plan: &Plan) {
        self.nodes
            .retain(|node, _| plan.nodes.iter().any(|write| write.node() == node));
    }

    /// When the next look is due at the latest, in milliseconds: nothing is held back for longer than it may.
    pub(crate) fn look_within(&self, now: Mono) -> Option<Millis> {
        let first = self.nodes.values().chain(&self.status).min()?;
        Some((HOLD_MS - now.since(*first)).max(0))
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
        && old.applied == new.applied
        && old.applied_config_keys == new.applied_config_keys
        && old.shrink_unanswered_since == new.shrink_unanswered_since
        && old.autoscaler == new.autoscaler
        && old.simulated == new.simulated
}
