//! Deletion as a person meets it: what is obeyed, what waits, and what is said meanwhile.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{apply_writes, step_ids};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use ovo_api::act::ActKind;
use ovo_api::annotations;
use ovo_api::node::{DrainCause, NodePhase, SignalState};
use ovo_api::spec::DeletionPolicy;
use ovo_model::{MediaState, Millis, NodeName, NodeWrite, Plan, Snapshot, Wall};
use ovo_planner::check::check;
use ovo_planner::fixtures::{Fixture, NAME, cluster};
use ovo_planner::plan;

fn v3() -> Fixture {
    cluster().v3().media(["w1", "w2"])
}

fn everybody(f: Fixture) -> Fixture {
    f.nodes(["m1", "m2", "m3", "m4", "w1", "w2"])
}

/// The plan, which the checker must let pass.
fn planned(snapshot: &Snapshot) -> Plan {
    let plan = plan(snapshot);
    let refused = check(snapshot, &plan);
    assert!(refused.is_empty(), "{refused:#?}");
    plan
}

fn blocked(plan: &Plan) -> &Condition {
    let conditions = &plan.status.conditions;
    let found = conditions.iter().find(|c| c.type_ == "DeletionBlocked");
    found.unwrap()
}

/// The same world later, after what the plan wrote.
fn later(snapshot: Snapshot, plan: &Plan, by: Millis) -> Snapshot {
    let mut snapshot = apply_writes(snapshot, plan);
    snapshot.now.wall = Wall(snapshot.now.wall.0 + by);
    snapshot.now.mono.0 += by;
    snapshot
}

fn removed(plan: &Plan) -> Vec<NodeName> {
    let removes = plan.nodes.iter().filter_map(|write| match write {
        NodeWrite::Remove { node } => Some(node.clone()),
        _ => None,
    });
    removes.collect()
}

#[test]
fn a_foreground_cascade_over_a_protected_cluster_drains_nobody() {
    // The garbage collector deletes every record of a cluster that is deleted in the foreground.
    let snapshot = everybody(v3().deleted()).object_deleted().snapshot();
    let plan = planned(&snapshot);
    assert_eq!(step_ids(&plan), Vec::<String>::new());
    let drains = plan.nodes.iter().any(|write| match write {
        NodeWrite::Status { status, .. } => status.drain.is_some(),
        NodeWrite::Create { .. } => false,
        NodeWrite::Remove { .. } => true,
    });
    assert!(!drains, "{:#?}", plan.nodes);
    assert_eq!(blocked(&plan).reason, "Protected");
}

#[test]
fn a_masters_record_that_is_deleted_is_made_anew_and_the_master_stays() {
    for (snapshot, master) in [
        (v3().node("m2").object_deleted().snapshot(), "m2"),
        (
            cluster()
                .v2()
                .media(["i-1", "i-2"])
                .node("i-m2")
                .object_deleted()
                .snapshot(),
            "i-m2",
        ),
    ] {
        let first = planned(&snapshot);
        assert_eq!(removed(&first), [NodeName::from(master)]);
        assert_eq!(step_ids(&first), Vec::<String>::new());
        let said = first.events.iter().find(|e| e.reason == "DrainUnsupported");
        assert_eq!(said.unwrap().node, Some(NodeName::from(master)));
        let second = planned(&later(snapshot, &first, 1_000));
        assert!(
            matches!(&*second.nodes, [NodeWrite::Create { node, .. }] if node.0.as_ref() == master),
            "{:#?}",
            second.nodes
        );
    }
}

#[test]
fn deletion_that_waits_for_ten_minutes_of_our_own_clock_says_what_is_left_and_where() {
    // The deletion is an hour old by the server's clock: that clock is not ours.
    let hour = |mut snapshot: Snapshot| {
        snapshot.now.wall = Wall(snapshot.now.wall.0 + 3_600_000);
        snapshot
    };
    let snapshot = hour(
        v3().deleting()
            .unknown("machine/w2")
            .rooms("w1", 3)
            .snapshot(),
    );
    let first = planned(&snapshot);
    assert_eq!(
        (&*blocked(&first).status, &*blocked(&first).reason),
        ("False", "InProgress")
    );
    let soon = later(snapshot, &first, 599_000);
    let second = planned(&soon);
    assert_eq!(blocked(&second).status, "False");
    let late = later(soon, &second, 1_000);
    let third = planned(&late);
    let said = blocked(&third);
    assert_eq!((&*said.status, &*said.reason), ("True", "Waiting"));
    let address = |name: &str| {
        let status = late.nodes[name].status.as_ref().unwrap();
        status.address.clone().unwrap()
    };
    for left in [
        format!("Machine/w1 at {}", address("w1")),
        format!("Machine/w2 at {} (does not answer)", address("w2")),
        format!("{}: \"{NAME}\"", annotations::ABANDON),
    ] {
        assert!(said.message.contains(&left), "{left}: {}", said.message);
    }
    // And it stays said while anything is left.
    let fourth = planned(&later(late, &third, 1_000));
    assert_eq!(blocked(&fourth).reason, "Waiting");
}

