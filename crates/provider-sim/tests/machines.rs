//! What the safety rules of a v3 deployment hang on, seen through the provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeMap;

use futures::FutureExt;
use ovo_api::act::ActKind;
use ovo_api::profile::OccupancySource;
use ovo_model::{
    MediaState, NodeName, Observation, Op, Outcome, ProviderError, ResourceId, Scope, Value,
};
use ovo_provider::Provider;
use ovo_world::{Harm, Job, RoomEnd, RoomPlan, Script, World, WorldConfig};
use support::{Hand, ID, v3};

fn hand() -> Hand {
    Hand::new(v3(3), WorldConfig::default())
}

fn room_on(hand: &Hand, node: &str, seconds: i64) {
    hand.script(Script::StartRoom {
        node: Some(node.into()),
        plan: RoomPlan::alone(seconds * 1000),
    });
}

fn harms(hand: &Hand) -> Vec<Harm> {
    hand.door()
        .look(|world| world.ledger().violations.iter().map(|v| v.harm).collect())
}

#[test]
fn a_cluster_comes_up_machine_by_machine() {
    let hand = hand();
    assert!(matches!(hand.install("m1"), Outcome::InProgress { .. }));
    assert!(
        matches!(hand.install("m1"), Outcome::InProgress { .. }),
        "the same job is attached to"
    );
    hand.up(2);
    assert_eq!(hand.install("m1"), Outcome::Done);
    let nodes = hand.nodes();
    assert_eq!(nodes.len(), 7);
    for (name, state) in [
        ("m1", MediaState::Serving),
        ("w1", MediaState::Serving),
        ("w2", MediaState::Serving),
        ("w3", MediaState::Absent),
    ] {
        assert_eq!(nodes[&NodeName::from(name)].media, state, "{name}");
    }
    assert!(nodes[&NodeName::from("w1")].healthy);
    assert_eq!(
        hand.start("w1"),
        Outcome::Done,
        "starting what runs changes nothing"
    );
    assert_eq!(hand.refs("w1").len(), 4);
    assert!(harms(&hand).is_empty());
}

#[test]
fn media_nodes_join_only_when_most_masters_run() {
    let hand = hand();
    for machine in ["m1", "m2", "m3", "w1"] {
        hand.install(machine);
    }
    hand.wait(300);
    for machine in ["m1", "m2", "w1"] {
        hand.start(machine);
    }
    hand.wait(300);
    assert_eq!(
        hand.node("w1").media,
        MediaState::Launching,
        "two of four is no majority"
    );
    hand.start("m3");
    hand.wait(120);
    assert_eq!(hand.node("w1").media, MediaState::Serving);
}

#[test]
fn the_first_signal_closes_and_what_runs_goes_on_to_its_end() {
    let hand = hand();
    hand.up(2);
    room_on(&hand, "w1", 600);
    hand.observe();
    hand.signal("w1");
    assert_eq!(hand.node("w1").media, MediaState::Closed);
    hand.wait(590);
    let node = hand.node("w1");
    let running: Vec<_> = node
        .containers
        .unwrap()
        .into_iter()
        .filter(|c| c.running)
        .map(|c| c.name)
        .collect();
    assert_eq!(
        running,
        ["openvidu", "agent-x", "caddy"],
        "egress and ingress had nothing to wait for"
    );
    hand.wait(20);
    let node = hand.node("w1");
    assert_eq!(node.media, MediaState::Absent);
    assert_eq!(node.running_drained().unwrap().count(), 0);
    hand.stop("w1");
    let node = hand.node("w1");
    assert!(!node.unit.unwrap().enabled && !node.unit.unwrap().active);
    hand.door().look(|world| {
        let ledger = world.ledger();
        assert_eq!(
            (ledger.drains_begun, ledger.nodes_ended, ledger.harms),
            (1, 1, 0)
        );
        let dep = world.find(ID).unwrap();
        assert_eq!(
            world.deployment(dep).log.recent[0].end,
            Some(RoomEnd::Natural)
        );
    });
}

