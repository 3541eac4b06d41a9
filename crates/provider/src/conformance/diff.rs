//! The kit's own tiny planner: from what is wanted and what is, to the next steps.

use std::collections::BTreeMap;

use ovo_api::act::ActKind;
use ovo_api::profile::Profile;
use ovo_model::{
    Cause, Change, Executor, NodeName, Observation, ObservedResource, Op, Owner, Property,
    Resource, ResourceId, ResourceState, Scalar, Scope, Step, Value,
};

/// What was seen, by scope.
pub(super) type Seen = BTreeMap<Scope, Observation>;

/// What is to be the case.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'g> {
    /// These are there.
    Have(&'g [Resource]),
    /// None of these is there.
    Nothing(&'g [Resource]),
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This step.
    Do(Box<Step>),
    /// The backend is at work; this is what is waited for.
    Wait(String),
    /// Nothing: the goal is reached.
    Reached,
}

/// Fills in what only a planner decides.
pub(super) type Planned<'p> = &'p (dyn Fn(&Resource, &str) -> Scalar + Sync);

/// The next step towards a goal.
///
/// # Errors
/// When it cannot be told, in words for people.
pub(super) fn next(
    profile: &Profile,
    goal: Goal<'_>,
    seen: &Seen,
    planned: Planned<'_>,
) -> Result<Next, String> {
    let (Goal::Have(list) | Goal::Nothing(list)) = goal;
    for resource in list {
        match seen.get(&resource.scope) {
            Some(Observation::Known { .. }) => {}
            Some(Observation::Unknown { reason }) => {
                return Ok(Next::Wait(format!(
                    "scope {} to be known: {reason}",
                    resource.scope.0
                )));
            }
            None => {
                return Err(format!(
                    "observe(All) does not answer for scope {}",
                    resource.scope.0
                ));
            }
        }
    }
    match goal {
        Goal::Have(list) => towards(profile, list, seen, planned),
        Goal::Nothing(list) => Ok(away(profile, list, seen)),
    }
}

/// A resource as it was seen.
pub(super) fn found<'s>(seen: &'s Seen, id: &ResourceId) -> Option<&'s ObservedResource> {
    seen.values().find_map(|observation| match observation {
        Observation::Known { resources, .. } => resources.get(id),
        Observation::Unknown { .. } => None,
    })
}

fn towards(
    profile: &Profile,
    list: &[Resource],
    seen: &Seen,
    planned: Planned<'_>,
) -> Result<Next, String> {
    for resource in list {
        let Some(there) = found(seen, &resource.id) else {
            let ready =
                |id: &&ResourceId| found(seen, id).is_some_and(|r| r.state == ResourceState::Ready);
            if let Some(missing) = resource.after.iter().find(|id| !ready(id)) {
                return Ok(Next::Wait(format!(
                    "{missing} to be ready for {}",
                    resource.id
                )));
            }
            return first(profile, resource, seen, planned);
        };
        match &there.state {
            ResourceState::Ready => {}
            ResourceState::Failed(why) => return Err(format!("{} failed: {why}", resource.id)),
            state => {
                return Ok(Next::Wait(format!(
                    "{} to be ready, it is {state:?}",
                    resource.id
                )));
            }
        }
        if let Some(step) = change(profile, resource, there, seen)? {
            return Ok(Next::Do(Box::new(step)));
        }
    }
    Ok(Next::Reached)
}

fn first(
    profile: &Profile,
    resource: &Resource,
    seen: &Seen,
    planned: Planned<'_>,
) -> Result<Next, String> {
    let Some(call) = &resource.create else {
        let bare = ObservedResource {
            id: resource.id.clone(),
            ownership: ovo_model::Ownership::Ours,
            state: ResourceState::Ready,
            properties: BTreeMap::new(),
            outputs: BTreeMap::new(),
            progress: None,
        };
        let step = change(profile, resource, &bare, seen)?;
        return Ok(step.map_or(Next::Reached, |step| Next::Do(Box::new(step))));
    };
    let mut properties = BTreeMap::new();
    for (name, property) in &resource.properties {
        let value = match &property.value {
            Value::Planned => Value::Known(planned(resource, name)),
            value => resolved(value, seen)
                .ok_or_else(|| format!("{} {name} tells nothing to set", resource.id))?,
        };
        properties.insert(name.clone(), value);
    }
    let op = Op::Create {
        resource: resource.id.clone(),
        call: call.clone(),
        properties,
    };
    Ok(Next::Do(Box::new(step(
        profile,
        op,
        ActKind::Create,
        resource,
    ))))
}