#[test]
fn the_ten_minutes_begin_when_protection_ends() {
    let snapshot = v3().deleted().rooms("w1", 3).snapshot();
    let first = planned(&snapshot);
    assert_eq!(blocked(&first).reason, "Protected");
    let mut edited = later(snapshot, &first, 3_600_000);
    std::sync::Arc::make_mut(&mut edited.cluster)
        .spec
        .deletion
        .protected = Some(false);
    let second = planned(&edited);
    assert_eq!(blocked(&second).reason, "InProgress");
}

#[test]
fn deletion_of_a_paused_cluster_says_that_it_waits() {
    let snapshot = v3().deleting().spec(|s| s.paused = Some(true)).snapshot();
    let plan = planned(&snapshot);
    assert!(!plan.release);
    assert_eq!(step_ids(&plan), Vec::<String>::new());
    let said = blocked(&plan);
    assert_eq!((&*said.status, &*said.reason), ("True", "Paused"));
    assert!(said.message.contains("spec.paused"), "{}", said.message);
}

/// A machine that was told to drain and then fell silent.
fn silent_in_mid_drain() -> Fixture {
    v3().deleting()
        .node("w2")
        .draining(DrainCause::ClusterDeleted)
        .record(|r| {
            for signal in &mut r.drain.as_mut().unwrap().signals {
                signal.state = SignalState::Sent;
            }
        })
        .unknown("machine/w2")
}

#[test]
fn to_abandon_lets_go_in_mid_drain_and_names_all_that_is_left() {
    let slip = silent_in_mid_drain().annotate(annotations::ABANDON, "another");
    let plan = planned(&slip.snapshot());
    assert!(!plan.release);

    let snapshot = silent_in_mid_drain()
        .annotate(annotations::ABANDON, NAME)
        .snapshot();
    let plan = planned(&snapshot);
    assert!(plan.release);
    assert_eq!(removed(&plan).len(), snapshot.nodes.len());
    let said = plan
        .events
        .iter()
        .find(|e| e.reason == "Abandoned")
        .unwrap();
    for left in ["Machine/m1 at ", "Machine/w1 at ", "Machine/w2 at "] {
        assert!(said.note.contains(left), "{left}: {}", said.note);
    }
    assert!(said.note.contains("(does not answer)"), "{}", said.note);
}

#[test]
fn a_machine_that_comes_back_during_deletion_is_closed_like_the_others() {
    for phase in [
        NodePhase::Unreachable,
        NodePhase::Pending,
        NodePhase::Standby,
    ] {
        let snapshot = v3()
            .deleting()
            .node("w2")
            .record(|r| r.phase = phase)
            .observed(|n| n.media = MediaState::Failed)
            .snapshot();
        let plan = planned(&snapshot);
        let closes = plan.steps.iter().filter(|s| s.act == ActKind::Signal);
        assert_eq!(closes.count(), 2, "{phase:?}: {:?}", step_ids(&plan));
    }
}

#[test]
fn a_namespace_that_takes_no_new_objects_does_not_stop_deletion() {
    // Somebody, or an earlier round, has let these records go already.
    let mut snapshot = v3().deleting().node("w2").stopped().snapshot();
    for gone in ["m1", "w2"] {
        snapshot.nodes.remove(gone);
    }
    let plan = planned(&snapshot);
    let made = plan
        .nodes
        .iter()
        .find(|w| matches!(w, NodeWrite::Create { .. }));
    assert!(made.is_none(), "{made:#?}");
    // A signal is never sent without a record.
    snapshot.nodes.remove("w1");
    let plan = planned(&snapshot);
    let made = plan
        .nodes
        .iter()
        .find(|w| matches!(w, NodeWrite::Create { .. }));
    assert_eq!(made.map(NodeWrite::node), Some(&NodeName::from("w1")));
}

#[test]
fn an_orphan_is_let_go_in_mid_drain() {
    let snapshot = silent_in_mid_drain()
        .spec(|s| s.deletion.policy = Some(DeletionPolicy::Orphan))
        .snapshot();
    let plan = planned(&snapshot);
    assert!(plan.release);
    assert_eq!(step_ids(&plan), Vec::<String>::new());
}
