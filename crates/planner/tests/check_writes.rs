//! S9 to S11: nothing is written while paused, when all is well, or because of a new release.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::ActKind;
use ovo_model::{Cause, Change, NodeWrite, Snapshot};
use ovo_planner::check::Rule;
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, passes_plan, refused, refused_plan};

fn v3() -> Fixture {
    cluster().v3().media(["w1", "w2"])
}

fn v2() -> Fixture {
    cluster().v2().media(["i-1", "i-2"])
}

// === S9 ===

#[test]
fn s9_a_paused_cluster_is_only_protected() {
    let bare = || v2().node("i-2").observed(|n| n.protected = Some(false));
    for f in [bare(), bare().paused()] {
        let snapshot = f.snapshot();
        passes(
            &snapshot,
            [steps::protection(&snapshot, ["i-2"], true, Cause::Drift)],
        );
    }
    let snapshot = v2()
        .drifted("Queue/events", "retention", 9)
        .paused()
        .snapshot();
    refused(
        &snapshot,
        [steps::set(
            &snapshot,
            "Queue/events",
            "retention",
            Cause::Drift,
        )],
        Rule::S9,
        "paused",
    );
    let f = || v3().node("w2").stopped();
    let snapshot = f().snapshot();
    passes(&snapshot, [steps::start(&snapshot, "w2", Cause::Growth)]);
    let snapshot = f().paused().snapshot();
    refused(
        &snapshot,
        [steps::start(&snapshot, "w2", Cause::Growth)],
        Rule::S9,
        "paused",
    );
    let snapshot = v3().node("w2").exited().paused().snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "w2", Cause::ScaleIn)],
        Rule::S9,
        "paused",
    );
}

// === S10 ===

#[test]
fn s10_what_is_as_it_should_be_is_not_written() {
    let snapshot = v2().at_most(4, 0).snapshot();
    let as_it_is = "everything is as this step would make it";
    for step in [
        steps::set(&snapshot, "Queue/events", "retention", Cause::Drift),
        steps::set(&snapshot, "Config/cluster", "digest", Cause::Drift),
        steps::capacity(&snapshot, "media", 2, 2, Cause::Growth),
        steps::protection(&snapshot, ["i-1", "i-2"], true, Cause::Drift),
    ] {
        refused(&snapshot, [step], Rule::S10, as_it_is);
    }
    refused(
        &snapshot,
        [steps::create(&snapshot, "Queue/events", Cause::Creation)],
        Rule::S10,
        "is there already",
    );
    let snapshot = v3().snapshot();
    refused(
        &snapshot,
        [steps::start(&snapshot, "w1", Cause::Growth)],
        Rule::S10,
        as_it_is,
    );
    let snapshot = v3().node("w2").stopped().snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "w2", Cause::ScaleIn)],
        Rule::S10,
        as_it_is,
    );
    let snapshot = v2().missing("Queue/events").snapshot();
    passes(
        &snapshot,
        [steps::create(&snapshot, "Queue/events", Cause::Drift)],
    );
}

#[test]
fn s10_records_and_status_are_not_written_for_their_times() {
    let snapshot = v3().snapshot();
    passes_plan(&snapshot, &steps::quiet(&snapshot));
    let status = |change: fn(&mut ovo_api::OpenViduNodeStatus)| {
        let mut status = snapshot
            .nodes
            .iter()
            .find(|(n, _)| &*n.0 == "w1")
            .unwrap()
            .1
            .status
            .clone()
            .unwrap();
        change(&mut status);
        let mut plan = steps::quiet(&snapshot);
        plan.nodes = vec![NodeWrite::Status {
            node: "w1".into(),
            status: Box::new(status),
        }];
        plan
    };
    let later = || Some(ovo_model::Wall(1_780_480_800_000).to_time());
    assert!(later().is_some());
    refused_plan(
        &snapshot,
        &status(|_| {}),
        Rule::S10,
        "nothing but other times",
    );
    let only_time = status(|s| s.occupancy_at = Some(ovo_model::Wall(1_780_480_800_000).to_time()));
    refused_plan(&snapshot, &only_time, Rule::S10, "nothing but other times");
    passes_plan(&snapshot, &status(|s| s.rooms = Some(1)));

    let mut plan = steps::quiet(&snapshot);
    plan.status.summary_at = later();
    refused_plan(&snapshot, &plan, Rule::S10, "nothing but other times");
    plan.status.summary = "4/4 masters".to_owned();
    passes_plan(&snapshot, &plan);
}

