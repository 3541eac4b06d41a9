//! What a step is, by its content alone.

use ovo_api::act::{ActKind, Cuts};
use ovo_api::profile::{NodeSource, Profile};
use ovo_model::{Change, Executor, NodeName, Op, Property, Resource, Scalar, Step, Value};

use super::facts::{Facts, GROUP, MACHINE};
use super::{Kind, Rule, Run};

/// Derives what a step is and refuses what it claims otherwise. `None`: it makes no sense at all.
pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step) -> Option<Kind> {
    if !run.ids.insert(&step.id) {
        run.refuse(Rule::Shape, step, "stands in the plan twice");
    }
    if step.id != step.op.id() {
        run.refuse(
            Rule::Shape,
            step,
            format!("its content has the id `{}`", step.op.id()),
        );
    }
    let kind = match derive(run.facts, &step.op) {
        Ok(kind) => kind,
        Err(why) => {
            run.refuse(Rule::Shape, step, why);
            return None;
        }
    };
    if (kind.act, kind.role, kind.executor) != (step.act, step.role, step.executor) {
        let claimed = format!("{:?} of {:?} by {:?}", step.act, step.role, step.executor);
        let is = format!("{:?} of {:?} by {:?}", kind.act, kind.role, kind.executor);
        run.refuse(
            Rule::Shape,
            step,
            format!("says that it is {claimed}, and is {is}"),
        );
    }
    let cuts = run.facts.profile.cuts(kind.act, kind.role);
    if cuts != step.cuts {
        let text = format!(
            "says that it cuts {:?}; {:?} of {:?} cuts {cuts:?}",
            step.cuts, kind.act, kind.role
        );
        run.refuse(Rule::S13, step, text);
    }
    values(run, step);
    Some(kind)
}

fn derive(facts: &Facts<'_>, op: &Op) -> Result<Kind, String> {
    let node_role = |name: &NodeName| {
        facts
            .node(name)
            .map(|n| n.role)
            .ok_or_else(|| format!("{name} is no node of this cluster"))
    };
    let machines = facts.profile.nodes == NodeSource::Machines;
    let on = |needs_machines: bool, what: &str| {
        let fits = machines == needs_machines;
        if fits {
            Ok(())
        } else {
            Err(format!(
                "{what} is nothing that {} does",
                facts.profile.name
            ))
        }
    };
    let kind = |act, role| Kind {
        act,
        role,
        executor: Executor::Provider,
    };
    Ok(match op {
        Op::Create { resource, .. } => {
            let desired = facts
                .desired(resource)
                .ok_or_else(|| format!("{resource} is not wanted"))?;
            kind(ActKind::Create, desired.role)
        }
        Op::Set {
            resource,
            call,
            properties,
        } => {
            let desired = facts
                .desired(resource)
                .ok_or_else(|| format!("{resource} is not wanted"))?;
            kind(
                act_of_set(facts.profile, desired, call, properties.keys())?,
                desired.role,
            )
        }
        Op::Delete { resource, .. } => {
            let desired = facts.desired(resource);
            if resource.kind == MACHINE {
                return Err(format!(
                    "{resource} is no thing to delete: a machine is uninstalled"
                ));
            }
            let act = if desired.is_some() && !facts.tearing_down() {
                ActKind::Replace
            } else {
                ActKind::Delete
            };
            kind(act, desired.and_then(|d| d.role))
        }
        Op::SetCapacity { group, from, to } => {
            on(false, "a capacity")?;
            if group.kind != GROUP {
                return Err(format!("{group} has no capacity"));
            }
            kind(
                if to > from {
                    ActKind::Grow
                } else {
                    ActKind::Shrink
                },
                facts.role_of_group(group),
            )
        }
        Op::SetProtection {
            group, protected, ..
        } => {
            on(false, "protection")?;
            let act = if *protected {
                ActKind::Protect
            } else {
                ActKind::Unprotect
            };
            kind(act, facts.role_of_group(group))
        }
        Op::Terminate { node, .. } => {
            on(false, "ending an instance")?;
            kind(ActKind::End, Some(node_role(node)?))
        }
        Op::Start { node } => {
            on(true, "starting a machine")?;
            kind(ActKind::Start, Some(node_role(node)?))
        }
        Op::Stop { node } => {
            on(true, "stopping a machine")?;
            kind(ActKind::End, Some(node_role(node)?))
        }
        Op::Uninstall { node } => {
            on(true, "uninstalling")?;
            kind(ActKind::Uninstall, Some(node_role(node)?))
        }
        Op::Signal { node, .. } => {
            if !facts.profile.drain.names_the_victim() {
                return Err(format!(
                    "{} has no drain signal of ours",
                    facts.profile.name
                ));
            }
            kind(ActKind::Signal, Some(node_role(node)?))
        }
        Op::Close { .. } | Op::Reopen { .. } => {
            return Err(format!(
                "{} lets nobody close or reopen a named node by its API",
                facts.profile.name
            ));
        }
        Op::GenerateCredentials { .. } => Kind {
            act: ActKind::GenerateCredentials,
            role: None,
            executor: Executor::Store,
        },
    })
}

