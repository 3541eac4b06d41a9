//! Deletion: conversations first, then what carried them, in the reverse order of their need (rule S12).

use std::collections::BTreeSet;

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::profile::NodeSource;
use ovo_api::spec::DeletionPolicy;
use ovo_model::{
    Cause, EventType, Millis, ObservedResource, Op, Ownership, Presence, Resource, ResourceId,
    ResourceState, Scalar, Step, Value, Wall,
};

use crate::bugs::Bug;
use crate::draft::{Draft, Stall};
use crate::view::{MACHINE, View};
use crate::{group, machines};

/// Reason of `DeletionBlocked` when something does not go away.
const WAITING: &str = "Waiting";

/// Takes the deployment away as far as it can be now.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    if view.spec.deletion.policy() == DeletionPolicy::Orphan {
        draft.event(
            EventType::Normal,
            "Orphaned",
            None,
            "spec.deletion.policy is Orphan: everything stays as it is",
        );
        return release(view, draft);
    }
    let name = view
        .snap
        .cluster
        .metadata
        .name
        .as_deref()
        .unwrap_or_default();
    let abandon = view
        .snap
        .cluster
        .metadata
        .annotations
        .as_ref()
        .and_then(|a| a.get(annotations::ABANDON));
    if abandon.is_some_and(|a| a == name) {
        let left = left(view);
        draft.event(
            EventType::Warning,
            "Abandoned",
            None,
            format!("left behind: {left}"),
        );
        return release(view, draft);
    }
    if view.bugs.has(Bug::BalancerFirst) {
        for resource in stage(view, |r| r.stage == ovo_model::Stage::Balancer) {
            if view
                .ours(&resource.id)
                .is_some_and(|r| r.state != ResourceState::Deleting)
            {
                draft.steps.push(removal(view, resource));
            }
        }
    }
    let media_left = match view.snap.profile.nodes {
        NodeSource::Machines => machines::teardown_media(view, draft),
        NodeSource::Group => empty_group(view, draft, Role::Media),
    };
    if media_left {
        return blocked(view, draft);
    }
    let masters_left = match view.snap.profile.nodes {
        NodeSource::Machines => machines::teardown_masters(view, draft),
        NodeSource::Group => empty_group(view, draft, Role::Master),
    };
    if masters_left {
        return blocked(view, draft);
    }
    let mut orders: BTreeSet<u8> = view
        .snap
        .desired
        .iter()
        .map(|r| r.stage.teardown())
        .collect();
    // What was made for an earlier spec and is still there goes with the last stage.
    orders.insert(u8::MAX);
    for order in orders {
        let mut left = false;
        let resources: Vec<&Resource> = stage(view, |r| r.stage.teardown() == order).collect();
        for resource in resources {
            left |= delete(view, draft, resource);
        }
        if left && !view.bugs.has(Bug::LeavesRest) {
            return blocked(view, draft);
        }
    }
    if !view.complete && !view.bugs.has(Bug::LeavesRest) {
        draft.wait(
            "let the cluster go",
            "everything under its infrastructure id to be read",
        );
        return blocked(view, draft);
    }
    release(view, draft);
}

fn stage<'v, 'a>(
    view: &'v View<'a>,
    of: impl Fn(&Resource) -> bool + 'v,
) -> impl Iterator<Item = &'a Resource> + 'v {
    view.snap
        .desired
        .iter()
        .filter(|r| r.id.kind != MACHINE)
        .filter(move |r| of(r))
}

/// What is left and is not kept on purpose, where a person finds it: by ARN or address.
fn left(view: &View<'_>) -> String {
    let kept = |r: &ObservedResource| view.snap.desired.iter().any(|d| d.id == r.id && d.retain);
    let seen = view
        .found()
        .filter(|r| r.ownership == Ownership::Ours && !kept(r))
        .map(|r| match (r.outputs.get("arn"), address(view, &r.id)) {
            (Some(Scalar::Text(arn)), _) => format!("{} ({arn})", r.id),
            (_, Some(address)) => format!("{} at {address}", r.id),
            _ => r.id.to_string(),
        });
    let unseen = view.nodes.values().filter(|n| !n.known).map(|n| {
        let id = ResourceId::new(MACHINE, n.name.to_string());
        let at = address(view, &id).map_or_else(String::new, |a| format!(" at {a}"));
        format!("{id}{at} (does not answer)")
    });
    seen.chain(unseen).collect::<Vec<_>>().join(", ")
}

/// Where a machine was seen last.
fn address<'v>(view: &'v View<'_>, id: &ResourceId) -> Option<&'v str> {
    let node = view.nodes.get(&id.name).filter(|_| id.kind == MACHINE)?;
    let seen = node.observed.map(|o| &*o.address).filter(|a| !a.is_empty());
    seen.or_else(|| node.record?.status.as_ref()?.address.as_deref())
}

