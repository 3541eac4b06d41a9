//! S12 and S13: the order of deletion, and who may cut when.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::node::DrainCause;
use ovo_api::profile::OccupancySource;
use ovo_api::spec::{DeletionPolicy, DisruptionPolicy, DriftPolicy, Window};
use ovo_model::{Cause, Observation, Occupancy, Op, Snapshot, Step};
use ovo_planner::check::Rule;
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, passes_plan, refused, refused_plan};

// === S12 ===

fn v2() -> Fixture {
    cluster().v2().media(["i-1", "i-2"])
}

fn v3() -> Fixture {
    cluster().v3().media(["w1", "w2"])
}

/// Media nodes and their group are gone.
fn without_media() -> Fixture {
    v2().deleting()
        .missing("Group/media")
        .missing("LaunchTemplate/media")
        .nodes(["i-1", "i-2"])
        .gone()
}

#[test]
fn s12_media_then_masters_then_the_balancer_then_the_rest() {
    let first = v2().deleting().snapshot();
    let masters = steps::capacity(&first, "masters", 2, 0, Cause::Deletion);
    refused(
        &first,
        [masters.clone()],
        Rule::S12,
        "i-1 is taken away first",
    );
    refused(
        &first,
        [steps::delete(&first, "LoadBalancer/main", Cause::Deletion)],
        Rule::S12,
        "taken away first",
    );
    refused(
        &first,
        [steps::delete(&first, "Group/media", Cause::Deletion)],
        Rule::S12,
        "Group/media still has i-1",
    );

    let then = without_media().snapshot();
    passes(&then, [masters]);
    refused(
        &then,
        [steps::delete(&then, "LoadBalancer/main", Cause::Deletion)],
        Rule::S12,
        "i-m1 is taken away first",
    );
    refused(
        &then,
        [steps::delete(&then, "Redis/main", Cause::Deletion)],
        Rule::S12,
        "taken away first",
    );

    let f = without_media()
        .missing("Group/masters")
        .missing("LaunchTemplate/masters")
        .nodes(["i-m1", "i-m2"])
        .gone();
    let last = f.clone().snapshot();
    passes(
        &last,
        [steps::delete(&last, "LoadBalancer/main", Cause::Deletion)],
    );
    refused(
        &last,
        [steps::delete(&last, "Redis/main", Cause::Deletion)],
        Rule::S12,
        "LoadBalancer/main is taken away first",
    );
    // What cannot be seen may be there.
    let blind = f
        .missing("LoadBalancer/main")
        .unknown("balancer")
        .snapshot();
    refused(
        &blind,
        [steps::delete(&blind, "Redis/main", Cause::Deletion)],
        Rule::S12,
        "LoadBalancer/main is taken",
    );
}

#[test]
fn s12_masters_on_machines_stop_after_the_last_media_machine_is_clean() {
    let try_stop = |f: Fixture| {
        let snapshot = f.snapshot();
        let step = steps::stop(&snapshot, "m1", Cause::Deletion);
        (snapshot, [step])
    };
    let clean = || {
        v3().deleting()
            .nodes(["w1", "w2"])
            .stopped()
            .missing("Machine/w1")
            .missing("Machine/w2")
    };
    let (seen, steps) = try_stop(clean());
    passes(&seen, steps);
    let (seen, steps) = try_stop(
        v3().deleting()
            .nodes(["w1", "w2"])
            .stopped()
            .missing("Machine/w1"),
    );
    refused(&seen, steps, Rule::S12, "w2 is taken away first");
    let (seen, steps) = try_stop(clean().unknown("machine/w2"));
    refused(&seen, steps, Rule::S12, "w2 is taken away first");
}

#[test]
fn s12_a_group_is_emptied_at_once_but_no_node_of_it_is_cut() {
    let shrink = |f: Fixture| {
        let snapshot = f.snapshot();
        let step = steps::capacity(&snapshot, "media", 2, 0, Cause::Deletion);
        (snapshot, [step])
    };
    let (snapshot, step) = shrink(v2().rooms("i-1", 3).deleting());
    passes(&snapshot, step);
    let (snapshot, step) = shrink(
        v2().rooms("i-1", 3)
            .deleting()
            .node("i-2")
            .observed(|n| n.protected = Some(false)),
    );
    refused(&snapshot, step, Rule::S1, "i-2 is not protected");
}

