//! Drains that people and lists ask for.

use ovo_api::act::Role;
use ovo_api::annotations;
use ovo_api::node::DrainCause;
use ovo_model::EventType;

use crate::draft::Draft;
use crate::machines::signal;
use crate::machines::state::State;
use crate::view::{NodeView, View};

/// Drains that people and lists ask for.
pub(super) fn answer_requests(view: &View<'_>, draft: &mut Draft<'_>) {
    let mut closing = view.role(Role::Media).filter(|n| draft.draining(n)).count();
    let concurrent = usize::try_from(view.spec.media.max_concurrent()).unwrap_or(1);
    for node in view.role(Role::Media) {
        let state = State::of(view, draft, node);
        if draft.draining(node) {
            undrain(draft, node);
            signal::void(draft, node);
            continue;
        }
        if matches!(state, State::Closed) {
            draft.drain(view, node, DrainCause::Foreign, "somebody else closed it");
            closing += 1;
            continue;
        }
        if !state.may_run() {
            continue;
        }
        if let Some(reason) = node.annotation(annotations::DRAIN) {
            draft.drain(
                view,
                node,
                DrainCause::Requested,
                format!("a person asked for it: {reason}"),
            );
            closing += 1;
        } else if node.deleted_by_user() || !node.listed {
            if closing >= concurrent {
                draft.wait(
                    format!("drain {}", node.name),
                    format!("{closing} media nodes are draining"),
                );
                continue;
            }
            let (cause, why) = if node.listed {
                (DrainCause::NodeDeleted, "its object was deleted")
            } else {
                (DrainCause::Removed, "its machine was taken off the list")
            };
            draft.drain(view, node, cause, why);
            closing += 1;
        }
    }
}

/// Takes a requested drain back as long as no signal can have gone out.
fn undrain(draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let asked = node.annotation(annotations::DRAIN).is_some();
    let drain = draft.records.get(node).drain.as_ref();
    let back =
        drain.is_some_and(|d| d.cause == DrainCause::Requested && !asked && d.signals.is_empty());
    if back {
        draft.record(node).drain = None;
        draft.event(
            EventType::Normal,
            "NodeRevived",
            Some(&node.name),
            "the request to drain it was taken back",
        );
    }
}
