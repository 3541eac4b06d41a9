//! Rules S1 and S2: how a media node may be ended.

use ovo_api::act::Role;
use ovo_model::{NodeName, Op, Step};

use super::facts::Facts;
use super::node::{Doubt, FRESH_MS, Node, words};
use super::{Rule, Run};

/// Why a node may be ended although it did not go through the order of rule S1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// A person typed its name, or wants the whole cluster gone at once.
    Forced,
    /// It drains for longer than the user allowed.
    Overdue,
    /// It holds nobody, and nobody can come.
    Dead,
    /// It never was part of the cluster.
    NeverJoined,
}

/// The excuse that a media node has, if it has one.
pub(super) fn excuse(facts: &Facts<'_>, node: &Node<'_>) -> Option<Excuse> {
    let now = facts.now.wall;
    if node.forced() || facts.teardown_by_force() {
        Some(Excuse::Forced)
    } else if node.overdue(facts) {
        Some(Excuse::Overdue)
    } else if node.gone() || (node.drain().is_none() && node.dead(now)) {
        Some(Excuse::Dead)
    } else if node.never_joined(now) {
        Some(Excuse::NeverJoined)
    } else {
        None
    }
}

/// The media nodes whose processes or whose protection a step takes away.
pub(super) fn ended<'s>(facts: &Facts<'_>, step: &'s Step) -> Vec<&'s NodeName> {
    let named: &[NodeName] = match &step.op {
        Op::Stop { node } | Op::Terminate { node, .. } | Op::Uninstall { node } => {
            std::slice::from_ref(node)
        }
        Op::SetProtection {
            nodes,
            protected: false,
            ..
        } => nodes,
        _ => &[],
    };
    named
        .iter()
        .filter(|name| facts.node(name).is_some_and(|n| n.role == Role::Media))
        .collect()
}

pub(super) fn check(run: &mut Run<'_, '_>, step: &Step) {
    let facts = run.facts;
    for name in ended(facts, step) {
        let Some(node) = facts.node(name) else {
            continue;
        };
        if matches!(step.op, Op::Uninstall { .. }) {
            if !node.stopped() {
                run.refuse(Rule::S1, step, format!("{name} is not known to be stopped"));
            }
        } else if node.stopped() {
            // Its unit may still be enabled; whatever is done to it reaches no process.
        } else if excuse(facts, node).is_none() {
            in_order(run, step, node);
        }
    }
}

/// Closed, confirmed, settled, and empty by every source since.
fn in_order(run: &mut Run<'_, '_>, step: &Step, node: &Node<'_>) {
    let (facts, name) = (run.facts, node.name);
    if !facts.profile.drain.names_the_victim() {
        let text = format!(
            "{name}: OpenVidu's masters end media nodes; it is neither forced, dead nor late to join"
        );
        return run.refuse(Rule::S1, step, text);
    }
    if !node.known {
        return run.refuse(Rule::S2, step, format!("{name}: {}", Doubt::Silent));
    }
    if !node.closed() {
        run.refuse(
            Rule::S1,
            step,
            format!("{name} is not closed: it says {:?}", node.media()),
        );
    }
    if !node.exited() {
        run.refuse(
            Rule::S1,
            step,
            format!("{name}: not every container that carries conversations has exited"),
        );
    }
    let Some(closed) = node.readings.and_then(|r| r.closed_since) else {
        return run.refuse(
            Rule::S1,
            step,
            format!("{name}: this process has not seen it closed"),
        );
    };
    let settled = closed.0.saturating_add(facts.profile.settle_ms);
    for source in facts.profile.occupancy {
        match node.reading(*source, facts.now.mono, FRESH_MS) {
            Err(doubt) => run.refuse(Rule::S2, step, format!("{name}: {doubt}")),
            Ok(reading) if !reading.occupancy.is_zero() => {
                run.refuse(
                    Rule::S1,
                    step,
                    format!(
                        "{name} holds {}, says {source:?}",
                        words(&reading.occupancy)
                    ),
                );
            }
            Ok(reading) if reading.at.0 < settled => {
                let early = settled - reading.at.0;
                let text = format!(
                    "{name}: {source:?} was asked {early} ms before the closing had settled"
                );
                run.refuse(Rule::S1, step, text);
            }
            Ok(_) => {}
        }
    }
}
