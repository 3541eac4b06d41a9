//! Groups that launch and end instances by a desired capacity (OpenVidu 2 on AWS).
//!
//! OpenVidu's masters close, empty and release media nodes when the capacity is below the number of instances;
//! we lower it, and watch. The only other act on a member is the end of one that never joined.

use ovo_api::act::{ActKind, Role};
use ovo_api::node::{DrainCause, NodePhase};
use ovo_api::spec::{AtDeadline, AutoscalingMode};
use ovo_model::{
    Cause, EventType, MediaState, Millis, NodeName, Op, Owner, Presence, ResourceId, Scalar, Wall,
};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::gate::restarting;
use crate::view::{NodeView, View};

/// A new node counts for scale-in only when it has been part of the cluster for this long (rule S5).
pub(crate) const GRACE_MS: Millis = 120_000;
/// A node that has not joined after this long never will.
pub(crate) const JOIN_LIMIT_MS: Millis = 900_000;

/// The capacity that a group should have.
pub(crate) fn wanted(view: &View<'_>, role: Role) -> i64 {
    let spec = view.spec;
    i64::from(match role {
        Role::Master => spec
            .masters
            .desired()
            .clamp(spec.masters.min(), spec.masters.max()),
        _ => spec
            .media
            .replicas()
            .clamp(spec.media.min(), spec.media.max()),
    })
}

fn capacity(view: &View<'_>, id: &ResourceId) -> Option<i64> {
    match view.property(id, "desired") {
        Some(Scalar::Int(n)) => Some(*n),
        _ => None,
    }
}

fn set_capacity(
    view: &View<'_>,
    id: &ResourceId,
    role: Role,
    from: i64,
    to: i64,
    cause: Cause,
    why: String,
) -> ovo_model::Step {
    let act = if to > from {
        ActKind::Grow
    } else {
        ActKind::Shrink
    };
    view.step(
        Op::SetCapacity {
            group: id.clone(),
            from,
            to,
        },
        act,
        Some(role),
        cause,
        why,
    )
}

/// Masters: raised at once, lowered one at a time and only when that cuts nobody or is allowed to.
pub(crate) fn masters(view: &View<'_>, draft: &mut Draft<'_>) {
    let Some(group) = view.group(Role::Master) else {
        return;
    };
    let (Some(now), to) = (capacity(view, &group.id), wanted(view, Role::Master)) else {
        return;
    };
    if now < to {
        let why = format!("{to} masters are declared, the group has {now}");
        draft.steps.push(set_capacity(
            view,
            &group.id,
            Role::Master,
            now,
            to,
            Cause::Growth,
            why,
        ));
    } else if now > to {
        let members = members(view, Role::Master).count();
        if i64::try_from(members).is_ok_and(|m| m > now) {
            return draft.wait(format!("lower {}", group.id), "a master is still leaving");
        }
        let next = if view.bugs.has(Bug::TwoMasters) {
            to.max(now - 2)
        } else {
            now - 1
        };
        let why = format!("{to} masters are declared, the group has {now}");
        let step = set_capacity(
            view,
            &group.id,
            Role::Master,
            now,
            next,
            Cause::Masters,
            why,
        );
        match view.gate(&step) {
            Ok(()) => draft.steps.push(step),
            Err(waits_for) => draft.wait(format!("lower {} to {next}", group.id), waits_for),
        }
    }
}

fn members<'v, 'a>(view: &'v View<'a>, role: Role) -> impl Iterator<Item = &'v NodeView<'a>> {
    view.role(role)
        .filter(|n| n.observed.is_some_and(|o| o.presence != Presence::Gone))
}

/// Quarantined by the masters, leaving, or being ended.
fn closing(node: &NodeView<'_>) -> bool {
    node.observed.is_some_and(|o| {
        o.presence == Presence::Terminating
            || matches!(
                o.media,
                MediaState::Closed | MediaState::Canceled | MediaState::Leaving
            )
    })
}

