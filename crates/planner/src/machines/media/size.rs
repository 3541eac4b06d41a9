//! How many media machines serve: who is started, and who is chosen to go.

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::node::DrainCause;
use ovo_model::{Cause, Op};

use super::left;
use crate::bugs::Bug;
use crate::draft::Draft;
use crate::group::{in_grace_is_over, remediation_cap, wanted};
use crate::machines::masters::healthy;
use crate::machines::state::{State, unhealthy};
use crate::occupancy::{Busy, FRESH_MS};
use crate::view::{NodeView, View};

/// How many serve, and who should.
pub(super) fn size(view: &View<'_>, draft: &mut Draft<'_>) {
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
            let begins = draft.draining(node) && !node.drains_on_record();
            up.open += usize::from(may_take && (begins || !draft.draining(node)));
            up.beginning += usize::from(may_take && begins);
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
    /// Of these, the ones whose drain begins with this plan. Its signal may have to wait for something else in the
    /// plan, or for a person: until the drain is on record it makes no room.
    beginning: usize,
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
    if there.beginning > 0 && room < need.min(standby.len()) {
        draft.look(1_000);
        return draft.wait(
            "start media nodes",
            "the drains that begin now to be on record",
        );
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
