//! S1, S2, S4 and S5: who may be closed, how many at once, and how often a node hears of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod verdict;

use ovo_api::node::{DrainCause, NodePhase, SignalState};
use ovo_model::{Cause, MediaState, NodeWrite, Presence, SignalMarker, Step};
use ovo_planner::check::{Rule, recheck};
use ovo_planner::fixtures::{Fixture, cluster, steps};
use verdict::{passes, refused, refused_plan};

fn three() -> Fixture {
    cluster()
        .v3()
        .media(["w1", "w2", "w3"])
        .replicas(2)
        .node("w3")
}

fn decided() -> Fixture {
    three().draining(DrainCause::ScaleIn)
}

fn signal(f: &Fixture) -> [Step; 1] {
    [steps::signal(&f.clone().snapshot(), "w3", Cause::ScaleIn)]
}

#[track_caller]
fn no(f: Fixture, rule: Rule, words: &str) {
    let step = signal(&f);
    refused(&f.snapshot(), step, rule, words);
}

#[track_caller]
fn yes(f: Fixture) {
    let step = signal(&f);
    passes(&f.snapshot(), step);
}

#[test]
fn s4_a_recorded_intent_to_drain_is_carried_out_even_while_rooms_last() {
    yes(decided());
    yes(decided().rooms("w3", 8));
}

#[test]
fn s4_without_a_record_nothing_is_signalled() {
    no(three(), Rule::S4, "no record of a drain");
    no(
        decided().record(|r| r.phase = NodePhase::Serving),
        Rule::S4,
        "no record of a drain",
    );
    let without_signals = decided().record(|r| r.drain.as_mut().unwrap().signals.clear());
    no(
        without_signals,
        Rule::S4,
        "no signal to openvidu is recorded as intended",
    );
}

#[test]
fn s4_what_was_sent_is_never_sent_again() {
    for state in [SignalState::Sent, SignalState::Unconfirmed] {
        let f = decided().record(move |r| r.drain.as_mut().unwrap().signals[0].state = state);
        no(f, Rule::S4, "the signal to openvidu is recorded as");
    }
    let marked = decided().container("openvidu", |c| {
        c.marker = Some(SignalMarker { age_ms: 9_000 });
    });
    let snapshot = marked.clone().snapshot();
    let everyone = snapshot
        .observed_nodes()
        .find(|n| &*n.name.0 == "w3")
        .unwrap();
    let all = everyone
        .containers
        .iter()
        .flatten()
        .filter(|c| c.drained)
        .map(ovo_model::Container::reference);
    let step = steps::signal_to(&snapshot, "w3", all.collect(), Cause::ScaleIn);
    refused(&snapshot, [step], Rule::S4, "has a marker, 9000 ms old");
    // A script that died half-way is carried on with those that have no marker.
    yes(marked);
}

#[test]
fn s4_a_plan_cannot_make_a_sent_signal_unsent() {
    let sent = decided().record(|r| r.drain.as_mut().unwrap().signals[0].state = SignalState::Sent);
    let snapshot = sent.snapshot();
    let mut plan = steps::plan(&snapshot, signal(&three_again(&snapshot)));
    let mut status = snapshot
        .nodes
        .iter()
        .find(|(n, _)| &*n.0 == "w3")
        .unwrap()
        .1
        .status
        .clone()
        .unwrap();
    status.drain.as_mut().unwrap().signals[0].state = SignalState::Intended;
    plan.nodes = vec![NodeWrite::Status {
        node: "w3".into(),
        status: Box::new(status),
    }];
    refused_plan(
        &snapshot,
        &plan,
        Rule::S4,
        "would forget the signal to openvidu (Sent)",
    );
    refused_plan(
        &snapshot,
        &plan,
        Rule::S4,
        "the signal to openvidu is recorded as Sent",
    );
}

fn three_again(snapshot: &ovo_model::Snapshot) -> Fixture {
    let snapshot = snapshot.clone();
    three().edit(move |s| *s = snapshot)
}

#[test]
fn s4_no_record_of_a_running_container_is_dropped() {
    let snapshot = three().closed().snapshot();
    let mut plan = steps::quiet(&snapshot);
    plan.nodes = vec![NodeWrite::Remove { node: "w3".into() }];
    refused_plan(
        &snapshot,
        &plan,
        Rule::S4,
        "would forget the signal to openvidu",
    );
}

#[test]
fn s4_another_start_of_a_container_is_another_process() {
    no(
        decided().container("openvidu", |c| c.started_at = "later".to_owned()),
        Rule::S4,
        "no signal to openvidu",
    );
    let f = decided();
    let step = signal(&f);
    let restarted = f.container("openvidu", |c| c.started_at = "later".to_owned());
    refused(
        &restarted.snapshot(),
        step,
        Rule::S4,
        "no start of openvidu with id w3-openvidu-1",
    );
}

#[test]
fn s4_a_container_that_its_engine_would_revive_is_not_signalled() {
    no(
        decided().container("ingress", |c| c.revived_by_engine = true),
        Rule::S4,
        "would start ingress again",
    );
}