#[test]
fn s12_what_is_protected_or_orphaned_stays() {
    let orphan = || {
        v2().deleting()
            .spec(|s| s.deletion.policy = Some(DeletionPolicy::Orphan))
    };
    let snapshot = v2().deleted().snapshot();
    refused(
        &snapshot,
        [steps::capacity(&snapshot, "media", 2, 0, Cause::Deletion)],
        Rule::S1,
        "would drain at once",
    );
    let snapshot = orphan().snapshot();
    refused(
        &snapshot,
        [steps::capacity(&snapshot, "media", 2, 1, Cause::Deletion)],
        Rule::S12,
        "stays",
    );
    let f = v3().deleted().node("w2").stopped();
    let snapshot = f.snapshot();
    refused(
        &snapshot,
        [steps::uninstall(&snapshot, "w2", Cause::Deletion)],
        Rule::S12,
        "stays",
    );
    let snapshot = v3()
        .deleted()
        .node("w2")
        .draining(DrainCause::ClusterDeleted)
        .snapshot();
    refused(
        &snapshot,
        [steps::signal(&snapshot, "w2", Cause::Deletion)],
        Rule::S2,
        "ClusterDeleted",
    );
}

#[test]
fn s12_a_listed_machine_stays_installed_while_its_cluster_lives() {
    let snapshot = v3().node("w2").stopped().snapshot();
    refused(
        &snapshot,
        [steps::uninstall(&snapshot, "w2", Cause::ScaleIn)],
        Rule::S12,
        "on the list of machines",
    );
    let snapshot = v3().node("w2").stopped().deleting().snapshot();
    passes(
        &snapshot,
        [steps::uninstall(&snapshot, "w2", Cause::Deletion)],
    );
}

#[test]
fn s12_nothing_is_built_for_a_cluster_that_goes() {
    let snapshot = v2().at_most(4, 0).deleting().snapshot();
    refused(
        &snapshot,
        [steps::capacity(&snapshot, "media", 2, 3, Cause::Growth)],
        Rule::S12,
        "nothing is built",
    );
    let snapshot = v2().missing("Queue/events").deleting().snapshot();
    refused(
        &snapshot,
        [steps::create(&snapshot, "Queue/events", Cause::Drift)],
        Rule::S12,
        "nothing is built",
    );
    let snapshot = v3().node("w2").stopped().deleting().snapshot();
    refused(
        &snapshot,
        [steps::start(&snapshot, "w2", Cause::Growth)],
        Rule::S12,
        "nothing is built",
    );
}

fn release(snapshot: &Snapshot) -> ovo_model::Plan {
    let mut plan = steps::quiet(snapshot);
    plan.release = true;
    plan
}

#[test]
fn s12_the_object_goes_when_nothing_is_left_or_a_person_lets_go_of_it() {
    let empty = || {
        v3().deleting().edit(|s| {
            for observation in s.observed.values_mut() {
                if let Observation::Known { resources, .. } = observation {
                    resources.clear();
                }
            }
        })
    };
    let snapshot = empty().snapshot();
    passes_plan(&snapshot, &release(&snapshot));
    let left = v3().deleting().snapshot();
    refused_plan(&left, &release(&left), Rule::S12, "Machine/w1 is left");
    let unread = empty().unknown("machine/w1").snapshot();
    refused_plan(&unread, &release(&unread), Rule::S12, "could not be read");
    let abandoned = v3()
        .deleting()
        .annotate(annotations::ABANDON, "demo")
        .snapshot();
    passes_plan(&abandoned, &release(&abandoned));
    let slip = v3()
        .deleting()
        .annotate(annotations::ABANDON, "dmeo")
        .snapshot();
    refused_plan(&slip, &release(&slip), Rule::S12, "is left");
    let orphaned = v3()
        .deleting()
        .spec(|s| s.deletion.policy = Some(DeletionPolicy::Orphan))
        .snapshot();
    passes_plan(&orphaned, &release(&orphaned));
    let protected = empty()
        .spec(|s| s.deletion.protected = Some(true))
        .snapshot();
    refused_plan(&protected, &release(&protected), Rule::S12, "protected");
    let alive = v3().snapshot();
    refused_plan(&alive, &release(&alive), Rule::S12, "not deleted");
    let paused = empty().paused().snapshot();
    refused_plan(&paused, &release(&paused), Rule::S9, "deletion waits");
}

