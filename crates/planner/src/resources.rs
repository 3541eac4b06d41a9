//! Plain resources: created in order, repaired property by property.

use std::collections::BTreeMap;

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::spec::DriftPolicy;
use ovo_model::{
    Cause, Change, EventType, ObservedResource, Op, Owner, Ownership, Property, Resource,
    ResourceState, Scalar, SecretKey, Step, Value,
};

use crate::bugs::Bug;
use crate::credentials::rotated;
use crate::draft::Draft;
use crate::occupancy::Busy;
use crate::preflight;
use crate::view::{GROUP, MACHINE, NodeView, View};

/// Creates what is missing and brings the rest to what it should be.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    for declared in &view.declared {
        let resource = declared.resource;
        if let Some(found) = declared.found
            && let Ownership::Foreign(owner) = &found.ownership
            && !view.bugs.has(Bug::WrongOwner)
        {
            draft.stall(
                "Conflict",
                format!(
                    "{} belongs to {owner}; rename this cluster's, or let the other one go",
                    resource.id
                ),
            );
            continue;
        }
        if !declared.known {
            if resource.id.kind != MACHINE {
                draft.wait(
                    format!("look at {}", resource.id),
                    "it could not be read".to_owned(),
                );
            }
            continue;
        }
        match declared.found.filter(|found| view.is_ours(found)) {
            None if resource.create.is_some() => create(view, draft, resource),
            None if preflight::holds(view) => draft.wait(
                format!("install {}", resource.id),
                "every machine to pass its preflight",
            ),
            None => install(view, draft, resource),
            Some(found) => match &found.state {
                ResourceState::Ready => repair(view, draft, resource, found),
                ResourceState::Pending => {
                    let progress = found
                        .progress
                        .clone()
                        .unwrap_or_else(|| "not ready yet".to_owned());
                    draft.wait(format!("{} to be ready", resource.id), progress);
                }
                ResourceState::Deleting => {
                    draft.wait(format!("create {}", resource.id), "it is being deleted");
                }
                ResourceState::Failed(why) if resource.id.kind == MACHINE => {
                    // A job that failed is run again; how often is a matter of back-off.
                    draft.wait(format!("install {}", resource.id), why.clone());
                    install(view, draft, resource);
                }
                ResourceState::Failed(why) => {
                    draft.wait(format!("{} to be ready", resource.id), why.clone());
                    draft.stall("ResourceFailed", format!("{}: {why}", resource.id));
                }
            },
        }
    }
}

fn create(view: &View<'_>, draft: &mut Draft<'_>, resource: &Resource) {
    let Some(call) = resource.create.clone() else {
        return;
    };
    if view.resources.contains_key(&resource.id) {
        draft.stall(
            "Conflict",
            format!(
                "{} is there and carries nobody's mark; rename it, or remove it by hand",
                resource.id
            ),
        );
        return;
    }
    let text = format!("create {}", resource.id);
    let restarts = resource
        .properties
        .values()
        .any(|p| view.snap.profile.cuts(p.act, resource.role) > Cuts::Nothing);
    if restarts && view.cluster_busy() != Busy::Zero {
        // What restarts services when it changes restarts them when it comes back, too.
        return draft.wait(text, "nobody to talk: its return restarts services");
    }
    if let Some(missing) = resource.after.iter().find(|id| !view.ready(id)) {
        return draft.wait(text, format!("{missing}"));
    }
    let mut properties = BTreeMap::new();
    for (name, property) in &resource.properties {
        match initial(view, resource, name, property) {
            Ok(value) => {
                properties.insert(name.clone(), value);
            }
            Err(waits_for) => return blocked(draft, text, waits_for),
        }
    }
    let op = Op::Create {
        resource: resource.id.clone(),
        call,
        properties,
    };
    let cause = if view.changed_by_user() || view.status.applied.is_empty() {
        Cause::Creation
    } else {
        Cause::Drift
    };
    draft.steps.push(view.step(
        op,
        ActKind::Create,
        resource.role,
        cause,
        "it is not there".to_owned(),
    ));
}

