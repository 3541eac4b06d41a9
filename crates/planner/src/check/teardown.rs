//! Rule S12: what is taken away, in which order, and when the object may go.

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::profile::NodeSource;
use ovo_api::spec::DeletionPolicy;
use ovo_model::{NodeName, Op, Ownership, Plan, ResourceId, Stage, Step};

use super::facts::{Facts, GROUP, MACHINE};
use super::node::Node;
use super::owner::kept;
use super::{Kind, Rule, Run};

/// Kinds that carry conversations or that these hang on: none of them outlives what needs it.
const SERVING: [&str; 4] = [GROUP, MACHINE, "LoadBalancer", "Redis"];

pub(super) fn check(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    let facts = run.facts;
    if !facts.deleting {
        if let Op::Uninstall { node } = &step.op
            && facts.node(node).is_some_and(|n| n.listed)
        {
            run.refuse(
                Rule::S12,
                step,
                format!("{node} is on the list of machines, and nobody deleted the cluster"),
            );
        }
        return;
    }
    if !facts.tearing_down() {
        let orphaned = facts.spec.deletion.policy() == DeletionPolicy::Orphan
            && !facts.spec.deletion.protected();
        let listed = step
            .op
            .node()
            .and_then(|n| facts.node(n))
            .is_some_and(|n| n.listed);
        if orphaned || kind.act == ActKind::Delete || (kind.act == ActKind::Uninstall && listed) {
            run.refuse(
                Rule::S12,
                step,
                "spec.deletion says that what is there stays",
            );
        }
        return;
    }
    let builds = matches!(
        kind.act,
        ActKind::Create | ActKind::Install | ActKind::Grow | ActKind::GenerateCredentials
    ) || (kind.act == ActKind::Start && kind.role == Some(Role::Media));
    if builds {
        run.refuse(
            Rule::S12,
            step,
            "the cluster is being deleted; nothing is built",
        );
    }
    let (order, everything) = match &step.op {
        Op::Delete { resource, .. } => {
            for member in facts.members(resource) {
                run.refuse(
                    Rule::S12,
                    step,
                    format!("{resource} still has {}", member.name),
                );
            }
            (order_of(facts, resource), resource.kind != GROUP)
        }
        Op::Uninstall { node } | Op::Stop { node } | Op::Terminate { node, .. } => {
            (order_of_node(facts, node), false)
        }
        Op::SetCapacity { group, from, to } if to < from => (order_of(facts, group), false),
        _ => return,
    };
    if let Some(left) = left_before(facts, order, everything) {
        run.refuse(Rule::S12, step, format!("{left} is taken away first"));
    }
}

/// The object may go only when nothing is left, or when a person let go of what is.
pub(super) fn release(run: &mut Run<'_, '_>, plan: &Plan) {
    if !plan.release {
        return;
    }
    let facts = run.facts;
    let meta = &facts.snap.cluster.metadata;
    if !facts.deleting || facts.spec.deletion.protected() {
        run.refuse_plan(
            Rule::S12,
            "the cluster is not deleted, or protected from it",
        );
    }
    if facts.spec.paused() {
        run.refuse_plan(Rule::S9, "deletion waits while spec.paused is true");
    }
    if !plan.steps.is_empty() {
        run.refuse_plan(
            Rule::S12,
            format!("{} steps are still to be done", plan.steps.len()),
        );
    }
    let abandoned = meta
        .annotations
        .as_ref()
        .and_then(|a| a.get(annotations::ABANDON))
        == meta.name.as_ref();
    if facts.spec.deletion.policy() == DeletionPolicy::Orphan || (abandoned && meta.name.is_some())
    {
        return;
    }
    if !facts.complete {
        run.refuse_plan(Rule::S12, "whether anything is left could not be read");
    }
    for left in facts
        .all_found()
        .filter(|f| f.ownership == Ownership::Ours && !kept(facts, &f.id))
    {
        run.refuse_plan(Rule::S12, format!("{} is left and costs money", left.id));
    }
}

/// What has to be gone before something of this place in the order goes.
fn left_before(facts: &Facts<'_>, order: u8, everything: bool) -> Option<String> {
    let machines = facts.profile.nodes == NodeSource::Machines;
    let installed = |n: &&Node<'_>| {
        let id = ResourceId::new(MACHINE, n.name);
        if machines {
            facts.ours(&id).is_some()
        } else {
            n.observed.is_some() && !n.gone()
        }
    };
    let earlier_node = facts
        .nodes()
        .filter(|n| place(n.role) < order)
        .find(|n| !n.known || installed(n))
        .map(|n| n.name.to_owned());
    let earlier = |d: &&ovo_model::Resource| {
        d.stage.teardown() < order
            && (everything || SERVING.contains(&d.id.kind.as_str()))
            && !kept(facts, &d.id)
    };
    let mut resources = facts.snap.desired.iter().filter(earlier);
    earlier_node.or_else(|| {
        resources
            .find(|d| !facts.knows(&d.scope) || facts.ours(&d.id).is_some())
            .map(|d| d.id.to_string())
    })
}

fn order_of(facts: &Facts<'_>, id: &ResourceId) -> u8 {
    // What is not wanted any more is nobody's ground any more: it goes with the rest.
    facts
        .desired(id)
        .map_or(Stage::Foundation.teardown(), |d| d.stage.teardown())
}

fn order_of_node(facts: &Facts<'_>, node: &NodeName) -> u8 {
    facts
        .node(node)
        .map_or(Stage::Foundation.teardown(), |n| place(n.role))
}

const fn place(role: Role) -> u8 {
    match role {
        Role::Media => Stage::Media.teardown(),
        Role::Master => Stage::Masters.teardown(),
        Role::LoadBalancer => Stage::Balancer.teardown(),
    }
}
