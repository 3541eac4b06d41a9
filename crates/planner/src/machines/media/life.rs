//! One media machine: its next step, and how it ends.

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::node::{DrainCause, NodePhase, SignalState};
use ovo_model::{Cause, EventType, MediaState, Op};

use super::left;
use crate::bugs::Bug;
use crate::draft::Draft;
use crate::group::past_deadline;
use crate::machines::signal;
use crate::machines::state::{State, unhealthy};
use crate::occupancy::{Busy, FRESH_MS};
use crate::view::{NodeView, View};

/// The next step in one machine's life.
pub(super) fn advance(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let state = State::of(view, draft, node);
    if view.bugs.has(Bug::EndWithoutClosing) && state == State::Serving && draft.draining(node) {
        return stop(view, draft, node, Cause::ScaleIn, "empty".to_owned());
    }
    let untyped = view.bugs.has(Bug::ForceUntyped) && node.annotation(annotations::FORCE).is_some();
    if (node.forced() || untyped) && state.may_run() && state != State::Silent {
        draft.drain(
            view,
            node,
            DrainCause::Requested,
            "forced by its typed name",
        );
        return stop(
            view,
            draft,
            node,
            Cause::Force,
            "forced by its typed name".to_owned(),
        );
    }
    if state == State::Failed && !draft.draining(node) {
        return repair(view, draft, node);
    }
    if state == State::Half && !draft.draining(node) {
        let started = draft.steps.iter().any(|s| {
            s.op == Op::Start {
                node: node.name.clone(),
            }
        });
        let held = draft.repair_held.filter(|_| !view.tearing_down());
        if let Some(held) = held.filter(|_| !started) {
            draft.wait(format!("stop {}", node.name), held);
        } else if !started {
            // Enabled, it would come up with the next reboot although nobody asked for it.
            let cause = if view.tearing_down() {
                Cause::Deletion
            } else {
                Cause::Remediation
            };
            stop(
                view,
                draft,
                node,
                cause,
                "a start or stop of it ended half-way".to_owned(),
            );
        }
        return;
    }
    if state == State::Stopped && !node.listed {
        return uninstall(view, draft, node, Cause::ScaleIn);
    }
    if matches!(state, State::Bare | State::Installing) && (!node.listed || node.deleted_by_user())
    {
        draft.forget(node);
        return;
    }
    if state == State::Stopped && node.deleted_by_user() {
        draft.forget(node);
        draft.event(
            EventType::Normal,
            "NodeReplaced",
            Some(&node.name),
            "ended; its record is made anew",
        );
        return;
    }
    if !draft.draining(node) {
        return;
    }
    match state {
        State::Serving | State::Starting | State::Unsure | State::Closed | State::Failed => {
            signal::plan(view, draft, node);
            let requested = draft
                .records
                .get(node)
                .drain
                .as_ref()
                .map_or(0, |d| d.requested_at.0.as_millisecond());
            if past_deadline(view, requested) && state == State::Closed {
                return stop(
                    view,
                    draft,
                    node,
                    Cause::Force,
                    "its deadline to drain has passed".to_owned(),
                );
            }
            if view.bugs.has(Bug::EndWhileOccupied) && state == State::Closed {
                return stop(view, draft, node, Cause::ScaleIn, "closed".to_owned());
            }
            if (view.bugs.has(Bug::MissingIsZero) || view.bugs.has(Bug::StaleCounts))
                && state == State::Closed
                && view.busy(node, FRESH_MS, None) == Busy::Zero
            {
                return stop(view, draft, node, Cause::ScaleIn, "empty".to_owned());
            }
            draft.wait(
                format!("media node {} to empty", node.name),
                left(view, node),
            );
        }
        State::Exited => end_when_settled(view, draft, node),
        State::Silent => draft.wait(
            format!("media node {} to empty", node.name),
            "it does not answer",
        ),
        State::Bare | State::Installing | State::Stopped | State::Half => {}
    }
}