/// Waits; for a Secret that is not there, a person has to act.
fn blocked(draft: &mut Draft<'_>, what: String, waits_for: String) {
    if waits_for.starts_with("Secret ") {
        draft.stall(
            "SecretMissing",
            format!("{waits_for} is not there; create the Secret with this key in the cluster's namespace"),
        );
    }
    draft.wait(what, waits_for);
}

/// The value with which a resource is created.
fn initial(
    view: &View<'_>,
    resource: &Resource,
    name: &str,
    property: &Property,
) -> Result<Value, String> {
    match &property.value {
        Value::Planned if resource.id.kind == GROUP => Ok(Value::Known(Scalar::Int(
            crate::group::wanted(view, resource.role.unwrap_or(Role::Media)),
        ))),
        Value::Planned => Err(format!("{name} is not decided")),
        _ => resolve(view, &property.value),
    }
}

/// A value that can be compared and set now, else what it waits for.
fn resolve(view: &View<'_>, value: &Value) -> Result<Value, String> {
    match value {
        Value::Secret { key, digest: None } => Err(format!("Secret {key}")),
        Value::Known(_) | Value::Secret { .. } => Ok(value.clone()),
        Value::OutputOf { resource, output } => view
            .ours(resource)
            .filter(|r| r.state == ResourceState::Ready)
            .and_then(|r| r.outputs.get(output))
            .map(|scalar| Value::Known(scalar.clone()))
            .ok_or_else(|| format!("{resource}.{output}")),
        Value::Planned => Err("the planner".to_owned()),
    }
}

/// How a value shows in an observation.
fn shown(value: &Value) -> Option<Scalar> {
    match value {
        Value::Known(scalar) => Some(scalar.clone()),
        Value::Secret { digest, .. } => digest.as_ref().map(|d| Scalar::Text(d.0.clone())),
        Value::OutputOf { .. } | Value::Planned => None,
    }
}

/// Software on a machine that has none of ours.
fn install(view: &View<'_>, draft: &mut Draft<'_>, resource: &Resource) {
    let name = resource.id.name.as_str();
    let known = view.nodes.get(name).is_some_and(|n| n.known);
    if !known || view.nodes.get(name).is_some_and(NodeView::deleted_by_user) {
        return;
    }
    for step in changes(
        view,
        draft,
        resource,
        &BTreeMap::new(),
        Cause::Creation,
        "nothing of ours is on it",
    ) {
        draft.steps.push(step);
    }
}

fn repair(view: &View<'_>, draft: &mut Draft<'_>, resource: &Resource, found: &ObservedResource) {
    if as_declared(view, resource, found) && !view.bugs.has(Bug::WritesAlways) {
        return;
    }
    let brought_to = view.status.applied.get(&resource.id.to_string());
    let drifted = brought_to == Some(&digest(resource));
    let cause = if drifted {
        Cause::Drift
    } else {
        user_cause(resource)
    };
    let why = if drifted {
        "somebody changed it by hand"
    } else {
        "the declared value changed"
    };
    let steps = changes(view, draft, resource, &found.properties, cause, why);
    if drifted && view.spec.drift() == DriftPolicy::Report {
        draft.drift.extend(
            steps
                .iter()
                .map(|s| format!("{}: {}", resource.id, difference(&s.op))),
        );
        return;
    }
    for step in steps {
        match view.gate(&step) {
            Ok(()) => {
                if drifted {
                    let note = format!("{}: {}", resource.id, difference(&step.op));
                    draft.event(EventType::Normal, "DriftRepaired", None, note);
                }
                draft.steps.push(step);
            }
            Err(waits_for) => draft.wait(difference(&step.op), waits_for),
        }
    }
}

fn user_cause(resource: &Resource) -> Cause {
    match resource.role {
        Some(Role::LoadBalancer) => Cause::LoadBalancer,
        Some(Role::Master) => Cause::Masters,
        _ => Cause::Config,
    }
}