/// The act of a call is the worst of the acts of what it sets.
fn act_of_set<'p>(
    profile: &Profile,
    desired: &Resource,
    call: &str,
    names: impl Iterator<Item = &'p String>,
) -> Result<ActKind, String> {
    let mut worst = None;
    for name in names {
        let property = property(desired, name)?;
        if property.call != call {
            return Err(format!(
                "{} sets {name} by {}, not by {call}",
                desired.id, property.call
            ));
        }
        let cuts = reach(profile.cuts(property.act, desired.role));
        worst = worst.max(Some((cuts, property.act.is_destructive(), property.act)));
    }
    worst
        .map(|(_, _, act)| act)
        .ok_or_else(|| format!("sets nothing of {}", desired.id))
}

fn property<'d>(desired: &'d Resource, name: &str) -> Result<&'d Property, String> {
    desired
        .properties
        .get(name)
        .ok_or_else(|| format!("{} has no {name}", desired.id))
}

const fn reach(cuts: Cuts) -> u8 {
    match cuts {
        Cuts::Nothing => 0,
        Cuts::Node => 1,
        Cuts::Master => 2,
        Cuts::Cluster => 3,
    }
}

/// Every value that a step carries is the declared one, resolved from what was observed.
fn values(run: &mut Run<'_, '_>, step: &Step) {
    let (resource, properties, set) = match &step.op {
        Op::Create {
            resource,
            properties,
            ..
        } => (resource, properties, false),
        Op::Set {
            resource,
            properties,
            ..
        } => (resource, properties, true),
        _ => return,
    };
    let Some(desired) = run.facts.desired(resource) else {
        return;
    };
    for (name, value) in properties {
        let Some(property) = desired.properties.get(name) else {
            run.refuse(Rule::Shape, step, format!("{resource} has no {name}"));
            continue;
        };
        if property.value == Value::Planned {
            if set {
                run.refuse(
                    Rule::Shape,
                    step,
                    format!("{name} of {resource} has an operation of its own"),
                );
            }
            continue;
        }
        let emptied = run.facts.tearing_down()
            && (resource.kind.as_str(), name.as_str(), value)
                == (GROUP, "min", &Value::Known(Scalar::Int(0)));
        if !emptied && resolved(run.facts, &property.value).as_ref() != Some(value) {
            let text = format!(
                "{name} of {resource} should be {}, not {}",
                property.value.tag(),
                value.tag()
            );
            run.refuse(Rule::Shape, step, text);
        }
        let there = run
            .facts
            .found(resource)
            .is_some_and(|f| f.properties.contains_key(name));
        if set && there && property.change != Change::InPlace {
            let text =
                format!("{name} of {resource} is not to be changed in place on what is there");
            run.refuse(Rule::S11, step, text);
        }
    }
}

fn resolved(facts: &Facts<'_>, value: &Value) -> Option<Value> {
    match value {
        Value::OutputOf { resource, output } => facts
            .ours(resource)?
            .outputs
            .get(output)
            .cloned()
            .map(Value::Known),
        Value::Secret { digest: None, .. } | Value::Planned => None,
        Value::Known(_) | Value::Secret { .. } => Some(value.clone()),
    }
}
