//! S3, S6 and S7: masters, how many nodes there may be, and when repair stops.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::spec::DisruptionPolicy;
use ovo_model::{Cause, Op, Scalar, Value};
use ovo_planner::check::Rule;
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, refused};

fn v3() -> Fixture {
    cluster().v3().media(["w1"])
}

fn v2() -> Fixture {
    cluster().v2().media(["i-1"])
}

#[test]
fn s3_one_master_may_be_disrupted() {
    let snapshot = v3().snapshot();
    passes(&snapshot, [steps::stop(&snapshot, "m1", Cause::Masters)]);
    let two = ["m1", "m2"].map(|m| steps::stop(&snapshot, m, Cause::Masters));
    refused(&snapshot, two, Rule::S3, "2 masters would be disrupted");
}

#[test]
fn s3_not_while_another_one_is_down_or_unknown() {
    for f in [
        v3().node("m2").unhealthy(),
        v3().node("m2").unreachable(),
        v3().node("m2").gone(),
    ] {
        let snapshot = f.snapshot();
        refused(
            &snapshot,
            [steps::stop(&snapshot, "m1", Cause::Masters)],
            Rule::S3,
            "1 other masters are down",
        );
        // The one that is down is the one that may be touched.
        let snapshot = v3().node("m2").unhealthy().snapshot();
        passes(&snapshot, [steps::stop(&snapshot, "m2", Cause::Masters)]);
    }
}

#[test]
fn s3_never_below_the_quorum() {
    let f = v3().nodes(["m3", "m4"]).unhealthy();
    let snapshot = f.snapshot();
    refused(
        &snapshot,
        [steps::stop(&snapshot, "m1", Cause::Masters)],
        Rule::S3,
        "1 healthy masters would be left, 3 of 4",
    );
    // OpenVidu 2 keeps its state elsewhere: one is enough, none is not.
    let shrink = |f: Fixture, from, to| {
        let snapshot = f.snapshot();
        let step = steps::capacity(&snapshot, "masters", from, to, Cause::Masters);
        (snapshot, [step])
    };
    let (snapshot, step) = shrink(v2(), 2, 1);
    passes(&snapshot, step);
    let (snapshot, step) = shrink(v2().node("i-m2").unhealthy(), 2, 1);
    refused(&snapshot, step, Rule::S3, "i-m2");
    let (snapshot, step) = shrink(v2(), 2, 0);
    refused(&snapshot, step, Rule::S3, "2 masters would be disrupted");
}

#[test]
fn s3_a_restart_of_all_leaves_no_room_for_another() {
    let f = v3().edited().wants("Config/cluster", "digest", "config-2");
    let f = f.spec(|s| s.disruption.config = Some(DisruptionPolicy::Immediately));
    let snapshot = f.snapshot();
    let restart = steps::set(&snapshot, "Config/cluster", "digest", Cause::Config);
    passes(&snapshot, [restart.clone()]);
    refused(
        &snapshot,
        [restart, steps::stop(&snapshot, "m1", Cause::Masters)],
        Rule::S3,
        "2 masters would be disrupted",
    );
}

fn pool(serving: usize, standby: usize) -> Fixture {
    let names: Vec<String> = (1..=serving + standby).map(|i| format!("w{i}")).collect();
    let f = cluster()
        .v3()
        .media(&names)
        .nodes(&names[serving..])
        .stopped();
    f.at_most(i32::try_from(serving).unwrap() + 1, 1)
}

fn starts<const N: usize>(
    f: Fixture,
    names: [&str; N],
) -> (ovo_model::Snapshot, [ovo_model::Step; N]) {
    let snapshot = f.snapshot();
    let steps = names.map(|n| steps::start(&snapshot, n, Cause::Growth));
    (snapshot, steps)
}

#[test]
fn s6_starts_add_up_to_max() {
    let (snapshot, steps) = starts(pool(2, 2), ["w3"]);
    passes(&snapshot, steps);
    let (snapshot, steps) = starts(pool(2, 2), ["w3", "w4"]);
    refused(
        &snapshot,
        steps,
        Rule::S6,
        "2 media nodes take sessions and 2 are started, at most 3 may",
    );
}