/// One step per call that has something to set.
fn changes(
    view: &View<'_>,
    draft: &mut Draft<'_>,
    resource: &Resource,
    found: &BTreeMap<String, Scalar>,
    cause: Cause,
    why: &str,
) -> Vec<Step> {
    let rotated = rotated(view);
    let mut by_call: BTreeMap<&str, (ActKind, BTreeMap<String, Value>)> = BTreeMap::new();
    for (name, property) in &resource.properties {
        if property.owner != Owner::Operator || property.value == Value::Planned {
            continue;
        }
        if matches!(&property.value, Value::Secret { key, .. } if is_rotated(&rotated, key)) {
            continue;
        }
        let value = match resolve(view, &property.value) {
            Ok(value) => value,
            Err(waits_for) => {
                blocked(draft, format!("set {} {name}", resource.id), waits_for);
                continue;
            }
        };
        let same = shown(&value).as_ref() == found.get(name) || neither(&value, found.get(name));
        if same && !view.bugs.has(Bug::WritesAlways) {
            continue;
        }
        let absent = !found.contains_key(name) && found.is_empty();
        match property.change {
            Change::Refuse if !absent => {
                draft.stall(
                    "ChangeRefused",
                    format!(
                        "{} {name} cannot be changed on what is there; put the old value back",
                        resource.id
                    ),
                );
            }
            // A replacement is a deletion first; what depends on it is told by its outputs.
            Change::Replace if !absent => {
                let entry = by_call
                    .entry("")
                    .or_insert((ActKind::Replace, BTreeMap::new()));
                entry.1.insert(name.clone(), value);
            }
            _ => {
                let act = property.act;
                let entry = by_call
                    .entry(&property.call)
                    .or_insert((act, BTreeMap::new()));
                if act.is_destructive() {
                    entry.0 = act;
                }
                entry.1.insert(name.clone(), value);
            }
        }
    }
    by_call
        .into_iter()
        .map(|(call, (act, properties))| {
            let op = if act == ActKind::Replace {
                Op::Delete {
                    resource: resource.id.clone(),
                    call: resource.delete.clone(),
                }
            } else {
                Op::Set {
                    resource: resource.id.clone(),
                    call: call.to_owned(),
                    properties,
                }
            };
            view.step(op, act, resource.role, cause, why.to_owned())
        })
        .collect()
}

fn is_rotated(rotated: &[SecretKey], key: &SecretKey) -> bool {
    rotated.contains(key)
}

/// What a step changes, in words.
fn difference(op: &Op) -> String {
    match op {
        Op::Set {
            resource,
            properties,
            ..
        } => {
            let list: Vec<_> = properties
                .iter()
                .map(|(name, value)| format!("{name}={}", value.tag()))
                .collect();
            format!("set {resource} {}", list.join(", "))
        }
        Op::Delete { resource, .. } => format!("replace {resource}"),
        other => other.id().0,
    }
}

/// Whether nothing is wanted and nothing is there: an empty list is none. So a release that can say more of a resource
/// changes nothing of those that were made before it, as long as nobody says it.
fn neither(wanted: &Value, found: Option<&Scalar>) -> bool {
    found.is_none() && matches!(wanted, Value::Known(Scalar::List(list)) if list.is_empty())
}

/// Whether everything that we decide of a resource is as it should be.
fn as_declared(view: &View<'_>, resource: &Resource, found: &ObservedResource) -> bool {
    resource.properties.iter().all(|(name, property)| {
        let seen = found.properties.get(name);
        property.owner != Owner::Operator
            || match &property.value {
                Value::Planned => true,
                value if neither(value, seen) => true,
                Value::Known(scalar) => Some(scalar) == seen,
                value => resolve(view, value).is_ok_and(|value| shown(&value).as_ref() == seen),
            }
    })
}

/// Digests of the resources that are as declared, to be remembered in status.
pub(crate) fn applied(view: &View<'_>) -> BTreeMap<String, String> {
    let mut applied = view.status.applied.clone();
    for resource in view.snap.desired.iter().filter(|r| r.id.kind != MACHINE) {
        if !view.ready(&resource.id) {
            continue;
        }
        let found = view.ours(&resource.id);
        if found.is_some_and(|found| as_declared(view, resource, found)) {
            applied.insert(resource.id.to_string(), digest(resource));
        }
    }
    applied
}

/// FNV-1a over what we decide of a resource, with the version of this very recipe in front.
fn digest(resource: &Resource) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, property) in resource
        .properties
        .iter()
        .filter(|(_, p)| p.owner == Owner::Operator && !neither(&p.value, None))
    {
        feed(name);
        feed(&property.value.tag());
    }
    format!("1:{hash:016x}")
}
