//! Media machines: a pool of which some serve.

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::node::{DrainCause, NodePhase, SignalState};
use ovo_model::{Cause, EventType, MediaState, Op};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::group::{in_grace_is_over, past_deadline, remediation_cap, wanted};
use crate::machines::masters::healthy;
use crate::machines::signal;
use crate::machines::state::{State, unhealthy};
use crate::occupancy::{Busy, FRESH_MS, words};
use crate::view::{NodeView, View};

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

/// Drains that people and lists ask for.
fn answer_requests(view: &View<'_>, draft: &mut Draft<'_>) {
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

/// How many serve, and who should.
fn size(view: &View<'_>, draft: &mut Draft<'_>) {
    let target = usize::try_from(wanted(view, Role::Media)).unwrap_or(0);
    draft.target = i32::try_from(target).unwrap_or(i32::MAX);
    let (mut takers, mut serving, mut standby) = (0_usize, Vec::new(), Vec::new());
    let (mut sick, mut troubled, mut closing) = (0_usize, 0_usize, 0_usize);
    // What a cautious look takes for ill, and of how many.
    let (mut doubtful, mut whole) = (0_usize, 0_usize);
    let mut up = Up::default();
    for node in view.role(Role::Media) {
        let state = State::of(view, draft, node);
        let told_to_run = draft.records.get(node).launched_at.is_some();
        let in_service = state.may_run() && (told_to_run || state != State::Silent);
        // Half started it may come up at any moment: until it is started or stopped whole it counts as up.
        let half = state == State::Half && !draft.draining(node);
        up.present += usize::from(in_service || half);
        up.open += usize::from(half);
        if half || in_service && !draft.draining(node) {
            whole += 1;
            doubtful += usize::from(state.is_doubtful(node));
        }
        if in_service {
            let may_take = !matches!(state, State::Closed | State::Exited | State::Failed);
            up.open += usize::from(may_take && !draft.draining(node));
            let trouble = matches!(state, State::Silent | State::Unsure | State::Failed);
            troubled += usize::from(trouble && !draft.draining(node));
            if draft.draining(node) {
                closing += 1;
            } else if unhealthy(view, draft, node, state) {
                sick += 1;
            } else if state != State::Closed {
                takers += 1;
            }
        }
        match state {
            State::Serving if !draft.draining(node) => serving.push(node),
            State::Stopped | State::Half
                if node.listed && !node.deleted_by_user() && !draft.draining(node) =>
            {
                let asked = node.annotation(annotations::DRAIN).is_some();
                let current = node.machine.is_some();
                if !asked && current {
                    standby.push(node);
                }
            }
            _ => {}
        }
    }
    let cap = remediation_cap(view, takers + sick);
    let capped = !view.bugs.has(Bug::NoRemediationCap);
    let stopped = troubled > cap && capped;
    if stopped || capped && doubtful > remediation_cap(view, whole) {
        // Some only since a moment ago: how many stay so is seen soon.
        draft.repair_held = Some("fewer media nodes to be in trouble");
    }
    if sick > cap && capped {
        draft.remediation_stopped = Some(format!(
            "{sick} of {} media nodes are unhealthy, more than {cap} may be replaced; look at the network, the masters \
             and Redis",
            takers + sick
        ));
    }
    let counted = takers + if stopped { sick } else { 0 };
    if counted < target {
        grow(view, draft, target - counted, up, &mut standby);
    } else if takers > target {
        shrink(view, draft, takers - target, closing, &serving);
    }
}

/// Media nodes that are there.
#[derive(Clone, Copy, Default)]
struct Up {
    /// Run, or may: draining and silent ones too. They count against max and surge together.
    present: usize,
    /// Take new sessions, or may: silent ones too. They count against max.
    open: usize,
}

fn grow(
    view: &View<'_>,
    draft: &mut Draft<'_>,
    need: usize,
    there: Up,
    standby: &mut Vec<&NodeView<'_>>,
) {
    let number = |n: i32| usize::try_from(n).unwrap_or(0);
    let off_by_one = usize::from(view.bugs.has(Bug::OffByOne));
    let most = number(view.spec.media.max());
    let limit = most + number(view.spec.media.max_surge()) + off_by_one;
    let room = if view.bugs.has(Bug::NoLimit) {
        usize::MAX
    } else {
        (limit.saturating_sub(there.present)).min((most + off_by_one).saturating_sub(there.open))
    };
    let quorum = view
        .snap
        .profile
        .quorum
        .of(view.role(Role::Master).filter(|n| n.listed).count());
    let up = healthy(view);
    if up < quorum {
        return draft.wait(
            "start media nodes",
            format!("{up} of {quorum} masters that it takes are healthy"),
        );
    }
    // Who failed last time comes last.
    standby.sort_by_key(|n| {
        (
            draft.records.get(n).unhealthy_since.as_ref().map(|t| t.0),
            n.name.clone(),
        )
    });
    let starts = need.min(room).min(standby.len());
    for node in standby.iter().take(starts) {
        let op = Op::Start {
            node: node.name.clone(),
        };
        let why = format!("{need} more media nodes are wanted");
        draft
            .steps
            .push(view.step(op, ActKind::Start, Some(Role::Media), Cause::Growth, why));
        let record = draft.record(node);
        record.launched_at = Some(view.snap.now.wall.to_time());
        record.joined_at = None;
        record.unhealthy_since = None;
    }
    if starts == need {
        return;
    }
    let reason = if room < need.min(standby.len()) {
        let holding: Vec<String> = view
            .role(Role::Media)
            .filter(|n| draft.draining(n))
            .map(|n| format!("{} ({})", n.name, left(view, n)))
            .collect();
        format!(
            "max and surge allow {limit} nodes; draining: {}",
            holding.join(", ")
        )
    } else {
        format!(
            "{} more machines with role Media are needed under spec.infrastructure.onPrem.machines",
            need - starts
        )
    };
    draft.capacity_limited = Some(reason);
}

/// What a draining node still holds, in words.
fn left(view: &View<'_>, node: &NodeView<'_>) -> String {
    match view.busy(node, FRESH_MS, None) {
        Busy::Zero => "nothing left".to_owned(),
        Busy::Occupied(occupancy) => format!("{} left", words(&occupancy)),
        Busy::Unknown(why) => why,
    }
}

fn shrink(
    view: &View<'_>,
    draft: &mut Draft<'_>,
    excess: usize,
    closing: usize,
    serving: &[&NodeView<'_>],
) {
    let concurrent = usize::try_from(view.spec.media.max_concurrent()).unwrap_or(1);
    let allowed = excess.min(concurrent.saturating_sub(closing));
    if allowed == 0 {
        return draft.wait("scale in", format!("{closing} media nodes are draining"));
    }
    let grace = |n: &NodeView<'_>| in_grace_is_over(view, n) || view.bugs.has(Bug::NoGrace);
    if let Some(unwatched) = serving
        .iter()
        .find(|n| !view.full_window(n) && !view.bugs.has(Bug::NoGrace))
    {
        return draft.wait(
            "scale in",
            format!("a full window of readings of {}", unwatched.name),
        );
    }
    let mut candidates: Vec<_> = serving
        .iter()
        .filter(|n| grace(n) && !n.protected_by_user())
        .filter_map(|n| match view.busy(n, FRESH_MS, None) {
            Busy::Zero => Some((0, 0, n)),
            Busy::Occupied(o) => Some((o.total(), o.rooms, n)),
            Busy::Unknown(_) => None,
        })
        .collect();
    candidates.sort_by(|a, b| (a.0, a.1, &b.2.name).cmp(&(b.0, b.1, &a.2.name)));
    if candidates.is_empty() {
        return draft.wait(
            "scale in",
            "a media node that may be closed: all are new, protected or unknown",
        );
    }
    for (people, rooms, node) in candidates.into_iter().take(allowed) {
        let why = format!(
            "{} media nodes are wanted; it holds the fewest: {rooms} rooms, {people} people",
            draft.target
        );
        draft.drain(view, node, DrainCause::ScaleIn, why);
    }
    // Of fewer nodes fewer may be ill: whether they still may be replaced is asked once these drain.
    draft
        .repair_held
        .get_or_insert("the drains that begin now to be on record");
}

/// The next step in one machine's life.
fn advance(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
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

fn uninstall(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>, cause: Cause) {
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