/// The first call that has something to set, with all that it sets.
fn change(
    profile: &Profile,
    resource: &Resource,
    there: &ObservedResource,
    seen: &Seen,
) -> Result<Option<Step>, String> {
    let ours = |p: &Property| p.owner == Owner::Operator && p.value != Value::Planned;
    let mut by_call: BTreeMap<&str, (ActKind, BTreeMap<String, Value>)> = BTreeMap::new();
    for (name, property) in resource.properties.iter().filter(|(_, p)| ours(p)) {
        let value = resolved(&property.value, seen)
            .ok_or_else(|| format!("{} {name} tells nothing", resource.id))?;
        let is = there.properties.get(name);
        if shown(&value).as_ref() == is {
            continue;
        }
        if is.is_some() && property.change != Change::InPlace {
            return Err(format!(
                "{} {name} is {is:?} and should be {}; it can only be made anew",
                resource.id,
                value.tag()
            ));
        }
        let entry = by_call
            .entry(&property.call)
            .or_insert((property.act, BTreeMap::new()));
        entry.1.insert(name.clone(), value);
    }
    Ok(by_call.into_iter().next().map(|(call, (act, properties))| {
        let op = Op::Set {
            resource: resource.id.clone(),
            call: call.to_owned(),
            properties,
        };
        step(profile, op, act, resource)
    }))
}

fn away(profile: &Profile, list: &[Resource], seen: &Seen) -> Next {
    let there: Vec<&Resource> = list
        .iter()
        .filter(|r| found(seen, &r.id).is_some())
        .collect();
    let needed = |r: &Resource| there.iter().any(|other| other.after.contains(&r.id));
    // What others need goes after them; the stages say the rest.
    let Some(resource) = there
        .iter()
        .rev()
        .filter(|r| !needed(r))
        .min_by_key(|r| r.stage.teardown())
    else {
        return Next::Reached;
    };
    if found(seen, &resource.id).is_some_and(|r| r.state == ResourceState::Deleting) {
        return Next::Wait(format!("{} to be deleted", resource.id));
    }
    Next::Do(Box::new(removal(profile, resource)))
}

/// The step that takes a resource away.
pub(super) fn removal(profile: &Profile, resource: &Resource) -> Step {
    if resource.id.kind == "Machine" {
        let op = Op::Uninstall {
            node: NodeName::from(resource.id.name.as_str()),
        };
        return step(profile, op, ActKind::Uninstall, resource);
    }
    let op = Op::Delete {
        resource: resource.id.clone(),
        call: resource.delete.clone(),
    };
    step(profile, op, ActKind::Delete, resource)
}

/// The steps that could be tried on a resource: making it, setting it and taking it away.
pub(super) fn attempts(profile: &Profile, resource: &Resource, planned: Planned<'_>) -> Vec<Step> {
    let nothing = Seen::new();
    let mut attempts = vec![removal(profile, resource)];
    if let Ok(Next::Do(step)) = first(profile, resource, &nothing, planned) {
        attempts.push(*step);
    }
    attempts.extend(setting(profile, resource));
    attempts
}

/// A step that sets something of a resource to its wanted value, if anything of it can be set in place.
pub(super) fn setting(profile: &Profile, resource: &Resource) -> Option<Step> {
    let (name, property, value) = resource.properties.iter().find_map(|(name, p)| {
        let settable =
            p.change == Change::InPlace && p.owner == Owner::Operator && p.value != Value::Planned;
        let value = resolved(&p.value, &Seen::new()).filter(|_| settable)?;
        Some((name, p, value))
    })?;
    let properties = BTreeMap::from([(name.clone(), value)]);
    let op = Op::Set {
        resource: resource.id.clone(),
        call: property.call.clone(),
        properties,
    };
    Some(step(profile, op, property.act, resource))
}

fn step(profile: &Profile, op: Op, act: ActKind, resource: &Resource) -> Step {
    Step {
        id: op.id(),
        act,
        role: resource.role,
        cuts: profile.cuts(act, resource.role),
        cause: Cause::Creation,
        reason: "wanted by the conformance kit".to_owned(),
        executor: Executor::Provider,
        op,
    }
}

fn resolved(value: &Value, seen: &Seen) -> Option<Value> {
    match value {
        Value::OutputOf { resource, output } => found(seen, resource)?
            .outputs
            .get(output)
            .cloned()
            .map(Value::Known),
        Value::Planned | Value::Secret { digest: None, .. } => None,
        Value::Known(_) | Value::Secret { .. } => Some(value.clone()),
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