#[test]
fn a_closed_node_takes_no_new_room_and_its_own_rooms_take_joiners() {
    let hand = hand();
    hand.up(2);
    room_on(&hand, "w1", 600);
    hand.signal("w1");
    for _ in 0..5 {
        hand.script(Script::StartRoom {
            node: None,
            plan: RoomPlan::alone(60_000),
        });
    }
    hand.door().look(|world| {
        let deployment = world.deployment(world.find(ID).unwrap());
        assert_eq!(deployment.rooms_on(&"w1".into()).count(), 1);
        assert_eq!(deployment.rooms_on(&"w2".into()).count(), 5);
    });
}

#[test]
fn a_second_signal_is_never_sent_where_a_marker_is_and_kills_where_it_was_lost() {
    let hand = hand();
    hand.up(2);
    room_on(&hand, "w1", 6000);
    let containers = hand.refs("w1");
    let op = Op::Signal {
        node: "w1".into(),
        containers,
    };
    hand.run(op.clone(), ActKind::Signal);
    hand.run(op.clone(), ActKind::Signal);
    assert!(
        harms(&hand).is_empty(),
        "the markers hold the second one back"
    );
    assert!(
        hand.node("w1")
            .containers
            .unwrap()
            .iter()
            .filter(|c| c.drained)
            .all(|c| c.marker.is_some())
    );
    hand.script(Script::LoseMarkers { node: "w1".into() });
    hand.run(op, ActKind::Signal);
    let harms = harms(&hand);
    assert!(
        harms.contains(&Harm::SecondSignal) && harms.contains(&Harm::Cut),
        "{harms:?}"
    );
    hand.door()
        .look(|world| assert_eq!(world.ledger().conversations_cut, 1));
}

#[test]
fn stopping_a_node_that_still_carries_somebody_is_a_cut() {
    let hand = hand();
    hand.up(2);
    room_on(&hand, "w1", 6000);
    hand.signal("w1");
    hand.stop("w1");
    assert_eq!(harms(&hand), [Harm::Cut]);
}

#[test]
fn a_recording_on_a_node_without_rooms_holds_its_egress() {
    let hand = hand();
    hand.up(1);
    let plan = RoomPlan {
        length: 600_000,
        people: Vec::new(),
        jobs: vec![(Job::Egress, 1_000, 630_000)],
    };
    hand.script(Script::StartRoom { node: None, plan });
    hand.wait(10);
    hand.signal("w1");
    hand.wait(604);
    let running = |hand: &Hand, name: &str| {
        hand.node("w1")
            .containers
            .unwrap()
            .iter()
            .any(|c| c.name == name && c.running)
    };
    assert!(!running(&hand, "openvidu"), "its room is over");
    assert!(running(&hand, "egress"), "its recording is not");
    assert_eq!(
        hand.read("w1")[&OccupancySource::Egress]
            .as_ref()
            .unwrap()
            .occupancy
            .egress,
        1
    );
    hand.wait(60);
    assert!(!running(&hand, "egress"));
    assert!(harms(&hand).is_empty());
}

#[test]
fn a_start_after_an_exit_is_a_new_start_that_takes_rooms() {
    let hand = hand();
    hand.up(1);
    let before = hand.refs("w1");
    hand.signal("w1");
    hand.wait(30);
    hand.script(Script::ComeBack { node: "w1".into() });
    let after = hand.refs("w1");
    assert_eq!(hand.node("w1").media, MediaState::Serving);
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((&old.name, &old.id), (&new.name, &new.id));
        assert_ne!(old.started_at, new.started_at);
    }
    assert!(
        hand.node("w1")
            .containers
            .unwrap()
            .iter()
            .all(|c| c.marker.is_none()),
        "the markers were another start's"
    );
}

#[test]
fn a_reboot_brings_back_what_is_enabled_and_only_that() {
    let hand = hand();
    hand.up(2);
    let boot = hand.node("w1").boot_id;
    hand.signal("w2");
    hand.wait(30);
    hand.stop("w2");
    for node in ["w1", "w2"] {
        hand.script(Script::PowerOff {
            node: node.into(),
            back: Some(60_000),
        });
    }
    let scopes = hand.observe();
    assert!(
        !scopes[&Scope::from("machine/w1")].is_known(),
        "a machine that is off does not answer"
    );
    hand.wait(300);
    assert_eq!(hand.node("w1").media, MediaState::Serving);
    assert_ne!(hand.node("w1").boot_id, boot);
    assert_eq!(hand.node("w2").media, MediaState::Absent);
}

