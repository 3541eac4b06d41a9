//! Phases of machines.

use ovo_api::act::Role;
use ovo_api::node::NodePhase;
use ovo_model::EventType;

use crate::draft::Draft;
use crate::machines::masters::joined as master_joined;
use crate::machines::media::{closed, finish};
use crate::machines::state::State;
use crate::view::{NodeView, View};

/// Brings every record to where its machine was seen to stand.
pub(crate) fn update(view: &View<'_>, draft: &mut Draft<'_>) {
    for node in view.nodes.values() {
        let state = State::of(view, draft, node);
        troubles(view, draft, node, state);
        if state == State::Stopped && draft.draining(node) && node.role == Role::Media {
            finish(view, draft, node);
            continue;
        }
        if matches!(state, State::Stopped)
            && draft.records.get(node).launched_at.is_some()
            && !starting(view, draft, node)
        {
            // Stopped by us or by hand: its next life starts anew.
            let record = draft.record(node);
            record.launched_at = None;
            record.joined_at = None;
        }
        let joined = match node.role {
            Role::Master => master_joined(node),
            _ => matches!(state, State::Serving) || (closed(node) && state == State::Closed),
        };
        if joined && draft.records.get(node).joined_at.is_none() {
            draft.record(node).joined_at = Some(view.snap.now.wall.to_time());
            draft.event(
                EventType::Normal,
                "NodeJoined",
                Some(&node.name),
                "takes part in the cluster",
            );
        }
        if joined && draft.records.get(node).launched_at.is_none() {
            draft.record(node).launched_at = Some(view.snap.now.wall.to_time());
        }
        let (phase, why) = phase(view, draft, node, state);
        draft.phase(view, node, phase, why);
    }
}

/// A start that was asked for a moment ago may not show yet.
fn starting(view: &View<'_>, draft: &Draft<'_>, node: &NodeView<'_>) -> bool {
    let record = draft.records.get(node);
    record.joined_at.is_none()
        && record
            .launched_at
            .as_ref()
            .is_some_and(|t| view.snap.now.wall.since(ovo_model::Wall::from_time(t)) < 60_000)
}

fn troubles(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>, state: State) {
    let record = draft.records.get(node);
    let in_service = record.launched_at.is_some();
    let trouble = match node.role {
        Role::Media => matches!(state, State::Silent | State::Unsure | State::Failed),
        _ => matches!(state, State::Silent) || node.observed.is_some_and(|o| !o.healthy),
    };
    match (trouble && in_service, record.unhealthy_since.is_some()) {
        (true, false) => {
            draft.record(node).unhealthy_since = Some(view.snap.now.wall.to_time());
        }
        // A stopped node keeps the mark of its last failure, so that others are started first.
        (false, true) if !matches!(state, State::Stopped | State::Silent) => {
            draft.record(node).unhealthy_since = None;
        }
        _ => {}
    }
}

fn phase(
    view: &View<'_>,
    draft: &Draft<'_>,
    node: &NodeView<'_>,
    state: State,
) -> (NodePhase, String) {
    let progress = || {
        node.machine
            .and_then(|m| m.progress.clone())
            .unwrap_or_default()
    };
    let drain = draft.records.get(node).drain.as_ref();
    if node.role != Role::Media {
        let healthy = node.observed.is_some_and(|o| o.healthy);
        return match state {
            State::Silent => (NodePhase::Unreachable, "it does not answer".to_owned()),
            State::Bare => (NodePhase::Pending, "nothing of ours is on it".to_owned()),
            State::Installing => (NodePhase::Launching, progress()),
            State::Stopped => (NodePhase::Standby, "installed and stopped".to_owned()),
            State::Half => (
                NodePhase::Standby,
                "installed and stopped half-way".to_owned(),
            ),
            _ if healthy => (NodePhase::Serving, String::new()),
            _ => (NodePhase::Joining, "is not healthy yet".to_owned()),
        };
    }
    match state {
        State::Silent
            if node.record.is_none()
                || !node.listed && node.observed.is_none() && view.complete =>
        {
            (NodePhase::Pending, "it has not answered yet".to_owned())
        }
        State::Silent => (NodePhase::Unreachable, "it does not answer".to_owned()),
        State::Bare => (NodePhase::Pending, "nothing of ours is on it".to_owned()),
        State::Installing => (NodePhase::Launching, progress()),
        State::Half => (
            NodePhase::Standby,
            "installed and stopped half-way".to_owned(),
        ),
        State::Stopped => (NodePhase::Standby, "installed and stopped".to_owned()),
        State::Exited => (NodePhase::Drained, "its containers have exited".to_owned()),
        _ if let Some(drain) = drain => (NodePhase::Draining, drain.reason.clone()),
        State::Starting => (NodePhase::Joining, "starts".to_owned()),
        State::Serving => (NodePhase::Serving, String::new()),
        State::Unsure => (
            node.phase(),
            "nobody could say whether it takes sessions".to_owned(),
        ),
        State::Closed => (NodePhase::Draining, "closed".to_owned()),
        State::Failed => (
            NodePhase::Failed,
            "came down, or did not join in time".to_owned(),
        ),
    }
}