// === S13 ===

fn changed(f: Fixture) -> Fixture {
    f.edited().wants("Config/cluster", "digest", "config-2")
}

fn apply(snapshot: &Snapshot, cause: Cause) -> [Step; 1] {
    [steps::set(snapshot, "Config/cluster", "digest", cause)]
}

fn policy(f: Fixture, policy: DisruptionPolicy) -> Fixture {
    f.spec(move |s| {
        s.disruption.config = Some(policy);
        s.disruption.masters = Some(policy);
        s.disruption.load_balancer = Some(policy);
    })
}

#[test]
fn s13_a_configuration_waits_until_nobody_is_there() {
    for f in [changed(v3()), changed(v2())] {
        let snapshot = f.snapshot();
        passes(&snapshot, apply(&snapshot, Cause::Config));
    }
    let snapshot = changed(v3()).rooms("w1", 12).rooms("w2", 4).snapshot();
    refused(
        &snapshot,
        apply(&snapshot, Cause::Config),
        Rule::S13,
        "cuts 16 rooms, 32 people",
    );
    let stream = Occupancy {
        ingress: 1,
        ..Occupancy::default()
    };
    let snapshot = changed(v3())
        .occupied("w1", OccupancySource::Ingress, stream)
        .snapshot();
    refused(
        &snapshot,
        apply(&snapshot, Cause::Config),
        Rule::S13,
        "1 ingress",
    );
}

#[test]
fn s13_and_until_everybody_said_so() {
    for f in [
        changed(v3()).unread("w1"),
        changed(v3()).readings_aged("w1", 15_001),
        changed(v3()).silent("w1", OccupancySource::Egress),
        changed(v3()).node("w1").unreachable(),
        changed(v3()).load("w1", 1001),
        changed(v2()).unknown("media"),
    ] {
        let snapshot = f.snapshot();
        refused(&snapshot, apply(&snapshot, Cause::Config), Rule::S2, "");
    }
}

#[test]
fn s13_the_user_may_allow_cuts() {
    let snapshot = policy(changed(v3()).rooms("w1", 12), DisruptionPolicy::Immediately).snapshot();
    passes(&snapshot, apply(&snapshot, Cause::Config));
    let window = |cron: &str| {
        let window = Window {
            cron: cron.to_owned(),
            time_zone: None,
            duration: "2h".parse().unwrap(),
        };
        policy(changed(v3()).rooms("w1", 12), DisruptionPolicy::InWindow)
            .spec(move |s| s.disruption.windows = vec![window])
    };
    // The moment of every fixture is 10:00 in UTC.
    let open = window("30 8 * * *").snapshot();
    passes(&open, apply(&open, Cause::Config));
    let shut = window("30 7 * * *").snapshot();
    refused(
        &shut,
        apply(&shut, Cause::Config),
        Rule::S13,
        "cuts 12 rooms",
    );
    let idle = policy(changed(v3()), DisruptionPolicy::InWindow).snapshot();
    passes(&idle, apply(&idle, Cause::Config));
}

#[test]
fn s13_drift_is_never_an_excuse_and_neither_is_a_cause_that_does_not_fit() {
    let f = || policy(changed(v3()).rooms("w1", 12), DisruptionPolicy::Immediately);
    let snapshot = f().snapshot();
    for cause in [
        Cause::Drift,
        Cause::Masters,
        Cause::Creation,
        Cause::Growth,
        Cause::Remediation,
        Cause::Force,
    ] {
        refused(
            &snapshot,
            apply(&snapshot, cause),
            Rule::S13,
            "cuts 12 rooms",
        );
    }
    let idle = v3().drifted("Config/cluster", "digest", "somebody's");
    let snapshot = idle.clone().snapshot();
    passes(&snapshot, apply(&snapshot, Cause::Drift));
    let snapshot = idle
        .spec(|s| s.drift = Some(DriftPolicy::Report))
        .snapshot();
    refused(
        &snapshot,
        apply(&snapshot, Cause::Drift),
        Rule::S13,
        "spec.drift is Report",
    );
}

