//! S1 and S2: how a media node may be ended, each bad plan beside its good neighbour.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::profile::OccupancySource;
use ovo_api::spec::{AtDeadline, DeletionDrain};
use ovo_api::value::Duration;
use ovo_model::{Cause, MediaState, Occupancy};
use ovo_planner::check::Rule;
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, refused};

fn three() -> Fixture {
    cluster()
        .v3()
        .media(["w1", "w2", "w3"])
        .replicas(2)
        .node("w3")
}

fn stop(f: &Fixture) -> [ovo_model::Step; 1] {
    [steps::stop(&f.clone().snapshot(), "w3", Cause::ScaleIn)]
}

#[track_caller]
fn no(f: Fixture, rule: Rule, words: &str) {
    let step = stop(&f);
    refused(&f.snapshot(), step, rule, words);
}

#[track_caller]
fn yes(f: Fixture) {
    let step = stop(&f);
    passes(&f.snapshot(), step);
}

#[test]
fn s1_a_node_that_is_closed_and_has_exited_and_was_read_since_may_be_stopped() {
    yes(three().exited());
}

#[test]
fn s1_an_empty_node_that_was_not_closed_may_not() {
    no(three(), Rule::S1, "w3 is not closed: it says Serving");
    no(
        three().launching(),
        Rule::S1,
        "w3 is not closed: it says Launching",
    );
}

#[test]
fn s1_a_closed_node_whose_containers_run_may_not() {
    no(three().closed(), Rule::S1, "not every container");
    no(
        three().exited().container("egress", |c| c.running = true),
        Rule::S1,
        "not every container",
    );
}

#[test]
fn s1_a_closing_that_this_process_did_not_see_does_not_count() {
    no(
        three().exited().closed_for("w3", None),
        Rule::S1,
        "has not seen it closed",
    );
}

#[test]
fn s1_readings_count_from_the_settle_time_on() {
    // Readings are two seconds old, and the settle time is ten.
    no(
        three().exited().closed_for("w3", 11_999),
        Rule::S1,
        "1 ms before the closing had settled",
    );
    yes(three().exited().closed_for("w3", 12_000));
}

#[test]
fn s1_what_any_source_still_sees_keeps_a_node_up() {
    let recording = Occupancy {
        egress: 1,
        ..Occupancy::default()
    };
    no(
        three().exited().rooms("w3", 2),
        Rule::S1,
        "w3 holds 2 rooms, 4 people",
    );
    no(
        three()
            .exited()
            .occupied("w3", OccupancySource::Egress, recording),
        Rule::S1,
        "1 egress",
    );
}

#[test]
fn s2_a_source_that_says_nothing_is_not_zero() {
    no(
        three().exited().silent("w3", OccupancySource::Ingress),
        Rule::S2,
        "Ingress said nothing",
    );
    no(
        three().exited().unread("w3"),
        Rule::S1,
        "has not seen it closed",
    );
}

#[test]
fn s2_a_reading_counts_for_fifteen_seconds() {
    yes(three()
        .exited()
        .closed_for("w3", 60_000)
        .readings_aged("w3", 15_000));
    no(
        three().exited().readings_aged("w3", 15_001),
        Rule::S2,
        "spoke 15001 ms ago",
    );
}

#[test]
fn s2_absurd_readings_are_no_readings() {
    let nobodys = Occupancy {
        participants: 3,
        ..Occupancy::default()
    };
    no(
        three()
            .exited()
            .occupied("w3", OccupancySource::LiveKit, nobodys),
        Rule::S2,
        "cannot be",
    );
    yes(three().exited().load("w3", 1000));
    no(three().exited().load("w3", 1001), Rule::S2, "cannot be");
    no(
        three().exited().readings_aged("w3", -1),
        Rule::S2,
        "a time to come",
    );
}

#[test]
fn s2_what_could_not_be_read_is_not_stopped() {
    no(
        three().exited().unreachable(),
        Rule::S2,
        "w3: it could not be read",
    );
}

#[test]
fn s1_a_typed_name_ends_any_node_but_only_its_own() {
    yes(three().rooms("w3", 3).forced());
    no(
        three()
            .rooms("w3", 3)
            .annotated("openvidu.io/force", "demo-w2"),
        Rule::S1,
        "not closed",
    );
    no(
        three().rooms("w3", 3).annotated("openvidu.io/force", "w3"),
        Rule::S1,
        "not closed",
    );
}

#[test]
fn s1_a_deadline_ends_a_drain_only_where_the_user_says_so() {
    let late = |at| {
        three().closed().rooms("w3", 3).spec(move |s| {
            s.media.drain.deadline = Some(Duration::from_secs(70));
            s.media.drain.at_deadline = Some(at);
        })
    };
    yes(late(AtDeadline::Force));
    no(late(AtDeadline::Wait), Rule::S1, "not every container");
    let early =
        late(AtDeadline::Force).spec(|s| s.media.drain.deadline = Some(Duration::from_secs(71)));
    no(early, Rule::S1, "not every container");
}