#[test]
fn s6_draining_nodes_count_against_the_surge() {
    // Three may serve and one more may be there: w1 serves, w2 drains.
    let f = || pool(2, 2).node("w2").closed();
    let (snapshot, steps) = starts(f(), ["w3", "w4"]);
    passes(&snapshot, steps);
    let (snapshot, steps) = starts(f().at_most(3, 0), ["w3", "w4"]);
    refused(
        &snapshot,
        steps,
        Rule::S6,
        "2 media nodes run or may run and 2 are started, max 3 + surge 0",
    );
}

#[test]
fn s6_what_cannot_be_seen_is_there() {
    let f = pool(2, 2).at_most(2, 1).nodes(["w1", "w2"]).unreachable();
    // How many may be ill is rule S7's; here it is only about how many there may be.
    let f = f.spec(|s| s.media.remediation.max_unhealthy = "100%".parse().ok());
    let (snapshot, steps) = starts(f.clone(), ["w3"]);
    passes(&snapshot, steps);
    let (snapshot, steps) = starts(f, ["w3", "w4"]);
    refused(
        &snapshot,
        steps,
        Rule::S6,
        "2 media nodes run or may run and 2 are started",
    );
}

#[test]
fn s6_a_capacity_stays_within_max_and_surge() {
    let grow = |f: Fixture, from, to| {
        let snapshot = f.snapshot();
        let step = steps::capacity(&snapshot, "media", from, to, Cause::Growth);
        (snapshot, [step])
    };
    let (snapshot, step) = grow(v2().at_most(4, 0), 1, 4);
    passes(&snapshot, step);
    let (snapshot, step) = grow(v2().at_most(4, 0), 1, 5);
    refused(
        &snapshot,
        step,
        Rule::S6,
        "5 media nodes, 0 of them closed: max 4 + surge 0",
    );
    let (snapshot, step) = grow(v2().at_most(4, 0), 2, 3);
    refused(
        &snapshot,
        step,
        Rule::S6,
        "the capacity of Group/media is 1, not 2",
    );
    let snapshot = v2().at_most(4, 0).snapshot();
    let twice = [(1, 2), (1, 3)]
        .map(|(from, to)| steps::capacity(&snapshot, "media", from, to, Cause::Growth));
    refused(&snapshot, twice, Rule::S6, "set twice");
    let (snapshot, step) = grow(v2().at_most(4, 0).unknown("media"), 1, 2);
    refused(&snapshot, step, Rule::S2, "could not be read");
}

#[test]
fn s6_a_minimum_and_a_creation_grow_as_well() {
    let snapshot = v2()
        .at_most(3, 0)
        .edited()
        .wants("Group/media", "min", 4)
        .snapshot();
    refused(
        &snapshot,
        [steps::set(&snapshot, "Group/media", "min", Cause::Config)],
        Rule::S6,
        "4 media nodes",
    );
    let create = |count: i64| {
        let f = v2().at_most(3, 0).from_nothing();
        let snapshot = f
            .edit(|s| have(s, "LaunchTemplate/media", "media"))
            .snapshot();
        let mut step = steps::create(&snapshot, "Group/media", Cause::Creation);
        let Op::Create { properties, .. } = &mut step.op else {
            panic!("a creation")
        };
        properties.insert("desired".to_owned(), Value::Known(Scalar::Int(count)));
        (snapshot, [step])
    };
    let (snapshot, step) = create(3);
    passes(&snapshot, step);
    let (snapshot, step) = create(4);
    refused(&snapshot, step, Rule::S6, "4 media nodes");
}

/// Puts a resource that is as declared back into a world from nothing.
fn have(snapshot: &mut ovo_model::Snapshot, resource: &str, scope: &str) {
    let whole = v2().snapshot();
    let found = whole.observed.values().find_map(|o| match o {
        ovo_model::Observation::Known { resources, .. } => resources
            .values()
            .find(|r| r.id.to_string() == resource)
            .cloned(),
        ovo_model::Observation::Unknown { .. } => None,
    });
    let found = found.unwrap();
    let Some(ovo_model::Observation::Known { resources, .. }) =
        snapshot.observed.get_mut(&scope.into())
    else {
        panic!("a known scope")
    };
    resources.insert(found.id.clone(), found);
}