#[test]
fn s4_what_may_be_closed_already_is_not_signalled() {
    for state in [MediaState::Closed, MediaState::Leaving, MediaState::Unknown] {
        no(
            decided().observed(move |n| n.media = state),
            Rule::S4,
            "may be closed already",
        );
    }
}

#[test]
fn s4_all_that_is_due_is_signalled_together_and_nothing_twice() {
    let f = decided();
    let snapshot = f.clone().snapshot();
    let [step] = signal(&f);
    let ovo_model::Op::Signal { containers, .. } = &step.op else {
        panic!("a signal")
    };
    let some = steps::signal_to(&snapshot, "w3", containers[..1].to_vec(), Cause::ScaleIn);
    refused(&snapshot, [some], Rule::S4, "ingress is due too");
    let twice = [containers.clone(), containers[..1].to_vec()].concat();
    refused(
        &snapshot,
        [steps::signal_to(&snapshot, "w3", twice, Cause::ScaleIn)],
        Rule::S4,
        "named twice",
    );
    refused(&snapshot, [step.clone(), step], Rule::Shape, "twice");
}

#[test]
fn s2_nothing_is_closed_for_size_while_any_open_node_is_unknown() {
    no(decided().unread("w1"), Rule::S2, "w1: LiveKit said nothing");
    no(
        decided().readings_aged("w1", 20_000),
        Rule::S2,
        "w1: LiveKit spoke 20000 ms ago",
    );
    no(
        decided().load("w2", 1001),
        Rule::S2,
        "w2: LiveKit says what cannot be",
    );
    no(
        decided().window("w1", 11),
        Rule::S2,
        "11 readings of LiveKit, 12 are a full window",
    );
    yes(decided().window("w1", 12));
    // Who is told by name to go does not wait for the others.
    yes(three()
        .drain_asked()
        .draining(DrainCause::Requested)
        .unread("w1"));
}

#[test]
fn s2_the_cause_of_a_drain_must_be_true() {
    no(
        three().draining(DrainCause::Requested),
        Rule::S2,
        "because of Requested",
    );
    no(
        three().draining(DrainCause::Removed),
        Rule::S2,
        "because of Removed",
    );
    no(
        three().draining(DrainCause::NodeDeleted),
        Rule::S2,
        "because of NodeDeleted",
    );
    no(
        three().draining(DrainCause::ClusterDeleted),
        Rule::S2,
        "because of ClusterDeleted",
    );
    yes(three().unlisted().draining(DrainCause::Removed));
    yes(three().object_deleted().draining(DrainCause::NodeDeleted));
    yes(three().deleting().draining(DrainCause::ClusterDeleted));
}

#[test]
fn s5_a_new_node_has_two_minutes() {
    no(
        decided().joined_for(119_000),
        Rule::S5,
        "119000 ms, 120000 are its grace",
    );
    yes(decided().joined_for(120_000));
    no(decided().record(|r| r.joined_at = None), Rule::S5, "0 ms");
}

#[test]
fn s1_no_more_drains_begin_than_may_run_at_once() {
    let begin = |at_once: i32| {
        let snapshot = cluster()
            .v3()
            .media(["w1", "w2", "w3"])
            .drains_at_once(at_once)
            .node("w2")
            .closed()
            .snapshot();
        let record = decided().snapshot().nodes.remove("w3").unwrap();
        let mut plan = steps::quiet(&snapshot);
        let status = Box::new(record.status.clone().unwrap());
        plan.nodes = vec![NodeWrite::Status {
            node: "w3".into(),
            status,
        }];
        (snapshot, plan)
    };
    let (snapshot, plan) = begin(1);
    refused_plan(
        &snapshot,
        &plan,
        Rule::S1,
        "2 media nodes would drain at once, at most 1 may",
    );
    let (snapshot, plan) = begin(2);
    verdict::passes_plan(&snapshot, &plan);
}

#[test]
fn s1_a_deadline_does_not_begin_before_its_drain() {
    let snapshot = three().snapshot();
    let record = decided().snapshot().nodes.remove("w3").unwrap();
    let mut status = record.status.clone().unwrap();
    status.drain.as_mut().unwrap().requested_at = ovo_model::Wall(0).to_time();
    let mut plan = steps::quiet(&snapshot);
    plan.nodes = vec![NodeWrite::Status {
        node: "w3".into(),
        status: Box::new(status),
    }];
    refused_plan(&snapshot, &plan, Rule::S1, "begin earlier than it did");
}