// === S11 ===

#[test]
fn s11_what_a_newer_release_wrote_is_left_alone() {
    let write = |snapshot: &Snapshot| {
        let mut plan = steps::quiet(snapshot);
        let mut status = snapshot
            .nodes
            .values()
            .next()
            .unwrap()
            .status
            .clone()
            .unwrap();
        status.rooms = Some(5);
        status.format_version = 1;
        plan.nodes = vec![NodeWrite::Status {
            node: "m1".into(),
            status: Box::new(status),
        }];
        plan
    };
    let snapshot = v3().snapshot();
    passes_plan(&snapshot, &write(&snapshot));
    let newer = v3().node("w2").record(|r| r.format_version = 2).snapshot();
    refused_plan(
        &newer,
        &write(&newer),
        Rule::S11,
        "the record of w2 has format 2",
    );
    let newer = v3()
        .status(|s| s.intent.as_mut().unwrap().format_version = 2)
        .snapshot();
    refused_plan(
        &newer,
        &write(&newer),
        Rule::S11,
        "status.intent has format 2",
    );
}

#[test]
fn s11_the_mode_in_force_stays_in_force() {
    let plan = |f: Fixture| {
        let snapshot = f.snapshot();
        let mut plan = steps::quiet(&snapshot);
        plan.status.autoscaler.as_mut().unwrap().mode = "Provider".to_owned();
        (snapshot, plan)
    };
    let (snapshot, changed) = plan(v3());
    refused_plan(
        &snapshot,
        &changed,
        Rule::S11,
        "the mode in force is Manual",
    );
    let (snapshot, changed) = plan(v3().edited());
    passes_plan(&snapshot, &changed);
}

#[test]
fn s11_nothing_is_rolled_unless_a_person_changed_something() {
    let f = || v3().wants("Config/cluster", "digest", "config-2");
    let set = |snapshot: &Snapshot| {
        [steps::set(
            snapshot,
            "Config/cluster",
            "digest",
            Cause::Config,
        )]
    };
    let snapshot = f().snapshot();
    refused(
        &snapshot,
        set(&snapshot),
        Rule::S11,
        "nobody changed the spec",
    );
    let snapshot = f().edited().snapshot();
    passes(&snapshot, set(&snapshot));
    // A change that had to wait is remembered by the status that said so.
    let waiting = f()
        .status(|s| s.conditions[1].status = "True".to_owned())
        .snapshot();
    passes(&waiting, set(&waiting));
    let step = &set(&snapshot)[0];
    let under_way = f().committed([step]).snapshot();
    passes(&under_way, set(&under_way));
}

#[test]
fn s11_a_replacement_is_for_people_to_ask_for_and_some_things_are_never_changed() {
    let replace = |f: Fixture| {
        let f =
            f.wants("Queue/events", "retention", 2)
                .property("Queue/events", "retention", |p| p.change = Change::Replace);
        let snapshot = f.snapshot();
        let mut step = steps::delete(&snapshot, "Queue/events", Cause::Config);
        step.act = ActKind::Replace;
        let in_place = steps::set(&snapshot, "Queue/events", "retention", Cause::Config);
        (snapshot, step, in_place)
    };
    let (snapshot, step, in_place) = replace(v2());
    refused(&snapshot, [step], Rule::S11, "nobody changed the spec");
    refused(
        &snapshot,
        [in_place],
        Rule::S11,
        "not to be changed in place",
    );
    let (snapshot, step, _) = replace(v2().edited());
    passes(&snapshot, [step]);
    let snapshot = v3()
        .edited()
        .wants("Machine/w1", "installed", "digest-of-3.9.0")
        .snapshot();
    refused(
        &snapshot,
        [steps::set(
            &snapshot,
            "Machine/w1",
            "installed",
            Cause::Config,
        )],
        Rule::S11,
        "not to be changed",
    );
}