/// Media nodes.
pub(crate) fn media(view: &View<'_>, draft: &mut Draft<'_>) {
    let Some(group) = view.group(Role::Media) else {
        return;
    };
    let to = wanted(view, Role::Media);
    draft.target = i32::try_from(to).unwrap_or(i32::MAX);
    if !view.scope_known(&group.scope) {
        return;
    }
    let Some(now) = capacity(view, &group.id) else {
        return;
    };
    let provider_decides = view.spec.media.autoscaling.mode() == AutoscalingMode::Provider
        || group
            .properties
            .get("desired")
            .is_some_and(|p| p.owner != Owner::Operator);
    protect(view, draft, &group.id);
    let ended = repair(view, draft);
    answer_requests(view, draft);
    if provider_decides || ended {
        return;
    }
    if now < to {
        let limit = i64::from(view.spec.media.max());
        let next = if view.bugs.has(Bug::NoLimit) {
            to + 3
        } else {
            to.min(limit)
        };
        let why = format!("{to} media nodes are wanted, the group has {now}");
        draft.steps.push(set_capacity(
            view,
            &group.id,
            Role::Media,
            now,
            next,
            Cause::Growth,
            why,
        ));
    } else {
        lower(view, draft, &group.id, now, to);
    }
}

/// Lowers the capacity towards `to` as far as the masters may close nodes at once.
pub(crate) fn lower(view: &View<'_>, draft: &mut Draft<'_>, group: &ResourceId, now: i64, to: i64) {
    let all = i64::try_from(members(view, Role::Media).count()).unwrap_or(i64::MAX);
    let closed =
        i64::try_from(members(view, Role::Media).filter(|n| closing(n)).count()).unwrap_or(0);
    let open = all - closed;
    draft.shrink_unanswered = open > now;
    if draft.shrink_unanswered {
        let since = view
            .status
            .shrink_unanswered_since
            .as_ref()
            .map(Wall::from_time);
        draft.wait(
            "a media node to be closed by OpenVidu's masters",
            format!("{open} are open, {now} are wanted"),
        );
        let waited = since.map_or(0, |s| view.snap.now.wall.since(s));
        draft.look((300_000 - waited).max(1_000));
    }
    if now <= to {
        return;
    }
    let concurrent = if view.tearing_down() {
        i64::MAX
    } else {
        i64::from(view.spec.media.max_concurrent())
    };
    let in_flight = (all - now).max(closed).max(0);
    let step_down = (now - to).min(concurrent.saturating_sub(in_flight));
    let what = format!("lower {group} to {to}");
    if step_down <= 0 {
        return draft.wait(what, format!("{in_flight} media nodes are closing"));
    }
    if restarting(draft) {
        return draft.wait(what, "services to be restarted first");
    }
    if let Some(why_not) = unsafe_to_lower(view, group) {
        return draft.wait(what, why_not);
    }
    let (cause, why) = if view.tearing_down() {
        (Cause::Deletion, "the cluster is being deleted".to_owned())
    } else {
        (
            Cause::ScaleIn,
            format!("{to} media nodes are wanted, the group has {now}"),
        )
    };
    draft.steps.push(set_capacity(
        view,
        group,
        Role::Media,
        now,
        now - step_down,
        cause,
        why,
    ));
}

/// Why lowering the capacity now could end a node that holds somebody.
fn unsafe_to_lower(view: &View<'_>, group: &ResourceId) -> Option<String> {
    if view.property(group, "newInstancesProtected") != Some(&Scalar::Bool(true)) {
        return Some("new instances are not protected from scale-in".to_owned());
    }
    for node in members(view, Role::Media) {
        let Some(observed) = node.observed else {
            continue;
        };
        if closing(node) {
            continue;
        }
        if observed.presence == Presence::Pending && view.bugs.has(Bug::ShrinkWhilePending) {
            continue;
        }
        if observed.presence == Presence::Pending {
            // Protection starts at InService, and a node in its launch hook may already hold rooms.
            return Some(format!(
                "{} is being launched and is not protected yet",
                node.name
            ));
        }
        if observed.presence == Presence::Running && observed.protected != Some(true) {
            return Some(format!("{} is not protected from scale-in", node.name));
        }
        if view.tearing_down() {
            continue;
        }
        if !in_grace_is_over(view, node) && !view.bugs.has(Bug::NoGrace) {
            return Some(format!("{} joined a moment ago", node.name));
        }
        if !view.full_window(node) {
            return Some(format!(
                "{} has not been watched for a full window",
                node.name
            ));
        }
    }
    None
}

/// Whether a node has been part of the cluster for the grace period.
pub(crate) fn in_grace_is_over(view: &View<'_>, node: &NodeView<'_>) -> bool {
    node.record
        .and_then(|r| r.status.as_ref())
        .and_then(|s| s.joined_at.as_ref())
        .is_some_and(|t| view.snap.now.wall.since(Wall::from_time(t)) >= GRACE_MS)
}

