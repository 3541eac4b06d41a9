//! Media machines: a pool of which some serve.

mod life;
mod requests;
mod size;

use ovo_api::act::Role;
use ovo_api::node::{DrainCause, NodePhase};
use ovo_model::Cause;

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::group::wanted;
use crate::machines::state::State;
use crate::occupancy::{Busy, FRESH_MS, words};
use crate::view::{NodeView, View};

use life::{advance, uninstall};
pub(crate) use life::{closed, finish};
use requests::answer_requests;
use size::size;

/// Sizes the pool, drains who should go, ends who is empty.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    let paused = view.spec.paused() && !view.bugs.has(Bug::NoPause);
    if paused {
        told_of_pause(view, draft);
    } else {
        answer_requests(view, draft);
        size(view, draft);
    }
    for node in view.role(Role::Media) {
        advance(view, draft, node);
    }
}

/// Nothing is begun; what is wanted is told all the same, or a size that was never reached would count as reached.
fn told_of_pause(view: &View<'_>, draft: &mut Draft<'_>) {
    draft.target = i32::try_from(wanted(view, Role::Media)).unwrap_or(i32::MAX);
    let serves = |n: &&NodeView<'_>| draft.records.get(n).phase == NodePhase::Serving;
    let serving = view.role(Role::Media).filter(serves).count();
    if i32::try_from(serving) != Ok(draft.target) {
        let step = format!("go from {serving} to {} media nodes", draft.target);
        draft.wait(step, "spec.paused to become false");
    }
}

/// Closes all media machines at once and takes each away when it is empty. Whether something is left.
pub(crate) fn teardown(view: &View<'_>, draft: &mut Draft<'_>) -> bool {
    let mut left = false;
    for node in view.role(Role::Media) {
        match State::of(view, draft, node) {
            State::Bare => draft.forget(node),
            State::Half => {
                left = true;
                advance(view, draft, node);
            }
            State::Stopped => {
                left = true;
                uninstall(view, draft, node, Cause::Deletion);
            }
            State::Installing => {
                left = true;
                draft.wait(
                    format!("take {} away", node.name),
                    "its installation to end",
                );
            }
            State::Silent => {
                left = true;
                draft.wait(format!("take {} away", node.name), "it does not answer");
            }
            _ => {
                left = true;
                draft.drain(
                    view,
                    node,
                    DrainCause::ClusterDeleted,
                    "the cluster is being deleted",
                );
                advance(view, draft, node);
            }
        }
    }
    left
}

/// What a draining node still holds, in words.
fn left(view: &View<'_>, node: &NodeView<'_>) -> String {
    match view.busy(node, FRESH_MS, None) {
        Busy::Zero => "nothing left".to_owned(),
        Busy::Occupied(occupancy) => format!("{} left", words(&occupancy)),
        Busy::Unknown(why) => why,
    }
}
