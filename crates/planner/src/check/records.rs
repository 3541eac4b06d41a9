//! Rules S1, S4, S10 and S11 for what is written into node records: they are the memory of what was done.

use ovo_api::annotations;
use ovo_api::node::{NODE_FORMAT_VERSION, OpenViduNodeStatus, SignalState};
use ovo_api::spec::DeletionPolicy;
use ovo_model::{MediaState, Millis, NodeName, NodeWrite, Wall};

use super::facts::Facts;
use super::node::Node;
use super::signal::records;
use super::{Rule, Run, still};

/// A drain that is written for the first time was decided just now; clocks may be this far apart, in
/// milliseconds, and records keep whole seconds.
const JUST_NOW_MS: Millis = 60_000;

pub(super) fn check(run: &mut Run<'_, '_>, writes: &[NodeWrite]) {
    let given_up = given_up(run.facts);
    for write in writes {
        let name = write.node();
        let node = run.facts.node(name);
        match (write, node.and_then(|n| n.record)) {
            (NodeWrite::Create { .. }, Some(_)) => {
                run.refuse_plan(Rule::S10, format!("the record of {name} is there already"));
            }
            (NodeWrite::Status { .. } | NodeWrite::Remove { .. }, None) => {
                run.refuse_plan(Rule::S10, format!("{name} has no record to write to"));
            }
            // Whoever gives the deployment up takes its memory along, also in the middle of a drain.
            (NodeWrite::Remove { .. }, Some(_)) if given_up => {}
            (NodeWrite::Remove { .. }, Some(_)) => forgets(run, node, name, None),
            (NodeWrite::Create { status, .. }, None) => formats(run, name, status),
            (NodeWrite::Status { status, .. }, Some(_)) => {
                formats(run, name, status);
                forgets(run, node, name, Some(status));
                if let Some(old) = node.and_then(Node::status) {
                    times(run, node, name, old, status);
                }
            }
        }
    }
}

/// A person lets go of a deleted cluster and of what is there of it.
fn given_up(facts: &Facts<'_>) -> bool {
    let meta = &facts.snap.cluster.metadata;
    let annotation = meta
        .annotations
        .as_ref()
        .and_then(|a| a.get(annotations::ABANDON));
    let abandoned = annotation.is_some() && annotation == meta.name.as_ref();
    let orphan = facts.spec.deletion.policy() == DeletionPolicy::Orphan;
    let may_go = facts.deleting && !facts.spec.deletion.protected() && !facts.spec.paused();
    may_go && (abandoned || orphan)
}

fn formats(run: &mut Run<'_, '_>, name: &NodeName, status: &OpenViduNodeStatus) {
    if status.format_version != NODE_FORMAT_VERSION {
        run.refuse_plan(
            Rule::S11,
            format!(
                "the record of {name} would have format {}",
                status.format_version
            ),
        );
    }
}

/// What was sent to a container that may still run is not forgotten, nor made unsent.
fn forgets(
    run: &mut Run<'_, '_>,
    node: Option<&Node<'_>>,
    name: &NodeName,
    new: Option<&OpenViduNodeStatus>,
) {
    let Some(node) = node else { return };
    let kept = new
        .and_then(|s| s.drain.as_ref())
        .map(|d| d.signals.as_slice())
        .unwrap_or_default();
    for old in node.drain().iter().flat_map(|d| &d.signals) {
        let containers = node.observed.and_then(|o| o.containers.as_ref());
        // Where nobody can look, it may still run.
        let may_run = match containers {
            Some(list) => list.iter().any(|c| c.running && records(old, c)),
            None => !node.gone(),
        };
        let sent = |s: SignalState| s != SignalState::Intended;
        let now = kept
            .iter()
            .find(|s| s.container_id == old.container_id && s.started_at == old.started_at);
        let unsent = now.is_none_or(|now| sent(old.state) && !sent(now.state));
        if may_run && unsent {
            let text = format!(
                "the record of {name} would forget the signal to {} ({:?})",
                old.container, old.state
            );
            run.refuse_plan(Rule::S4, text);
        }
    }
}

/// Times from which deadlines and limits count are not moved, and are not the only thing that changes.
fn times(
    run: &mut Run<'_, '_>,
    node: Option<&Node<'_>>,
    name: &NodeName,
    old: &OpenViduNodeStatus,
    new: &OpenViduNodeStatus,
) {
    let now = run.facts.now.wall;
    let in_cluster =
        node.is_some_and(|n| matches!(n.media(), MediaState::Serving | MediaState::Closed));
    if old.joined_at.is_some() && new.joined_at.is_none() && in_cluster {
        run.refuse_plan(
            Rule::S1,
            format!("the record of {name} would forget that it joined"),
        );
    }
    let earlier = |a: &Option<_>, b: &Option<_>| match (a, b) {
        (Some(a), Some(b)) => Wall::from_time(b) < Wall::from_time(a),
        _ => false,
    };
    if earlier(&old.launched_at, &new.launched_at) {
        run.refuse_plan(
            Rule::S1,
            format!("the record of {name} would have it launched earlier than it was"),
        );
    }
    let moved = match (&old.drain, &new.drain) {
        (Some(old), Some(new)) => {
            Wall::from_time(&new.requested_at) < Wall::from_time(&old.requested_at)
        }
        (None, Some(new)) => now.since(Wall::from_time(&new.requested_at)) > JUST_NOW_MS,
        _ => false,
    };
    if moved {
        run.refuse_plan(
            Rule::S1,
            format!("the record of {name} would have its drain begin earlier than it did"),
        );
    }
    if timeless(old) == timeless(new) {
        run.refuse_plan(
            Rule::S10,
            format!("the record of {name} would be written anew with nothing but other times"),
        );
    }
}

fn timeless(status: &OpenViduNodeStatus) -> OpenViduNodeStatus {
    let mut status = status.clone();
    status.since = None;
    status.occupancy_at = None;
    for condition in &mut status.conditions {
        condition.last_transition_time = still::epoch();
    }
    status
}