#[test]
fn a_dead_machine_is_a_fault_and_a_hung_one_goes_on_carrying() {
    let hand = hand();
    hand.up(2);
    room_on(&hand, "w1", 6000);
    room_on(&hand, "w2", 60);
    hand.script(Script::Hang {
        node: "w2".into(),
        length: Some(120_000),
    });
    hand.script(Script::PowerOff {
        node: "w1".into(),
        back: None,
    });
    let answer = hand
        .try_run(Op::Stop { node: "w2".into() }, ActKind::End)
        .unwrap();
    assert!(
        matches!(answer, Err(ProviderError::Retryable(_))),
        "{answer:?}"
    );
    hand.wait(200);
    assert_eq!(hand.node("w2").media, MediaState::Serving);
    hand.door().look(|world| {
        let log = &world.deployment(world.find(ID).unwrap()).log;
        assert_eq!((log.fault, log.natural, log.cut), (1, 1, 0));
        assert_eq!(world.ledger().conversations_cut, 0);
    });
}

#[test]
fn a_changed_configuration_restarts_everything() {
    let hand = hand();
    hand.up(2);
    let config = |digest: &str| -> BTreeMap<String, Value> {
        [("digest".to_owned(), Value::Known(digest.into()))].into()
    };
    let resource = ResourceId::new("Config", "cluster");
    let set = |digest: &str| Op::Set {
        resource: resource.clone(),
        call: "PutConfig".to_owned(),
        properties: config(digest),
    };
    hand.script(Script::Vanish {
        resource: resource.clone(),
    });
    let create = Op::Create {
        resource: resource.clone(),
        call: "CreateConfig".to_owned(),
        properties: config("1"),
    };
    hand.run(create, ActKind::Create);
    hand.wait(60);
    room_on(&hand, "w1", 6000);
    let before = hand.refs("w1");
    hand.run(set("1"), ActKind::ApplyConfig);
    assert!(
        harms(&hand).is_empty(),
        "the same configuration changes nothing"
    );
    hand.run(set("2"), ActKind::ApplyConfig);
    assert_eq!(harms(&hand), [Harm::Cut]);
    assert_ne!(hand.refs("w1"), before);
}

#[test]
fn what_is_not_ours_is_refused_and_the_attempt_is_written_down() {
    let hand = hand();
    hand.observe();
    hand.script(Script::Claim {
        node: "w1".into(),
        owner: "other000".to_owned(),
    });
    let answer = hand
        .try_run(Op::Uninstall { node: "w1".into() }, ActKind::Uninstall)
        .unwrap();
    assert!(
        matches!(&answer, Err(ProviderError::Conflict(words)) if words.contains("other000")),
        "{answer:?}"
    );
    assert_eq!(harms(&hand), [Harm::ForeignTouched]);
}

#[test]
fn a_machine_refuses_a_leader_of_an_older_epoch() {
    let hand = hand();
    hand.up(1);
    let call = |epoch| ovo_provider::Call {
        secrets: &ovo_provider::NoSecrets,
        epoch,
    };
    let step = support::step(Op::Start { node: "w1".into() }, ActKind::Start);
    let run = |epoch| {
        hand.provider
            .execute(&hand.target, &step, call(epoch))
            .now_or_never()
            .unwrap()
    };
    assert_eq!(run(3), Ok(Outcome::Done));
    assert!(matches!(run(2), Err(ProviderError::Denied(_))));
}

#[test]
fn an_uninstalled_cluster_leaves_nothing() {
    let hand = hand();
    hand.up(2);
    let left = |hand: &Hand| {
        hand.door()
            .look(|w: &World| w.deployment(w.find(ID).unwrap()).leftovers())
    };
    assert_eq!(left(&hand).len(), 7);
    for name in ["w1", "w2", "w3", "m1", "m2", "m3", "m4"] {
        hand.run(Op::Uninstall { node: name.into() }, ActKind::Uninstall);
    }
    assert_eq!(left(&hand), Vec::<String>::new());
    assert!(harms(&hand).is_empty(), "{:?}", harms(&hand));
    let seen = hand.observe();
    let empty = seen
        .values()
        .all(|o| matches!(o, Observation::Known { resources, .. } if resources.is_empty()));
    assert!(empty);
}