/// Members that serve and are not protected are protected: that keeps conversations alive.
pub(crate) fn protect(view: &View<'_>, draft: &mut Draft<'_>, group: &ResourceId) {
    let nodes: Vec<NodeName> = members(view, Role::Media)
        .filter(|n| {
            n.observed.is_some_and(|o| {
                o.presence == Presence::Running
                    && o.media == MediaState::Serving
                    && o.protected == Some(false)
            })
        })
        .map(|n| n.name.clone())
        .collect();
    if nodes.is_empty() {
        return;
    }
    let op = Op::SetProtection {
        group: group.clone(),
        nodes,
        protected: true,
    };
    let why = "serves, and nothing protects it from scale-in".to_owned();
    draft
        .steps
        .push(view.step(op, ActKind::Protect, Some(Role::Media), Cause::Drift, why));
}

/// Ends what never joined and what a person forced; the group launches another one. Whether something was.
pub(crate) fn repair(view: &View<'_>, draft: &mut Draft<'_>) -> bool {
    let mut unhealthy = Vec::new();
    let mut forced = Vec::new();
    let (mut total, mut sick) = (0_usize, 0_usize);
    for node in members(view, Role::Media) {
        let Some(observed) = node.observed else {
            continue;
        };
        if observed.presence == Presence::Terminating {
            continue;
        }
        let record = draft.records.get(node);
        // The cap is one of the nodes that should serve.
        let counts = record.drain.is_none() && !closing(node);
        total += usize::from(counts);
        let overdue = record
            .drain
            .as_ref()
            .is_some_and(|d| past_deadline(view, d.requested_at.0.as_millisecond()));
        if node.forced() || (overdue && closing(node)) {
            forced.push(node);
            continue;
        }
        let launched = record.launched_at.as_ref().map(Wall::from_time);
        let late = launched.is_some_and(|t| view.snap.now.wall.since(t) >= JOIN_LIMIT_MS);
        let never_joined = record.joined_at.is_none()
            && late
            && matches!(
                observed.media,
                MediaState::Absent | MediaState::Failed | MediaState::Launching
            );
        let ill = never_joined
            || observed.presence == Presence::Unreachable
            || observed.media == MediaState::Failed;
        sick += usize::from(ill && counts);
        if never_joined {
            unhealthy.push(node);
        }
    }
    let mut any = false;
    for node in &forced {
        let op = Op::Terminate {
            node: node.name.clone(),
            decrement: false,
        };
        let why = if node.forced() {
            "forced by its typed name"
        } else {
            "its deadline to drain has passed"
        };
        draft.steps.push(view.step(
            op,
            ActKind::End,
            Some(Role::Media),
            Cause::Force,
            why.to_owned(),
        ));
        any = true;
    }
    let cap = remediation_cap(view, total);
    if !unhealthy.is_empty() && sick > cap && !view.bugs.has(Bug::NoRemediationCap) {
        draft.remediation_stopped = Some(format!(
            "{sick} of {total} media nodes are unhealthy, more than {cap} may be replaced; look at the network, the image \
             and the masters"
        ));
        return any;
    }
    for node in unhealthy {
        let op = Op::Terminate {
            node: node.name.clone(),
            decrement: false,
        };
        let why = format!("did not join within {} minutes", JOIN_LIMIT_MS / 60_000);
        draft
            .steps
            .push(view.step(op, ActKind::End, Some(Role::Media), Cause::Remediation, why));
        any = true;
    }
    any
}

/// Whether a drain that began at this moment may be ended by force.
pub(crate) fn past_deadline(view: &View<'_>, requested_at_ms: i64) -> bool {
    let drain = &view.spec.media.drain;
    drain.at_deadline() == AtDeadline::Force
        && drain
            .deadline
            .is_some_and(|d| view.snap.now.wall.since(Wall(requested_at_ms)) >= d.as_millis())
}

/// Nobody can close a named node here: says so, and lets the record go to be made anew.
fn answer_requests(view: &View<'_>, draft: &mut Draft<'_>) {
    for node in members(view, Role::Media) {
        if node.deleted_by_user() {
            draft.forget(node);
            draft.event(
                EventType::Warning,
                "DrainUnsupported",
                Some(&node.name),
                "OpenVidu 2 HighAvailability lets nobody close a node by name; lower spec.media.replicas instead",
            );
        }
    }
    keep_masters(view, draft);
}