/// Closes and empties a group by its capacity. Whether a member, or the group, is left.
fn empty_group(view: &View<'_>, draft: &mut Draft<'_>, role: Role) -> bool {
    let Some(resource) = view.group(role) else {
        return false;
    };
    if !view.scope_known(&resource.scope) {
        draft.wait(format!("empty {}", resource.id), "it could not be read");
        return true;
    }
    let Some(found) = view.ours(&resource.id) else {
        return false;
    };
    if found.state != ResourceState::Ready {
        draft.wait(format!("empty {}", resource.id), "it to be ready");
        return true;
    }
    let members = view
        .role(role)
        .filter(|n| n.observed.is_some_and(|o| o.presence != Presence::Gone))
        .count();
    let capacity = match found.properties.get("desired") {
        Some(Scalar::Int(n)) => *n,
        _ => 0,
    };
    if found.properties.get("min") != Some(&Scalar::Int(0)) {
        let call = resource
            .properties
            .get("min")
            .map_or_else(String::new, |p| p.call.clone());
        let properties = [("min".to_owned(), Value::Known(Scalar::Int(0)))].into();
        let op = Op::Set {
            resource: resource.id.clone(),
            call,
            properties,
        };
        let why = "the cluster is being deleted".to_owned();
        draft
            .steps
            .push(view.step(op, ActKind::Update, resource.role, Cause::Deletion, why));
        return true;
    }
    if role == Role::Media {
        group::protect(view, draft, &resource.id);
        if group::repair(view, draft) {
            return true;
        }
        group::lower(view, draft, &resource.id, capacity, 0);
    } else if capacity > 0 {
        let op = Op::SetCapacity {
            group: resource.id.clone(),
            from: capacity,
            to: 0,
        };
        let why = "the cluster is being deleted".to_owned();
        let step = view.step(op, ActKind::Shrink, Some(role), Cause::Deletion, why);
        match view.gate(&step) {
            Ok(()) => draft.steps.push(step),
            Err(waits_for) => draft.wait(format!("empty {}", resource.id), waits_for),
        }
    }
    if members > 0 || capacity > 0 {
        draft.wait(
            format!("empty {}", resource.id),
            format!("{members} instances to end"),
        );
        return true;
    }
    delete(view, draft, resource)
}

/// Deletes one resource; whether it is left.
fn delete(view: &View<'_>, draft: &mut Draft<'_>, resource: &Resource) -> bool {
    if resource.retain && !view.bugs.has(Bug::DeletesBucket) {
        return false;
    }
    if !view.scope_known(&resource.scope) {
        draft.wait(format!("delete {}", resource.id), "it could not be read");
        return true;
    }
    let Some(found) = view.ours(&resource.id) else {
        return false;
    };
    if found.state == ResourceState::Deleting {
        draft.wait(format!("delete {}", resource.id), "it is being deleted");
        return true;
    }
    let step = removal(view, resource);
    match view.gate(&step) {
        Ok(()) => draft.steps.push(step),
        Err(waits_for) => draft.wait(format!("delete {}", resource.id), waits_for),
    }
    true
}

fn removal(view: &View<'_>, resource: &Resource) -> Step {
    let op = Op::Delete {
        resource: resource.id.clone(),
        call: resource.delete.clone(),
    };
    let why = "the cluster is being deleted".to_owned();
    view.step(op, ActKind::Delete, resource.role, Cause::Deletion, why)
}

/// How long deletion may go on before it says what is left, in milliseconds (design: ten minutes).
const SILENT_MS: Millis = 600_000;

/// What deletion waits for, once it has waited for ten minutes. They count from our own first word about it, as the
/// clock that wrote `deletionTimestamp` is not ours, and what was protected or paused has not waited for the world.
fn blocked(view: &View<'_>, draft: &mut Draft<'_>) {
    let mut conditions = view.status.conditions.iter();
    let late = conditions
        .find(|c| c.type_ == "DeletionBlocked")
        .is_some_and(|said| match &*said.status {
            "False" => {
                let since = Wall::from_time(&said.last_transition_time);
                view.snap.now.wall.since(since) >= SILENT_MS
            }
            _ => said.reason == WAITING,
        });
    if late {
        draft.deletion_blocked = Some(Stall {
            reason: WAITING,
            message: format!(
                "left: {}; to let go of all that, annotate {}: \"{}\"",
                left(view),
                annotations::ABANDON,
                view.snap
                    .cluster
                    .metadata
                    .name
                    .as_deref()
                    .unwrap_or_default()
            ),
        });
    }
}

fn release(view: &View<'_>, draft: &mut Draft<'_>) {
    draft.gone = view.snap.nodes.keys().cloned().collect();
    draft.release = true;
}