#[test]
fn s1_a_dead_node_may_be_ended_one_that_its_engine_revives_may_not() {
    yes(three().crashed());
    no(
        three()
            .crashed()
            .container("openvidu", |c| c.revived_by_engine = true),
        Rule::S1,
        "has not seen it closed",
    );
    no(
        three()
            .crashed()
            .container("openvidu", |c| c.running = true),
        Rule::S1,
        "not closed",
    );
}

#[test]
fn s1_a_node_that_never_joined_may_be_ended_after_its_limit_one_that_was_ever_seen_busy_may_not() {
    yes(three().never_joined());
    no(three().launching(), Rule::S1, "not closed");
    no(
        three().never_joined().rooms("w3", 1),
        Rule::S1,
        "not closed",
    );
    no(
        three()
            .never_joined()
            .observed(|n| n.media = MediaState::Serving),
        Rule::S1,
        "not closed",
    );
    no(
        three().never_joined().unreachable(),
        Rule::S2,
        "could not be read",
    );
}

#[test]
fn s1_while_a_node_drains_nothing_else_that_runs_is_stopped() {
    let one_drains = || {
        cluster()
            .v3()
            .media(["w1", "w2", "w3"])
            .node("w2")
            .closed()
            .node("w3")
    };
    let master = |f: &Fixture| [steps::stop(&f.clone().snapshot(), "m1", Cause::Masters)];
    let f = one_drains();
    let step = master(&f);
    refused(&f.snapshot(), step, Rule::S1, "w2 drains");
    // What is started disturbs nobody, and what has exited is not running.
    let f = one_drains().node("w3").exited();
    let step = stop(&f);
    passes(&f.snapshot(), step);
    let f = one_drains().node("w3").stopped().replicas(3);
    let step = [steps::start(&f.clone().snapshot(), "w3", Cause::Growth)];
    passes(&f.snapshot(), step);
}

#[test]
fn s1_what_closes_and_what_restarts_are_not_in_one_plan() {
    let f = cluster()
        .v3()
        .media(["w1", "w2"])
        .replicas(1)
        .edited()
        .wants("Config/cluster", "digest", "config-2");
    let snapshot = f
        .node("w2")
        .draining(ovo_api::node::DrainCause::ScaleIn)
        .snapshot();
    let restart = steps::set(&snapshot, "Config/cluster", "digest", Cause::Config);
    let signal = steps::signal(&snapshot, "w2", Cause::ScaleIn);
    refused(&snapshot, [restart, signal], Rule::S1, "w2 drains");
}

#[test]
fn s1_a_machine_is_uninstalled_only_when_it_is_stopped() {
    let f = three().stopped().unlisted();
    let step = [steps::uninstall(
        &f.clone().snapshot(),
        "w3",
        Cause::ScaleIn,
    )];
    passes(&f.snapshot(), step);
    let f = three().unlisted();
    let step = [steps::uninstall(
        &f.clone().snapshot(),
        "w3",
        Cause::ScaleIn,
    )];
    refused(&f.snapshot(), step, Rule::S1, "not known to be stopped");
}

#[test]
fn s1_deletion_ends_nodes_at_once_only_where_the_user_says_so() {
    let f = |drain| {
        three()
            .rooms("w3", 3)
            .deleting()
            .spec(move |s| s.deletion.drain = Some(drain))
    };
    yes(f(DeletionDrain::Force));
    no(f(DeletionDrain::Wait), Rule::S1, "not closed");
}

#[test]
fn s1_openvidu_2_ends_its_own_nodes() {
    let v2 = || cluster().v2().media(["i-1", "i-2"]).node("i-2");
    let ends = |f: &Fixture| {
        [steps::terminate(
            &f.clone().snapshot(),
            "i-2",
            Cause::Remediation,
        )]
    };
    let bare = |f: &Fixture| {
        [steps::protection(
            &f.clone().snapshot(),
            ["i-2"],
            false,
            Cause::ScaleIn,
        )]
    };
    for f in [v2(), v2().closed(), v2().unreachable()] {
        let (end, unprotect) = (ends(&f), bare(&f));
        refused(
            &f.clone().snapshot(),
            end,
            Rule::S1,
            "OpenVidu's masters end media nodes",
        );
        refused(
            &f.snapshot(),
            unprotect,
            Rule::S1,
            "OpenVidu's masters end media nodes",
        );
    }
    for f in [v2().forced(), v2().never_joined()] {
        let (end, unprotect) = (ends(&f), bare(&f));
        passes(&f.clone().snapshot(), end);
        passes(&f.snapshot(), unprotect);
    }
}