/// Nobody replaces a master by deleting its record: says so, and lets the record go to be made anew.
pub(crate) fn keep_masters(view: &View<'_>, draft: &mut Draft<'_>) {
    for node in view.role(Role::Master) {
        if node.deleted_by_user() {
            draft.forget(node);
            draft.event(
                EventType::Warning,
                "DrainUnsupported",
                Some(&node.name),
                "a master is not drained or replaced by deleting its record; the record is made anew",
            );
        }
    }
}

/// Phases of all members of both groups.
pub(crate) fn phases(view: &View<'_>, draft: &mut Draft<'_>) {
    for node in view.nodes.values() {
        if !node.known {
            draft.phase(view, node, node.phase(), "its group could not be read");
            continue;
        }
        let Some(observed) = node.observed.filter(|o| o.presence != Presence::Gone) else {
            draft.forget(node);
            draft.event(
                EventType::Normal,
                "NodeGone",
                Some(&node.name),
                "its instance is gone",
            );
            continue;
        };
        if draft.records.get(node).launched_at.is_none() {
            draft.record(node).launched_at = Some(view.snap.now.wall.to_time());
        }
        let joined = match node.role {
            Role::Media => matches!(observed.media, MediaState::Serving | MediaState::Closed),
            _ => observed.healthy,
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
        let (phase, why) = phase(view, node);
        if node.role == Role::Media {
            if phase == NodePhase::Draining {
                let cause = if view.tearing_down() {
                    DrainCause::ClusterDeleted
                } else {
                    DrainCause::Foreign
                };
                draft.drain(view, node, cause, "closed by OpenVidu's masters");
            } else if phase == NodePhase::Serving && draft.draining(node) {
                draft.record(node).drain = None;
                draft.event(
                    EventType::Normal,
                    "NodeRevived",
                    Some(&node.name),
                    "OpenVidu's masters took it back",
                );
            }
        }
        draft.phase(view, node, phase, why);
    }
}

fn phase(view: &View<'_>, node: &NodeView<'_>) -> (NodePhase, String) {
    let Some(observed) = node.observed else {
        return (NodePhase::Gone, String::new());
    };
    let late = node
        .record
        .and_then(|r| r.status.as_ref())
        .and_then(|s| s.launched_at.as_ref())
        .is_some_and(|t| view.snap.now.wall.since(Wall::from_time(t)) >= JOIN_LIMIT_MS);
    match (observed.presence, observed.media, node.role) {
        (Presence::Gone, ..) => (NodePhase::Gone, "its instance is gone".to_owned()),
        (Presence::Terminating, ..) => (NodePhase::Stopping, "its group is ending it".to_owned()),
        (Presence::Unreachable, ..) => (NodePhase::Unreachable, "it does not answer".to_owned()),
        (_, MediaState::Serving, Role::Media) => (NodePhase::Serving, String::new()),
        (_, MediaState::Closed, Role::Media) => (
            NodePhase::Draining,
            "closed by OpenVidu's masters".to_owned(),
        ),
        (_, MediaState::Canceled, Role::Media) => {
            (NodePhase::Canceled, "its launch was called off".to_owned())
        }
        (_, MediaState::Leaving, Role::Media) => {
            (NodePhase::Stopping, "leaves the cluster".to_owned())
        }
        (_, MediaState::Failed, Role::Media) => (NodePhase::Failed, "failed to join".to_owned()),
        (Presence::Pending, ..) => (
            NodePhase::Launching,
            "its instance is being launched".to_owned(),
        ),
        (Presence::Running, MediaState::Unknown, Role::Media) => (
            node.phase(),
            "its masters do not say where it stands".to_owned(),
        ),
        (Presence::Running, _, Role::Media) if late => {
            (NodePhase::Failed, "did not join in time".to_owned())
        }
        (Presence::Running, _, Role::Media) => (
            NodePhase::Joining,
            "waits to be taken into the cluster".to_owned(),
        ),
        (Presence::Running, ..) if observed.healthy => (NodePhase::Serving, String::new()),
        (Presence::Running, ..) if late => (NodePhase::Failed, "is not healthy".to_owned()),
        (Presence::Running, ..) => (NodePhase::Joining, "is not healthy yet".to_owned()),
    }
}

/// How many of `total` may be unhealthy before repair stops (rule S7).
pub(crate) fn remediation_cap(view: &View<'_>, total: usize) -> usize {
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    usize::try_from(
        view.spec
            .media
            .remediation
            .max_unhealthy()
            .floor_of(total)
            .max(1),
    )
    .unwrap_or(1)
}
