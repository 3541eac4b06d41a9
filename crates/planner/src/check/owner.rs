//! Rules S8 and S11: what is not ours, what is kept, what was generated, and what a newer release wrote.

use ovo_api::node::NODE_FORMAT_VERSION;
use ovo_api::profile::NodeSource;
use ovo_api::spec::Retention;
use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_model::{Op, Owner, Ownership, ResourceId, Step};

use super::facts::{Facts, MACHINE};
use super::{Kind, Rule, Run};

/// Nothing is written over what a newer release wrote.
pub(super) fn format(run: &mut Run<'_, '_>, writes: bool) {
    if !writes {
        return;
    }
    let facts = run.facts;
    let intent = facts
        .status
        .and_then(|s| s.intent.as_ref())
        .map(|i| i.format_version);
    if let Some(version) = intent.filter(|v| *v > INTENT_FORMAT_VERSION) {
        run.refuse_plan(
            Rule::S11,
            format!(
                "status.intent has format {version}, this release knows {INTENT_FORMAT_VERSION}"
            ),
        );
    }
    for node in facts.nodes() {
        if let Some(version) = node
            .status()
            .map(|s| s.format_version)
            .filter(|v| *v > NODE_FORMAT_VERSION)
        {
            let text = format!(
                "the record of {} has format {version}, this release knows {NODE_FORMAT_VERSION}",
                node.name
            );
            run.refuse_plan(Rule::S11, text);
        }
    }
}

pub(super) fn check(run: &mut Run<'_, '_>, step: &Step, kind: Kind) {
    let facts = run.facts;
    match &step.op {
        Op::Create { resource, .. } => {
            free(run, step, resource);
            if let Some(missing) = facts
                .desired(resource)
                .into_iter()
                .flat_map(|d| &d.after)
                .find(|id| !ready(facts, id))
            {
                run.refuse(
                    Rule::Shape,
                    step,
                    format!("{resource} needs {missing}, which is not ready"),
                );
            }
        }
        Op::Set {
            resource,
            properties,
            ..
        } => {
            if resource.kind == MACHINE && facts.found(resource).is_none() {
                free(run, step, resource);
            } else {
                mine(run, step, resource);
            }
            let desired = facts.desired(resource);
            for (name, property) in desired.iter().flat_map(|d| &d.properties) {
                if properties.contains_key(name) && property.owner != Owner::Operator {
                    run.refuse(
                        Rule::S8,
                        step,
                        format!("{name} of {resource} is decided by {:?}", property.owner),
                    );
                }
            }
        }
        Op::Delete { resource, .. } => {
            mine(run, step, resource);
            if kept(facts, resource) {
                run.refuse(
                    Rule::S8,
                    step,
                    format!("{resource} is kept: the user did not ask for its deletion"),
                );
            }
        }
        Op::SetCapacity { group, .. } => {
            mine(run, step, group);
            let owner = facts
                .desired(group)
                .and_then(|d| d.properties.get("desired"))
                .map(|p| p.owner);
            if owner != Some(Owner::Operator) && !facts.tearing_down() {
                run.refuse(
                    Rule::S8,
                    step,
                    format!("the capacity of {group} is decided by {owner:?}"),
                );
            }
        }
        Op::SetProtection { group, nodes, .. } => {
            mine(run, step, group);
            for node in nodes
                .iter()
                .filter(|n| !facts.node(n).is_some_and(|n| n.in_group(group)))
            {
                run.refuse(Rule::S8, step, format!("{node} is no member of {group}"));
            }
        }
        Op::GenerateCredentials { secret, keys } => generate(run, step, secret, keys),
        op => {
            if let Some(name) = op.node() {
                node(run, step, name, kind);
            }
        }
    }
}

fn node(run: &mut Run<'_, '_>, step: &Step, name: &ovo_model::NodeName, _kind: Kind) {
    let facts = run.facts;
    if facts.profile.nodes == NodeSource::Machines {
        return mine(run, step, &ResourceId::new(MACHINE, &*name.0));
    }
    let group = facts
        .node(name)
        .and_then(|n| n.observed)
        .and_then(|o| o.group.as_ref());
    match group {
        Some(group) => mine(run, step, group),
        None => run.refuse(
            Rule::S8,
            step,
            format!("{name} is seen in no group of this cluster"),
        ),
    }
}

/// It is there and carries this cluster's mark.
fn mine(run: &mut Run<'_, '_>, step: &Step, id: &ResourceId) {
    match run.facts.found(id).map(|f| &f.ownership) {
        Some(Ownership::Ours) => {}
        Some(other) => run.refuse(Rule::S8, step, format!("{id} is not ours: {other:?}")),
        None => run.refuse(
            Rule::S8,
            step,
            format!("{id} is not seen to be there and ours"),
        ),
    }
}

/// Nobody's is there under our name, and that is known.
fn free(run: &mut Run<'_, '_>, step: &Step, id: &ResourceId) {
    let facts = run.facts;
    match facts.found(id).map(|f| &f.ownership) {
        None if facts.desired(id).is_some_and(|d| facts.knows(&d.scope)) => {}
        None => run.refuse(
            Rule::S2,
            step,
            format!("whether {id} is there could not be read"),
        ),
        Some(Ownership::Ours) => run.refuse(Rule::S10, step, format!("{id} is there already")),
        Some(other) => run.refuse(
            Rule::S8,
            step,
            format!("{id} is there and not ours: {other:?}"),
        ),
    }
}

fn ready(facts: &Facts<'_>, id: &ResourceId) -> bool {
    facts
        .ours(id)
        .is_some_and(|r| r.state == ovo_model::ResourceState::Ready)
}

/// Kept whatever happens to the cluster.
pub(super) fn kept(facts: &Facts<'_>, id: &ResourceId) -> bool {
    let asked = facts.spec.deletion.storage() == Retention::Delete
        && facts.spec.storage.bucket.deletion_policy() == Retention::Delete
        && facts.spec.storage.bucket.name().is_none();
    facts.desired(id).is_some_and(|d| d.retain)
        || (id.kind == "Bucket" && !(asked && facts.tearing_down()))
}

/// Credentials are made once, before anything is.
fn generate(run: &mut Run<'_, '_>, step: &Step, secret: &str, keys: &[String]) {
    let facts = run.facts;
    let state = &facts.snap.credentials;
    let before = facts.status.and_then(|s| s.credentials.as_ref());
    let wrong = if !state.known || secret != state.secret {
        Some(format!(
            "Secret {secret} could not be read, or is not this cluster's"
        ))
    } else if let Some(key) = keys
        .iter()
        .find(|k| !state.to_generate.contains(k) || state.digests.contains_key(*k))
    {
        Some(format!("{key} is there already, or is not ours to make"))
    } else if let Some(key) = keys
        .iter()
        .find(|k| before.is_some_and(|b| b.digests.contains_key(*k)))
    {
        Some(format!(
            "{key} was there before: it is lost, and is not made anew"
        ))
    } else if keys.is_empty() || !facts.complete {
        Some("not everything under this infrastructure id could be read".to_owned())
    } else {
        facts
            .all_found()
            .find(|r| r.ownership == Ownership::Ours)
            .map(|r| format!("{} stands already", r.id))
    };
    if let Some(wrong) = wrong {
        run.refuse(Rule::S8, step, wrong);
    }
}
