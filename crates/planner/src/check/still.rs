//! Rules S9 and S10, and S11 for what status keeps: nothing is written that should not be or changes nothing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::{Op, Plan, Presence, ResourceState, Scalar, Step, Value};

use super::{Kind, Rule, Run};

pub(super) fn step(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    if run.facts.spec.paused() && !kind.act.keeps_alive() {
        run.refuse(Rule::S9, step, "spec.paused is true");
    }
    if idle(run, step) {
        run.refuse(Rule::S10, step, "everything is as this step would make it");
    }
}

/// Nothing would be another after this step.
fn idle(run: &Run<'_, '_>, step: &Step) -> bool {
    let facts = run.facts;
    let seen = |name| facts.node(name).and_then(|n| n.observed);
    match &step.op {
        Op::Set {
            resource,
            properties,
            ..
        } => facts.found(resource).is_some_and(|found| {
            properties.iter().all(|(name, value)| match value {
                Value::Known(value) => found.properties.get(name) == Some(value),
                Value::Secret {
                    digest: Some(digest),
                    ..
                } => found.properties.get(name) == Some(&Scalar::Text(digest.0.clone())),
                _ => false,
            })
        }),
        Op::Delete { resource, .. } => {
            let known = facts
                .desired(resource)
                .is_some_and(|d| facts.knows(&d.scope));
            facts
                .found(resource)
                .map_or(known, |f| f.state == ResourceState::Deleting)
        }
        Op::SetCapacity { group, from, to } => from == to || facts.capacity(group) == Some(*to),
        Op::SetProtection {
            nodes, protected, ..
        } => nodes
            .iter()
            .all(|n| seen(n).is_some_and(|o| o.protected == Some(*protected))),
        Op::Terminate { node, .. } => {
            seen(node).is_some_and(|o| matches!(o.presence, Presence::Terminating | Presence::Gone))
        }
        Op::Start { node } => seen(node).is_some_and(|o| {
            let runs = o
                .containers
                .as_ref()
                .is_some_and(|l| l.iter().any(|c| c.running));
            o.unit.is_some_and(|u| u.active && u.enabled) || runs
        }),
        Op::Stop { node } => seen(node).is_some_and(|o| {
            let runs = o
                .containers
                .as_ref()
                .is_none_or(|l| l.iter().any(|c| c.running));
            o.unit.is_some_and(|u| !u.active && !u.enabled) && !runs
        }),
        Op::Uninstall { node } => {
            let id = ovo_model::ResourceId::new(super::facts::MACHINE, &*node.0);
            let known = facts.node(node).is_some_and(|n| n.known);
            known && facts.found(&id).is_none()
        }
        _ => false,
    }
}

/// The status that a plan writes: not another one for the sake of its times, and what is in force stays in
/// force unless a person changed the spec.
pub(super) fn status(run: &mut Run<'_, '_>, plan: &Plan) {
    let facts = run.facts;
    let Some(old) = facts.status else { return };
    if *plan.status != *old && timeless(&plan.status) == timeless(old) {
        run.refuse_plan(
            Rule::S10,
            "the status would be written anew with nothing but other times",
        );
    }
    let mode = |s: &OpenViduClusterStatus| {
        s.autoscaler
            .as_ref()
            .map(|a| a.mode.clone())
            .filter(|m| !m.is_empty())
    };
    if let Some(in_force) = mode(old)
        && !facts.unobserved()
        && mode(&plan.status).as_ref() != Some(&in_force)
    {
        let new = mode(&plan.status).unwrap_or_default();
        let text = format!(
            "the mode in force is {in_force}; nobody changed the spec, yet it would become `{new}`"
        );
        run.refuse_plan(Rule::S11, text);
    }
    let keeps = |id: &str| {
        plan.status
            .credentials
            .as_ref()
            .is_some_and(|c| c.digests.contains_key(id))
    };
    for lost in old
        .credentials
        .iter()
        .flat_map(|c| c.digests.keys())
        .filter(|k| !keeps(k))
    {
        run.refuse_plan(
            Rule::S8,
            format!("status would forget the digest of {lost}"),
        );
    }
}

fn timeless(status: &OpenViduClusterStatus) -> OpenViduClusterStatus {
    let mut status = status.clone();
    status.summary_at = None;
    for condition in &mut status.conditions {
        condition.last_transition_time = epoch();
    }
    for pending in &mut status.pending {
        pending.since = epoch();
    }
    if let Some(intent) = &mut status.intent {
        intent.revision = 0;
    }
    status
}

/// A time like any other.
pub(super) fn epoch() -> Time {
    ovo_model::Wall(0).to_time()
}
