//! Rule S3: one master at a time, and never below the quorum.

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_model::{NodeName, Op, Presence, Step};

use super::node::Node;
use super::{Kind, Rule, Run};

pub(super) fn check<'r>(run: &mut Run<'r, '_>, step: &'r Step, kind: Kind) {
    let facts = run.facts;
    // What restarts all of them at once is asked about by rule S13, and leaves no room for another one.
    let everywhere = facts.profile.cuts(kind.act, kind.role) == Cuts::Cluster
        && !matches!(kind.act, ActKind::Delete | ActKind::Uninstall);
    if kind.role != Some(Role::Master) && !everywhere {
        return;
    }
    // The last masters go when nothing hangs on them any more: rules S12 and S13 see to that.
    if facts.tearing_down() || facts.profile.cuts(kind.act, kind.role) == Cuts::Nothing {
        return;
    }
    let declared = usize::try_from(facts.spec.declared_masters()).unwrap_or(0);
    let mut unnamed = 0;
    let named: Vec<&NodeName> = match &step.op {
        Op::Stop { node } | Op::Terminate { node, .. } | Op::Uninstall { node } => vec![node],
        Op::SetProtection { nodes, .. } => nodes.iter().collect(),
        Op::SetCapacity { from, to, .. } => {
            unnamed = usize::try_from(from - to).unwrap_or(usize::MAX);
            Vec::new()
        }
        _ => {
            unnamed = 1;
            Vec::new()
        }
    };
    run.masters.extend(named.iter().copied());
    run.masters_unnamed = run.masters_unnamed.saturating_add(unnamed);
    let disrupted = run.masters.len().saturating_add(run.masters_unnamed);
    if disrupted > 1 {
        run.refuse(
            Rule::S3,
            step,
            format!("{disrupted} masters would be disrupted, one may be"),
        );
    }
    if everywhere {
        return;
    }
    let down: Vec<&str> = facts
        .of_role(Role::Master)
        .filter(|n| !n.gone() && !up(n))
        .map(|n| n.name)
        .collect();
    let missing =
        declared.saturating_sub(facts.of_role(Role::Master).filter(|n| !n.gone()).count());
    let others = missing
        + down
            .iter()
            .filter(|d| !named.iter().any(|n| *n.0 == ***d))
            .count();
    let already_dead = !named.is_empty()
        && named
            .iter()
            .all(|n| facts.node(n).is_some_and(holds_nothing));
    if others > 0 && !already_dead {
        let text = format!(
            "{others} other masters are down ({}); one may be disrupted at a time",
            down.join(", ")
        );
        run.refuse(Rule::S3, step, text);
    }
    let healthy = facts.of_role(Role::Master).filter(|n| up(n));
    let left = healthy
        .filter(|n| !named.iter().any(|m| *m.0 == *n.name))
        .count()
        .saturating_sub(unnamed);
    let quorum = facts.profile.quorum.of(declared);
    if left < quorum && !already_dead {
        let text =
            format!("{left} healthy masters would be left, {quorum} of {declared} are the quorum");
        run.refuse(Rule::S3, step, text);
    }
}

/// Known to serve.
fn up(node: &Node<'_>) -> bool {
    node.observed
        .is_some_and(|o| o.healthy && o.presence == Presence::Running)
}

/// Known to serve nobody: gone, being ended, or stopped.
pub(super) fn holds_nothing(node: &Node<'_>) -> bool {
    node.gone() || node.terminating() || node.stopped()
}