#[test]
fn s13_a_configuration_that_is_missing_is_not_put_back_while_people_talk() {
    let snapshot = v3().missing("Config/cluster").snapshot();
    passes(
        &snapshot,
        [steps::create(&snapshot, "Config/cluster", Cause::Drift)],
    );
    let snapshot = v3().missing("Config/cluster").rooms("w2", 1).snapshot();
    refused(
        &snapshot,
        [steps::create(&snapshot, "Config/cluster", Cause::Drift)],
        Rule::S13,
        "cuts 1 rooms",
    );
}

#[test]
fn s13_masters_and_balancers_wait_too() {
    let busy = || v3().rooms("w1", 2);
    let snapshot = v3().snapshot();
    passes(&snapshot, [steps::stop(&snapshot, "m1", Cause::Masters)]);
    let snapshot = busy().snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "m1", Cause::Masters)],
        Rule::S13,
        "cuts 2 rooms",
    );
    let snapshot = policy(busy(), DisruptionPolicy::Immediately).snapshot();
    passes(&snapshot, [steps::stop(&snapshot, "m1", Cause::Masters)]);
    let snapshot = busy().node("m1").forced().snapshot();
    passes(&snapshot, [steps::stop(&snapshot, "m1", Cause::Force)]);

    let certificate = |f: Fixture| {
        let snapshot = f
            .edited()
            .wants("LoadBalancer/main", "certificate", "certificate-2")
            .snapshot();
        let step = steps::set(
            &snapshot,
            "LoadBalancer/main",
            "certificate",
            Cause::LoadBalancer,
        );
        (snapshot, [step])
    };
    let (snapshot, step) = certificate(v2());
    passes(&snapshot, step);
    let (snapshot, step) = certificate(v2().rooms("i-1", 2));
    refused(&snapshot, step, Rule::S13, "cuts 2 rooms");
    let lower = |f: Fixture| {
        let snapshot = f.snapshot();
        let step = steps::capacity(&snapshot, "masters", 2, 1, Cause::Masters);
        (snapshot, [step])
    };
    let (snapshot, step) = lower(v2().rooms("i-1", 2));
    refused(&snapshot, step, Rule::S13, "cuts 2 rooms");
}

#[test]
fn s13_a_gone_master_cuts_nobody() {
    let snapshot = v2().rooms("i-1", 2).node("i-m2").gone().snapshot();
    let op = Op::SetProtection {
        group: ovo_model::ResourceId::new("Group", "masters"),
        nodes: vec!["i-m2".into()],
        protected: false,
    };
    let unprotect = steps::step(
        &snapshot,
        op,
        ActKind::Unprotect,
        Role::Master,
        Cause::Remediation,
    );
    refused(&snapshot, [unprotect], Rule::S13, "cuts 2 rooms");
    let snapshot = v3().rooms("w1", 2).node("m2").stopped().snapshot();
    let stop = steps::stop(&v3().snapshot(), "m2", Cause::Masters);
    refused(
        &snapshot,
        [stop],
        Rule::S10,
        "everything is as this step would make it",
    );
}

#[test]
fn s13_software_is_installed_where_nobody_is() {
    let bare = |f: Fixture| f.missing("Machine/w2").node("w2");
    let install = |f: Fixture| {
        let snapshot = f.snapshot();
        let step = steps::set(&snapshot, "Machine/w2", "installed", Cause::Creation);
        (snapshot, [step])
    };
    let (snapshot, step) = install(bare(v3().node("w2").stopped()));
    passes(&snapshot, step);
    let (snapshot, step) = install(bare(v3()));
    refused(&snapshot, step, Rule::S13, "not known to be idle");
    let (snapshot, step) = install(bare(v3()).unreachable());
    refused(&snapshot, step, Rule::S2, "could not be read");
}