#[test]
fn s6_masters_have_a_maximum_too() {
    let snapshot = v2().snapshot();
    passes(
        &snapshot,
        [steps::capacity(&snapshot, "masters", 2, 4, Cause::Masters)],
    );
    refused(
        &snapshot,
        [steps::capacity(&snapshot, "masters", 2, 5, Cause::Masters)],
        Rule::S6,
        "5 masters, at most 4",
    );
}

#[test]
fn s7_a_start_in_the_stead_of_an_ill_node_is_repair() {
    let f = |ill: &[&str]| {
        pool(2, 1)
            .replicas(2)
            .at_most(2, 1)
            .nodes(ill)
            .unreachable()
    };
    let (snapshot, steps) = starts(f(&["w1"]), ["w3"]);
    passes(&snapshot, steps);
    let (snapshot, steps) = starts(f(&["w1", "w2"]), ["w3"]);
    refused(&snapshot, steps, Rule::S7, "2 of 2 nodes");
}

#[test]
fn s7_repair_stops_when_too_many_are_ill() {
    let crashed = |ill: usize, n: usize| {
        let names: Vec<String> = (1..=n).map(|i| format!("w{i}")).collect();
        cluster().v3().media(&names).nodes(&names[..ill]).crashed()
    };
    // 40 % of five is two.
    let snapshot = crashed(2, 5).snapshot();
    passes(
        &snapshot,
        [steps::stop(&snapshot, "w1", Cause::Remediation)],
    );
    let snapshot = crashed(3, 5).snapshot();
    // Whatever the step says that it is for.
    for cause in [Cause::Remediation, Cause::ScaleIn, Cause::Growth] {
        let step = steps::stop(&snapshot, "w1", cause);
        refused(
            &snapshot,
            [step],
            Rule::S7,
            "3 of 5 nodes of role Media are unhealthy, more than 2",
        );
    }
    let snapshot = crashed(3, 5)
        .spec(|s| s.media.remediation.max_unhealthy = "60%".parse().ok())
        .snapshot();
    passes(
        &snapshot,
        [steps::stop(&snapshot, "w1", Cause::Remediation)],
    );
    // One may always be repaired, and what a person typed is no repair.
    let snapshot = crashed(1, 1).snapshot();
    passes(
        &snapshot,
        [steps::stop(&snapshot, "w1", Cause::Remediation)],
    );
    let snapshot = crashed(3, 5)
        .node("w1")
        .annotated(annotations::FORCE, "demo-w1")
        .snapshot();
    passes(&snapshot, [steps::stop(&snapshot, "w1", Cause::Force)]);
}

#[test]
fn s7_instances_that_never_join_stop_their_own_replacement() {
    let f = |ill: usize| {
        let names = ["i-1", "i-2", "i-3", "i-4", "i-5"];
        cluster()
            .v2()
            .media(names)
            .nodes(&names[..ill])
            .never_joined()
    };
    let snapshot = f(2).snapshot();
    passes(
        &snapshot,
        ["i-1", "i-2"].map(|n| steps::terminate(&snapshot, n, Cause::Remediation)),
    );
    let snapshot = f(3).snapshot();
    refused(
        &snapshot,
        [steps::terminate(&snapshot, "i-1", Cause::Remediation)],
        Rule::S7,
        "3 of 5",
    );
    let snapshot = f(2).node("i-5").unreachable().snapshot();
    refused(
        &snapshot,
        [steps::terminate(&snapshot, "i-1", Cause::Remediation)],
        Rule::S7,
        "3 of 5",
    );
    // Protection is never in the way of repair.
    let op = Op::SetProtection {
        group: ovo_model::ResourceId::new("Group", "media"),
        nodes: vec!["i-4".into()],
        protected: true,
    };
    let snapshot = f(3)
        .node("i-4")
        .observed(|n| n.protected = Some(false))
        .snapshot();
    passes(
        &snapshot,
        [steps::step(
            &snapshot,
            op,
            ActKind::Protect,
            Role::Media,
            Cause::Remediation,
        )],
    );
}