/// Stops what came down by itself or never joined; the pool starts another one.
fn repair(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
    if draft.remediation_stopped.is_some() || !unhealthy(view, draft, node, State::Failed) {
        return;
    }
    if let Some(held) = draft.repair_held.filter(|_| !view.tearing_down()) {
        return draft.wait(format!("stop {}", node.name), held);
    }
    let runs = node
        .observed
        .is_none_or(|o| o.running_drained().is_none_or(|mut r| r.next().is_some()));
    // What still runs there may be anything but a conversation, and yet: nothing is stopped during a drain.
    if runs && let Some(draining) = view.draining_alive() {
        return draft.wait(
            format!("stop {}", node.name),
            format!("{draining} is draining"),
        );
    }
    stop(
        view,
        draft,
        node,
        Cause::Remediation,
        "it came down, or never joined".to_owned(),
    );
}

/// Stops what has exited by itself, once every source has said zero after the settle time (rule S1).
fn end_when_settled(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let settle = view.snap.profile.settle_ms;
    let what = format!("stop {}", node.name);
    let Some(closed) = node.readings.and_then(|r| r.closed_since) else {
        draft.look(1_000);
        return draft.wait(what, "its closing to be seen");
    };
    let settled = ovo_model::Mono(closed.0 + settle);
    let since = view.snap.now.mono.since(closed);
    if since < settle {
        draft.look(settle - since);
        return draft.wait(what, "readings after its closing");
    }
    let read = view.snap.profile.occupancy.iter().all(|source| {
        node.readings
            .and_then(|r| r.newest(*source))
            .is_some_and(|r| {
                r.at >= settled
                    && r.occupancy.is_zero()
                    && view.snap.now.mono.since(r.at) <= FRESH_MS
            })
    });
    if !read {
        draft.look(1_000);
        return draft.wait(what, "every source to say that nothing runs there");
    }
    stop(
        view,
        draft,
        node,
        cause(draft, node),
        "closed, empty, and its containers have exited".to_owned(),
    );
}

fn cause(draft: &Draft<'_>, node: &NodeView<'_>) -> Cause {
    match draft.records.get(node).drain.as_ref().map(|d| d.cause) {
        Some(DrainCause::ClusterDeleted | DrainCause::NodeDeleted) => Cause::Deletion,
        _ => Cause::ScaleIn,
    }
}

fn stop(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>, cause: Cause, why: String) {
    let op = Op::Stop {
        node: node.name.clone(),
    };
    draft
        .steps
        .push(view.step(op, ActKind::End, Some(Role::Media), cause, why));
}

pub(super) fn uninstall(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>, cause: Cause) {
    let op = Op::Uninstall {
        node: node.name.clone(),
    };
    let why = if node.listed {
        "the cluster is being deleted"
    } else {
        "its machine was taken off the list"
    };
    draft.steps.push(view.step(
        op,
        ActKind::Uninstall,
        Some(Role::Media),
        cause,
        why.to_owned(),
    ));
}

/// Whether the drain of a stopped machine is over.
pub(crate) fn finish(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let Some(drain) = draft.record(node).drain.take() else {
        return;
    };
    let sent = drain
        .signals
        .iter()
        .filter(|s| s.state == SignalState::Sent)
        .count();
    let record = draft.record(node);
    record.launched_at = None;
    record.joined_at = None;
    record.unhealthy_since = None;
    draft.event(
        EventType::Normal,
        "NodeDrained",
        Some(&node.name),
        format!("stopped and standing by; {sent} signals sent"),
    );
    draft.phase(view, node, NodePhase::Standby, "installed and stopped");
}

/// Whether the node itself says that it is closed.
pub(crate) fn closed(node: &NodeView<'_>) -> bool {
    node.observed.is_some_and(|o| {
        matches!(
            o.media,
            MediaState::Closed | MediaState::Leaving | MediaState::Canceled
        )
    })
}
