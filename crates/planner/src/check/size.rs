//! Rule S6: never more nodes than `max` and the surge.

use ovo_api::act::Role;
use ovo_model::{Op, ResourceId, Scalar, Step, Value};

use super::facts::GROUP;
use super::pace::count;
use super::{Rule, Run};

pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step) {
    match &step.op {
        Op::Start { node } if run.facts.node(node).is_some_and(|n| n.role == Role::Media) => {
            start(run, step);
        }
        Op::SetCapacity { group, from, to } => {
            if !run.resized.insert(group) {
                run.refuse(
                    Rule::S6,
                    step,
                    format!("the capacity of {group} is set twice in one plan"),
                );
            }
            match run.facts.capacity(group) {
                Some(now) if now == *from => {}
                Some(now) => run.refuse(
                    Rule::S6,
                    step,
                    format!("the capacity of {group} is {now}, not {from}"),
                ),
                None => run.refuse(
                    Rule::S2,
                    step,
                    format!("the capacity of {group} could not be read"),
                ),
            }
            if to > from {
                grow(run, step, group, *to);
            }
        }
        Op::Create {
            resource,
            properties,
            ..
        } if resource.kind == GROUP => {
            for property in ["desired", "min"] {
                if let Some(Value::Known(Scalar::Int(to))) = properties.get(property) {
                    grow(run, step, resource, *to);
                }
            }
        }
        // A minimum above the capacity raises the capacity, without saying so.
        Op::Set {
            resource,
            properties,
            ..
        } if resource.kind == GROUP => {
            if let Some(Value::Known(Scalar::Int(to))) = properties.get("min")
                && run.facts.capacity(resource).is_some_and(|now| *to > now)
            {
                grow(run, step, resource, *to);
            }
        }
        Op::Terminate {
            node,
            decrement: true,
        } => {
            if let Some(role) = run.facts.node(node).map(|n| n.role) {
                *run.decrements.entry(role).or_default() += 1;
            }
        }
        _ => {}
    }
}

fn start<'r>(run: &mut Run<'r, '_>, step: &'r Step) {
    run.starts += 1;
    let facts = run.facts;
    let media = &facts.spec.media;
    let (most, surge) = (i64::from(media.max()), i64::from(media.max_surge()));
    let starts = count(run.starts);
    // What this plan closes takes no sessions any more, though it is present.
    let stays = |n: &&super::node::Node<'_>| !run.closes.iter().any(|c| *c.0 == *n.name);
    let open = count(
        facts
            .of_role(Role::Media)
            .filter(|n| n.open(facts.now.wall))
            .filter(stays)
            .count(),
    );
    let present = count(facts.of_role(Role::Media).filter(|n| n.present()).count());
    if open + starts > most {
        let text = format!(
            "{open} media nodes take sessions and {starts} are started, at most {most} may"
        );
        run.refuse(Rule::S6, step, text);
    }
    if present + starts > most + surge {
        let text = format!(
            "{present} media nodes run or may run and {starts} are started, max {most} + surge {surge}"
        );
        run.refuse(Rule::S6, step, text);
    }
}

fn grow(run: &mut Run<'_, '_>, step: &Step, group: &ResourceId, to: i64) {
    let facts = run.facts;
    if facts.role_of_group(group) == Some(Role::Master) {
        let most = i64::from(facts.spec.masters.max());
        if to > most {
            run.refuse(
                Rule::S6,
                step,
                format!("{to} masters, at most {most} are declared"),
            );
        }
        return;
    }
    let media = &facts.spec.media;
    let (most, surge) = (i64::from(media.max()), i64::from(media.max_surge()));
    let closed = count(
        facts
            .members(group)
            .filter(|n| n.present() && n.closed())
            .count(),
    );
    if to > most + surge || to - closed > most {
        let text = format!("{to} media nodes, {closed} of them closed: max {most} + surge {surge}");
        run.refuse(Rule::S6, step, text);
    }
}