#[test]
fn a_step_is_judged_again_by_what_is_stored_and_seen_then() {
    let f = decided();
    let [step] = signal(&f);
    let committed = f.clone().committed([&step]);
    assert_eq!(recheck(&committed.clone().snapshot(), &step), []);
    let rules = |f: Fixture| {
        recheck(&f.snapshot(), &step)
            .into_iter()
            .map(|r| r.rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(f), [Rule::Intent]);
    assert_eq!(rules(committed.clone().unread("w1")), [Rule::S2; 3]);
    assert!(rules(committed.paused()).contains(&Rule::S9));
}

// === OpenVidu 2: the masters choose ===

fn v2() -> Fixture {
    cluster().v2().media(["i-1", "i-2", "i-3"]).replicas(2)
}

#[track_caller]
fn shrink_no(f: Fixture, from: i64, to: i64, rule: Rule, words: &str) {
    let snapshot = f.snapshot();
    refused(
        &snapshot,
        [steps::capacity(
            &snapshot,
            "media",
            from,
            to,
            Cause::ScaleIn,
        )],
        rule,
        words,
    );
}

#[track_caller]
fn shrink_yes(f: Fixture, from: i64, to: i64) {
    let snapshot = f.snapshot();
    passes(
        &snapshot,
        [steps::capacity(
            &snapshot,
            "media",
            from,
            to,
            Cause::ScaleIn,
        )],
    );
}

#[test]
fn s1_a_group_shrinks_only_when_every_member_is_protected() {
    shrink_yes(v2(), 3, 2);
    shrink_yes(v2().rooms("i-1", 5).rooms("i-2", 5).rooms("i-3", 5), 3, 2);
    shrink_no(
        v2().node("i-3").observed(|n| n.protected = Some(false)),
        3,
        2,
        Rule::S1,
        "i-3 is not protected",
    );
    shrink_no(
        v2().node("i-3").observed(|n| n.protected = None),
        3,
        2,
        Rule::S1,
        "i-3 is not protected",
    );
    shrink_no(
        v2().node("i-3").pending(),
        3,
        2,
        Rule::S1,
        "i-3 is not in service yet",
    );
    shrink_no(
        v2().drifted("Group/media", "newInstancesProtected", false),
        3,
        2,
        Rule::S1,
        "does not protect new",
    );
}

#[test]
fn s1_a_group_shrinks_by_no_more_than_may_drain_at_once() {
    shrink_no(
        v2(),
        3,
        1,
        Rule::S1,
        "2 media nodes would drain at once, at most 1 may",
    );
    shrink_yes(v2().drains_at_once(2), 3, 1);
    // One is closing already, seen or only asked for.
    shrink_no(
        v2().node("i-3").closed(),
        3,
        2,
        Rule::S1,
        "2 media nodes would drain at once",
    );
    shrink_no(
        v2().drifted("Group/media", "desired", 2),
        2,
        1,
        Rule::S1,
        "2 media nodes would drain at once",
    );
    let leaving = v2().node("i-3").observed(|n| {
        n.presence = Presence::Terminating;
        n.protected = Some(false);
    });
    shrink_yes(
        leaving
            .drifted("Group/media", "desired", 2)
            .drains_at_once(2),
        2,
        1,
    );
}

#[test]
fn s2_a_group_does_not_shrink_while_a_member_is_unknown_or_new() {
    shrink_no(
        v2().unread("i-1"),
        3,
        2,
        Rule::S2,
        "i-1: MediaNodes said nothing",
    );
    shrink_no(
        v2().window("i-1", 3),
        3,
        2,
        Rule::S2,
        "3 readings of MediaNodes",
    );
    shrink_no(v2().node("i-2").joined_for(60_000), 3, 2, Rule::S5, "i-2");
    shrink_no(v2().unknown("media"), 3, 2, Rule::S2, "could not be read");
}

#[test]
fn s1_a_lower_maximum_is_a_shrink_in_disguise() {
    let f = v2().edited().wants("Group/media", "max", 2);
    let snapshot = f.snapshot();
    refused(
        &snapshot,
        [steps::set(&snapshot, "Group/media", "max", Cause::Config)],
        Rule::S1,
        "maximum of 2",
    );
    let f = v2().edited().wants("Group/media", "max", 3);
    let snapshot = f.snapshot();
    passes(
        &snapshot,
        [steps::set(&snapshot, "Group/media", "max", Cause::Config)],
    );
}

#[test]
fn s5_a_closed_node_is_taken_back_before_another_is_launched() {
    let f = || {
        let f = cluster()
            .v2()
            .media(["i-1", "i-2", "i-3"])
            .drifted("Group/media", "desired", 2);
        f.at_most(5, 1).node("i-3").closed()
    };
    let snapshot = f().snapshot();
    passes(
        &snapshot,
        [steps::capacity(&snapshot, "media", 2, 3, Cause::Growth)],
    );
    refused(
        &snapshot,
        [steps::capacity(&snapshot, "media", 2, 4, Cause::Growth)],
        Rule::S5,
        "can be taken back",
    );
}

#[test]
fn nobody_closes_a_named_node_by_openvidus_api() {
    use ovo_api::act::{ActKind, Role};
    let snapshot = v2().snapshot();
    let op = ovo_model::Op::Close { node: "i-1".into() };
    let step = steps::step(&snapshot, op, ActKind::Close, Role::Media, Cause::ScaleIn);
    refused(&snapshot, [step], Rule::Shape, "lets nobody close");
}
