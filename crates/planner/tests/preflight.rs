//! Nothing is installed while a bare machine is not fit, and what is installed does not notice.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{apply_writes, step_ids};
use ovo_model::{Observation, ObservedNode, Plan, Preflight, Snapshot};
use ovo_planner::fixtures::cluster;
use ovo_planner::plan;

const FAULT: &str = "Disk: 3 GB of disk are free under /opt, OpenVidu needs 10; give it more";
const LABORATORY: &str = "CPU: 2 cores, OpenVidu needs 4; give it more";

/// A cluster that serves with w1, and bare machines w2 and w3.
fn joining(w2: &Preflight, w3: &Preflight) -> Snapshot {
    let found = |preflight: &Preflight| {
        let preflight = preflight.clone();
        move |node: &mut ObservedNode| node.preflight = Some(preflight.clone())
    };
    let fixture = cluster().v3().media(["w1", "w2", "w3"]).replicas(1);
    let fixture = fixture.nodes(["w2", "w3"]).stopped().edit(bare);
    let fixture = fixture.node("w2").observed(found(w2));
    fixture.node("w3").observed(found(w3)).snapshot()
}

/// Nothing of ours is on w2 and w3.
fn bare(snapshot: &mut Snapshot) {
    for observation in snapshot.observed.values_mut() {
        if let Observation::Known { resources, .. } = observation {
            resources.retain(|id, _| !(id.kind == "Machine" && ["w2", "w3"].contains(&&*id.name)));
        }
    }
}

fn failed(words: &str) -> Preflight {
    Preflight {
        failed: vec![words.to_owned()],
        ignored: Vec::new(),
    }
}

fn said(plan: &Plan) -> (String, String, String) {
    let conditions = plan.status.conditions.iter();
    let mut told = conditions.filter(|c| c.type_ == "PreflightPassed");
    told.next().map_or_else(Default::default, |c| {
        (c.status.clone(), c.reason.clone(), c.message.clone())
    })
}

#[test]
fn one_that_is_not_fit_holds_up_every_bare_one_and_nobody_else() {
    let snapshot = joining(&Preflight::default(), &failed(FAULT));
    let plan = plan(&snapshot);
    assert_eq!(step_ids(&plan), Vec::<String>::new());
    let waiting: Vec<_> = plan.waiting.iter().map(|w| &*w.step).collect();
    assert_eq!(waiting, ["install Machine/w2", "install Machine/w3"]);
    let (status, reason, message) = said(&plan);
    assert_eq!((&*status, &*reason), ("False", "Failed"));
    assert_eq!(message, format!("w3: {FAULT}"));
    let told: Vec<_> = plan
        .events
        .iter()
        .filter(|e| e.reason == "PreflightFailed")
        .collect();
    assert_eq!((told.len(), &told[0].note), (1, &message));
    // Told once, and written once.
    let again = apply_writes(snapshot, &plan);
    let second = ovo_planner::plan(&again);
    assert!(second.events.iter().all(|e| e.reason != "PreflightFailed"));
    assert_eq!(second.status, plan.status);
}

#[test]
fn what_is_ignored_is_said_and_goes_on_being_said() {
    let ignored = Preflight {
        failed: Vec::new(),
        ignored: vec![LABORATORY.to_owned()],
    };
    let snapshot = joining(&Preflight::default(), &ignored);
    let plan = plan(&snapshot);
    let mut steps = step_ids(&plan);
    steps.sort();
    assert!(steps[0].starts_with("set Machine/w2 ") && steps[1].starts_with("set Machine/w3 "));
    let (status, reason, message) = said(&plan);
    assert_eq!((&*status, &*reason), ("True", "PassedWithIgnored"));
    assert!(message.ends_with(&format!("w3: {LABORATORY}")), "{message}");
    // Once nothing is bare any more, nobody is asked.
    let mut later = apply_writes(snapshot, &plan);
    for observation in later.observed.values_mut() {
        if let Observation::Known { nodes, .. } = observation {
            for node in nodes.values_mut() {
                node.preflight = None;
            }
        }
    }
    assert_eq!(said(&ovo_planner::plan(&later)), (status, reason, message));
}

#[test]
fn where_nobody_asks_nothing_is_held_up_or_said() {
    let snapshot = cluster().v3().media(["w1", "w2"]).replicas(1);
    let plan = plan(&snapshot.node("w2").stopped().edit(bare).snapshot());
    assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
    assert_eq!(said(&plan), Default::default());
}
