//! Rule S4: the drain signal, once to each start of each container; and who may be closed at all.

use std::collections::BTreeSet;

use ovo_api::annotations;
use ovo_api::node::{DrainCause, NodePhase, SignalRecord, SignalState};
use ovo_model::{Container, ContainerRef, MediaState, NodeName, Op, Presence, Step};

use super::node::Node;
use super::{Rule, Run};

/// The container whose state a media node of OpenVidu 3 tells: the one that a second signal kills.
const SERVER: &str = "openvidu";

pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step) {
    let Op::Signal {
        node: name,
        containers,
    } = &step.op
    else {
        return;
    };
    let Some(node) = run.facts.node(name) else {
        return;
    };
    let Some(observed) = node.observed.filter(|o| o.presence == Presence::Running) else {
        return run.refuse(
            Rule::S4,
            step,
            format!("{name} is not seen to run: who got a signal is not known"),
        );
    };
    let Some(there) = &observed.containers else {
        return run.refuse(
            Rule::S4,
            step,
            format!("{name}: its containers could not be listed"),
        );
    };
    if !drains(run, step, node) || containers.is_empty() {
        return run.refuse(
            Rule::S4,
            step,
            format!("{name} has no record of a drain with signals to send"),
        );
    }
    let mut seen = BTreeSet::new();
    for target in containers {
        if !seen.insert(target) {
            run.refuse(
                Rule::S4,
                step,
                format!(
                    "{name}: {} is named twice; a second signal kills",
                    target.name
                ),
            );
        }
        let Some(container) = there.iter().find(|c| is(c, target)) else {
            let text = format!(
                "{name}: no start of {} with id {} at {}",
                target.name, target.id, target.started_at
            );
            run.refuse(Rule::S4, step, text);
            continue;
        };
        one(run, step, name, container, observed.media);
    }
    let left_out = |c: &&Container| due(run, name, c) && !containers.iter().any(|t| is(c, t));
    let left_out: Vec<&Container> = there.iter().filter(left_out).collect();
    for left_out in left_out {
        let text = format!(
            "{name}: {} is due too and would be left open",
            left_out.name
        );
        run.refuse(Rule::S4, step, text);
    }
}

fn one(
    run: &mut Run<'_, '_>,
    step: &Step,
    node: &NodeName,
    container: &Container,
    media: MediaState,
) {
    let name = &container.name;
    if !container.running || !container.drained {
        run.refuse(
            Rule::S4,
            step,
            format!("{node}: {name} does not run, or takes no drain signal"),
        );
    }
    if container.revived_by_engine {
        run.refuse(
            Rule::S4,
            step,
            format!("{node}: its engine would start {name} again after the signal"),
        );
    }
    if let Some(marker) = container.marker {
        let text = format!(
            "{node}: {name} has a marker, {} ms old; a second signal kills",
            marker.age_ms
        );
        run.refuse(Rule::S4, step, text);
    }
    if name == SERVER
        && matches!(
            media,
            MediaState::Closed | MediaState::Leaving | MediaState::Unknown
        )
    {
        let text = format!(
            "{node}: {name} may be closed already (it says {media:?}); a second signal kills"
        );
        run.refuse(Rule::S4, step, text);
    }
    // What was stored before this plan counts as well: a plan must not forget what was sent.
    let stored = run
        .facts
        .node(node)
        .and_then(Node::drain)
        .map(|d| d.signals.as_slice());
    let written = run
        .record(node)
        .and_then(|r| r.drain.as_ref())
        .map(|d| d.signals.as_slice());
    let state = |list: Option<&[SignalRecord]>| {
        list.unwrap_or_default()
            .iter()
            .find(|s| records(s, container))
            .map(|s| s.state)
    };
    match (state(stored), state(written)) {
        (None | Some(SignalState::Intended), Some(SignalState::Intended)) => {}
        (Some(sent @ (SignalState::Sent | SignalState::Unconfirmed)), _) | (_, Some(sent)) => {
            run.refuse(
                Rule::S4,
                step,
                format!("{node}: the signal to {name} is recorded as {sent:?}"),
            );
        }
        (_, None) => {
            run.refuse(
                Rule::S4,
                step,
                format!("{node}: no signal to {name} is recorded as intended"),
            );
        }
    }
}

/// The record says that the node drains, and why it does is true.
fn drains(run: &mut Run<'_, '_>, step: &Step, node: &Node<'_>) -> bool {
    let name = NodeName::from(node.name);
    let Some(drain) = run
        .record(&name)
        .filter(|r| r.phase == NodePhase::Draining)
        .and_then(|r| r.drain.as_ref())
    else {
        return false;
    };
    if begun(node) {
        return true;
    }
    let true_cause = match drain.cause {
        DrainCause::ScaleIn => true,
        DrainCause::Requested => node.annotation(annotations::DRAIN).is_some(),
        DrainCause::Removed => !node.listed,
        DrainCause::NodeDeleted => node.object_deleted() && !run.facts.deleting,
        DrainCause::ClusterDeleted => run.facts.tearing_down(),
        DrainCause::Foreign => false,
    };
    if !true_cause {
        let text = format!(
            "{}: nothing shows that it should drain because of {:?}",
            node.name, drain.cause
        );
        run.refuse(Rule::S2, step, text);
    }
    true
}

/// A signal has reached the node: half a drain is carried on, whatever changed meanwhile.
pub(super) fn begun(node: &Node<'_>) -> bool {
    let marked = node.observed.and_then(|o| o.containers.as_ref());
    node.closed()
        || marked.is_some_and(|list| list.iter().any(|c| c.marker.is_some()))
        || node
            .drain()
            .is_some_and(|d| d.signals.iter().any(|s| s.state != SignalState::Intended))
}

/// A running container whose signal is recorded as intended and has not been sent.
fn due(run: &Run<'_, '_>, node: &NodeName, container: &Container) -> bool {
    let signals = run
        .record(node)
        .and_then(|r| r.drain.as_ref())
        .map(|d| d.signals.as_slice());
    container.running
        && container.drained
        && container.marker.is_none()
        && signals
            .unwrap_or_default()
            .iter()
            .any(|s| records(s, container) && s.state == SignalState::Intended)
}

fn is(container: &Container, target: &ContainerRef) -> bool {
    container.name == target.name
        && container.id == target.id
        && container.started_at == target.started_at
}

/// Whether a record speaks of this start of this container.
pub(super) fn records(record: &SignalRecord, container: &Container) -> bool {
    record.container_id == container.id && record.started_at == container.started_at
}
