//! Master machines.

use ovo_api::act::{ActKind, Role};
use ovo_model::{Cause, MediaState, Op, Stage};

use crate::draft::Draft;
use crate::group;
use crate::machines::state::State;
use crate::view::{MACHINE, NodeView, View};

/// Starts the masters that are stopped, once all are installed and what they need is there.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    group::keep_masters(view, draft);
    let missing = view
        .snap
        .desired
        .iter()
        .filter(|r| {
            r.id.kind != MACHINE
                && matches!(r.stage, Stage::Foundation | Stage::State | Stage::Config)
        })
        .find(|r| !view.ready(&r.id));
    for node in view.role(Role::Master).filter(|n| n.listed) {
        if !matches!(State::of(view, draft, node), State::Stopped | State::Half) {
            continue;
        }
        let what = format!("start {}", node.name);
        if let Some(missing) = missing {
            draft.wait(what, missing.id.to_string());
            continue;
        }
        // They wait for each other: with one missing at the first start, none comes up.
        if let Some(bare) = never_installed(view, draft) {
            draft.wait(what, format!("{bare} to be installed"));
            continue;
        }
        let op = Op::Start {
            node: node.name.clone(),
        };
        let why = "installed and stopped".to_owned();
        draft
            .steps
            .push(view.step(op, ActKind::Start, Some(Role::Master), Cause::Creation, why));
        draft.record(node).launched_at = Some(view.snap.now.wall.to_time());
    }
}

fn never_installed(view: &View<'_>, draft: &Draft<'_>) -> Option<String> {
    view.role(Role::Master)
        .filter(|n| n.listed)
        .find(|n| {
            let joined = draft.records.get(n).joined_at.is_some();
            matches!(State::of(view, draft, n), State::Bare | State::Installing) && !joined
        })
        .map(|n| n.name.to_string())
}

/// How many masters are healthy.
pub(crate) fn healthy(view: &View<'_>) -> usize {
    view.role(Role::Master)
        .filter(|n| n.observed.is_some_and(|o| o.healthy))
        .count()
}

/// Stops and clears the masters, once no media node is left.
pub(crate) fn teardown(view: &View<'_>, draft: &mut Draft<'_>) -> bool {
    let mut left = false;
    for node in view.role(Role::Master) {
        left |= remove(view, draft, node);
    }
    left
}

/// Takes one master away as far as it can be now; whether something is left of it.
fn remove(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) -> bool {
    let state = State::of(view, draft, node);
    let op = match state {
        State::Silent => {
            draft.wait(format!("take {} away", node.name), "it does not answer");
            return true;
        }
        State::Bare => {
            draft.forget(node);
            return false;
        }
        State::Installing => {
            draft.wait(
                format!("take {} away", node.name),
                "its installation to end",
            );
            return true;
        }
        State::Stopped => Op::Uninstall {
            node: node.name.clone(),
        },
        _ => Op::Stop {
            node: node.name.clone(),
        },
    };
    let act = if matches!(op, Op::Stop { .. }) {
        ActKind::End
    } else {
        ActKind::Uninstall
    };
    let step = view.step(
        op,
        act,
        Some(Role::Master),
        Cause::Deletion,
        "the cluster is being deleted".to_owned(),
    );
    match view.gate(&step) {
        Ok(()) => draft.steps.push(step),
        Err(waits_for) => draft.wait(format!("take {} away", node.name), waits_for),
    }
    true
}

/// Whether a master counts as being part of the cluster.
pub(crate) fn joined(node: &NodeView<'_>) -> bool {
    node.observed
        .is_some_and(|o| o.healthy || o.media == MediaState::Serving)
}
