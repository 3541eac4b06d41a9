//! Facts about a round, in words and numbers for people.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_api::node::NodePhase;
use ovo_engine::{Executed, Report, StepResult};
use ovo_model::{
    NodeName, NodeWrite, Observation, Occupancy, Outcome, Plan, ResourceState, Snapshot, Step,
};

/// What runs on media nodes by the newest readings, however old they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Occupancies {
    pub(crate) total: Occupancy,
    pub(crate) nodes: BTreeMap<NodeName, (Occupancy, Option<u32>)>,
}

impl Occupancies {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut all = Self::default();
        for (name, readings) in snapshot.readings.iter() {
            let mut sum = Occupancy::default();
            let mut load = None;
            for source in snapshot.profile.occupancy {
                let Some(reading) = readings.newest(*source) else {
                    continue;
                };
                add(&mut sum, reading.occupancy);
                load = load.or(reading.load_permille);
            }
            add(&mut all.total, sum);
            all.nodes.insert(name.clone(), (sum, load));
        }
        all
    }
}

const fn add(sum: &mut Occupancy, one: Occupancy) {
    sum.rooms = sum.rooms.saturating_add(one.rooms);
    sum.participants = sum.participants.saturating_add(one.participants);
    sum.egress = sum.egress.saturating_add(one.egress);
    sum.ingress = sum.ingress.saturating_add(one.ingress);
}

/// Role and phase of each node, as the round leaves them.
pub(crate) fn phases(snapshot: &Snapshot, plan: &Plan) -> BTreeMap<NodeName, (Role, NodePhase)> {
    let mut phases: BTreeMap<NodeName, (Role, NodePhase)> = snapshot
        .nodes
        .iter()
        .map(|(name, record)| {
            let phase = record.status.as_ref().map(|s| s.phase).unwrap_or_default();
            (name.clone(), (record.spec.role, phase))
        })
        .collect();
    for write in &plan.nodes {
        match write {
            NodeWrite::Create { node, spec, status } => {
                phases.insert(node.clone(), (spec.role, status.phase));
            }
            NodeWrite::Status { node, status } => {
                if let Some((_, phase)) = phases.get_mut(node) {
                    *phase = status.phase;
                }
            }
            NodeWrite::Remove { node } => {
                phases.remove(node);
            }
        }
    }
    phases
}

/// What a step does, in words.
pub(crate) fn step_words(step: &Step) -> String {
    use ovo_model::Op;
    match &step.op {
        Op::Create { resource, .. } => format!("create {resource}"),
        Op::Set {
            resource,
            properties,
            ..
        } if resource.kind == "Machine" && properties.contains_key("installed") => {
            format!("install OpenVidu on {}", resource.name)
        }
        Op::Set {
            resource,
            properties,
            ..
        } => {
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            format!("set {} of {resource}", names.join(", "))
        }
        Op::Delete { resource, .. } => format!("delete {resource}"),
        Op::SetCapacity { group, from, to } => {
            format!("set the capacity of {group} from {from} to {to}")
        }
        Op::SetProtection {
            nodes, protected, ..
        } => {
            let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            format!(
                "switch protection {} for {}",
                if *protected { "on" } else { "off" },
                names.join(", ")
            )
        }
        Op::Terminate { node, .. } => format!("end {node}"),
        Op::Start { node } => format!("start {node}"),
        Op::Signal { node, containers } => format!(
            "send the drain signal to {} containers on {node}",
            containers.len()
        ),
        Op::Stop { node } => format!("stop {node}"),
        Op::Uninstall { node } => format!("uninstall {node}"),
        Op::Close { node } => format!("close {node}"),
        Op::Reopen { node } => format!("reopen {node}"),
        Op::GenerateCredentials { keys, .. } => format!("generate {} credentials", keys.len()),
    }
}

/// What is under way: steps that go on, and resources on their way with how far they are.
pub(crate) fn under_way(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for observation in report.snapshot.iter().flat_map(|s| s.observed.values()) {
        let Observation::Known { resources, .. } = observation else {
            continue;
        };
        for resource in resources.values() {
            let far = match (&resource.progress, &resource.state) {
                (Some(progress), _) => progress.clone(),
                (None, ResourceState::Pending) => "on its way".to_owned(),
                (None, ResourceState::Deleting) => "going".to_owned(),
                (None, ResourceState::Ready | ResourceState::Failed(_)) => continue,
            };
            told.push(&resource.id.name);
            lines.push(format!("{}: {far}", resource.id));
        }
    }
    for executed in &report.executed {
        if let Some(line) = step_line(executed, &told) {
            lines.push(line);
        }
    }
    lines
}

fn step_line(executed: &Executed, told: &[&str]) -> Option<String> {
    let words = step_words(&executed.step);
    match &executed.result {
        StepResult::Answered(Outcome::InProgress { .. }) => {
            let name = executed.step.op.resource().map(|r| r.name.as_str());
            (!name.is_some_and(|n| told.contains(&n))).then_some(words)
        }
        StepResult::Failed(error) => Some(format!("{words}: {error}; tried again")),
        StepResult::Refused(refusals) => {
            let why = refusals.first().map_or("", |r| r.message.as_str());
            Some(format!("{words}: held back by the last look: {why}"))
        }
        StepResult::Answered(Outcome::Done) | StepResult::Held => None,
    }
}
