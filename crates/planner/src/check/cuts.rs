//! Rule S13: who cuts needs a permit. And S1's other half: while a node drains, nothing that runs is touched.

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::spec::{DisruptionPolicy, DriftPolicy};
use ovo_api::windows;
use ovo_model::{Cause, NodeName, Occupancy, Op, Step};

use super::end::{ended, excuse};
use super::facts::{Facts, MACHINE};
use super::masters::holds_nothing;
use super::node::{Busy, Node, add, words};
use super::{Kind, Rule, Run};

pub(super) fn check(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    drift(run, step, kind);
    undisturbed(run, step, kind);
    let facts = run.facts;
    let target = target(facts, step);
    if matches!(kind.act, ActKind::Install)
        && let Some(node) = target
        && !(node.known && node.nothing_runs())
    {
        run.refuse(
            Rule::S13,
            step,
            format!(
                "{} is not known to be idle; software is installed where nobody is",
                node.name
            ),
        );
    }
    if facts.profile.cuts(reach(facts, step, kind), kind.role) == Cuts::Nothing
        || !ended(facts, step).is_empty()
    {
        // Ends of media nodes have an order of their own (rule S1).
        return;
    }
    if let Some(node) = target.filter(|_| step.op.node().is_some()) {
        if node.forced() || holds_nothing(node) {
            return;
        }
        if matches!(step.op, Op::Uninstall { .. }) {
            return run.refuse(
                Rule::S13,
                step,
                format!("{} is not known to be stopped", node.name),
            );
        }
    }
    if permitted(facts, step, kind) || facts.teardown_by_force() {
        return;
    }
    match target.filter(|n| n.role == Role::Media) {
        Some(node) => quiet(run, step, &[node]),
        None => quiet(run, step, &facts.of_role(Role::Media).collect::<Vec<_>>()),
    }
    for group in facts
        .groups()
        .filter(|g| g.role == Some(Role::Media) && !facts.knows(&g.scope))
    {
        run.refuse(
            Rule::S2,
            step,
            format!("who is in {} could not be read", group.id),
        );
    }
}

/// What a step sets off. To make the configuration of a cluster that runs is to change it.
fn reach(facts: &Facts<'_>, step: &Step, kind: Kind) -> ActKind {
    let Op::Create { resource, .. } = &step.op else {
        return kind.act;
    };
    let applies = |act| matches!(act, ActKind::ApplyConfig | ActKind::Restart);
    let mut properties = facts
        .desired(resource)
        .into_iter()
        .flat_map(|d| d.properties.values());
    properties
        .find(|p| applies(p.act))
        .map_or(kind.act, |p| p.act)
}

/// The node or machine that a step is about.
fn target<'f, 'a>(facts: &'f Facts<'a>, step: &Step) -> Option<&'f Node<'a>> {
    let machine = || {
        step.op
            .resource()
            .filter(|r| r.kind == MACHINE)
            .map(|r| NodeName::from(r.name.as_str()))
    };
    step.op
        .node()
        .and_then(|n| facts.node(n))
        .or_else(|| facts.node(&machine()?))
}

/// Nobody is there who could be cut, by fresh word of every source.
fn quiet(run: &mut Run<'_, '_>, step: &Step, nodes: &[&Node<'_>]) {
    let mut sum = Occupancy::default();
    for node in nodes {
        match node.busy(run.facts) {
            Busy::Zero => {}
            Busy::Occupied(more) => add(&mut sum, &more),
            Busy::Unknown(doubt) => run.refuse(
                Rule::S2,
                step,
                format!("may cut rooms on {}: {doubt}", node.name),
            ),
        }
    }
    if !sum.is_zero() {
        run.refuse(Rule::S13, step, format!("cuts {}", words(&sum)));
    }
}

/// The user allowed cuts now, for this cause; and the cause fits what is done.
fn permitted(facts: &Facts<'_>, step: &Step, kind: Kind) -> bool {
    let disruption = &facts.spec.disruption;
    let policy = match (step.cause, kind.role) {
        (Cause::Config, None | Some(Role::Media)) => disruption.config(),
        (Cause::Masters, Some(Role::Master)) => disruption.masters(),
        (Cause::LoadBalancer, Some(Role::LoadBalancer)) => disruption.load_balancer(),
        // Nobody asked for it: drift is never an excuse, nor is anything else.
        _ => return false,
    };
    match policy {
        DisruptionPolicy::WhenIdle => false,
        DisruptionPolicy::InWindow => windows::open_at(&disruption.windows, facts.now.wall.0),
        DisruptionPolicy::Immediately => true,
    }
}

/// What was changed by hand is put back only where the user wants that; and nothing is rolled unless a person
/// changed something (rule S11).
fn drift(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    let facts = run.facts;
    let changes = matches!(step.op, Op::Set { .. } | Op::Delete { .. });
    if step.cause == Cause::Drift {
        if changes && facts.spec.drift() == DriftPolicy::Report {
            run.refuse(
                Rule::S13,
                step,
                "spec.drift is Report: what was changed by hand stays",
            );
        }
        return;
    }
    let rolls = matches!(
        kind.act,
        ActKind::Replace | ActKind::Restart | ActKind::ApplyConfig | ActKind::ReloadBalancer
    );
    // Values behind `configFrom` are changed by people without a trace in the generation.
    let by_secret = kind.act == ActKind::ApplyConfig && !facts.spec.config_from.is_empty();
    if rolls && !by_secret && settled(facts, step) {
        run.refuse(
            Rule::S11,
            step,
            "nobody changed the spec since the cluster was as declared",
        );
    }
}

/// The last status says that everything is as this generation of the spec declares.
fn settled(facts: &Facts<'_>, step: &Step) -> bool {
    let Some(status) = facts.status.filter(|_| !facts.unobserved()) else {
        return false;
    };
    let says = |kind: &str, value: &str| {
        status
            .conditions
            .iter()
            .any(|c| c.type_ == kind && c.status == value)
    };
    let under_way = status
        .intent
        .iter()
        .flat_map(|i| &i.steps)
        .any(|s| s.id == step.id.0);
    says("Ready", "True")
        && !says("Reconciling", "True")
        && !says("ConfigApplied", "False")
        && !under_way
}

/// While a node drains, only what does not run any more is stopped (section 6 of the design): a restart
/// elsewhere could reach the draining node as a second signal.
fn undisturbed(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    let facts = run.facts;
    let touches = matches!(
        kind.act,
        ActKind::End
            | ActKind::Restart
            | ActKind::ApplyConfig
            | ActKind::ReloadBalancer
            | ActKind::Replace
    );
    if !touches {
        return;
    }
    if let Some(node) = step.op.node().and_then(|n| facts.node(n)) {
        // What is dead or never joined is no running part of the cluster; the other excuses are a person's word.
        let excused =
            node.role == Role::Media && (excuse(facts, node).is_some() || node.nothing_runs());
        if excused || node.forced() || holds_nothing(node) {
            return;
        }
    }
    let own = step.op.node();
    let other = facts
        .of_role(Role::Media)
        .find(|n| n.draining() && own.is_none_or(|o| *o.0 != *n.name));
    let planned = run.closes.iter().find(|n| own != Some(**n));
    if let Some(name) = other
        .map(|n| n.name.to_owned())
        .or_else(|| planned.map(ToString::to_string))
    {
        run.refuse(
            Rule::S1,
            step,
            format!("{name} drains: nothing that runs is stopped or restarted meanwhile"),
        );
    } else if run.shrinks {
        run.refuse(
            Rule::S1,
            step,
            "media nodes are closed by the same plan: nothing that runs is stopped meanwhile",
        );
    }
}
