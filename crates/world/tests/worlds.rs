//! A world is what its seed and its inputs make it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_model::{Cause, ContainerRef, Executor, NodeName, Op, ResourceId, Step, Value, Wall};
use ovo_world::{
    Act, AdversaryConfig, Dep, FaultRates, Harm, Input, RoomEnd, RoomPlan, Script, Shape, Sight,
    SightedMachine, World, WorldConfig,
};

const ID: &str = "abcd1234";
const DAY: i64 = 86_400_000;

fn sight(media: usize) -> Sight {
    let machine = |name: String, role, address: String| SightedMachine {
        name: name.as_str().into(),
        role,
        address: address.into(),
    };
    let masters = (1..=4).map(|n| machine(format!("m{n}"), Role::Master, format!("10.0.0.{n}")));
    let media = (1..=media).map(|n| machine(format!("w{n}"), Role::Media, format!("10.0.1.{n}")));
    Sight {
        deployment: ID.into(),
        owner: None,
        shape: Shape::Machines,
        machines: masters.chain(media).collect(),
        limit: Some(13),
    }
}

fn step(op: Op, act: ActKind) -> Step {
    let (id, cuts) = (op.id(), Cuts::Nothing);
    Step {
        id,
        op,
        act,
        role: None,
        cuts,
        cause: Cause::ScaleIn,
        reason: String::new(),
        executor: Executor::Provider,
    }
}

fn act(world: &mut World, op: Op, kind: ActKind) {
    act_in_part(world, op, kind, None);
}

fn act_in_part(world: &mut World, op: Op, kind: ActKind, limit: Option<u32>) {
    let looked = world.mark();
    let act = Act {
        deployment: ID.into(),
        step: step(op, kind),
        looked,
        epoch: 1,
        limit,
    };
    world.execute(&act).unwrap();
}

fn wait(world: &mut World, seconds: i64) {
    world.advance_to(Wall(world.now().0 + seconds * 1000));
}

/// A v3 deployment with its first `serving` media machines up.
fn up(seed: u64, config: WorldConfig, media: usize, serving: usize) -> (World, Dep) {
    let mut world = World::new(seed, config);
    let dep = world.sight(&sight(media));
    let names: Vec<NodeName> = world.deployment(dep).nodes.keys().cloned().collect();
    for name in &names {
        let properties = BTreeMap::from([("installed".to_owned(), Value::Known("3.8.0".into()))]);
        let resource = ResourceId::new("Machine", &*name.0);
        act(
            &mut world,
            Op::Set {
                resource,
                call: "Install".to_owned(),
                properties,
            },
            ActKind::Install,
        );
    }
    wait(&mut world, 300);
    let media_names = names.iter().filter(|n| n.0.starts_with('w')).take(serving);
    for name in names
        .iter()
        .filter(|n| n.0.starts_with('m'))
        .chain(media_names)
    {
        act(&mut world, Op::Start { node: name.clone() }, ActKind::Start);
    }
    wait(&mut world, 120);
    (world, dep)
}

fn refs(world: &World, dep: Dep, node: &str) -> Vec<ContainerRef> {
    let machine = world.deployment(dep).nodes[&NodeName::from(node)]
        .machine()
        .unwrap();
    machine
        .processes
        .iter()
        .filter(|p| p.drained && p.running)
        .map(|p| p.is.clone())
        .collect()
}

fn signal(world: &mut World, dep: Dep, node: &str) {
    let containers = refs(world, dep, node);
    act(
        world,
        Op::Signal {
            node: node.into(),
            containers,
        },
        ActKind::Signal,
    );
}

fn script(world: &mut World, script: Script) {
    world.apply(&Input::Script {
        deployment: ID.into(),
        script,
    });
}

#[test]
fn the_same_seed_and_inputs_give_the_same_world() {
    let run = |seed| {
        let (mut world, dep) = up(seed, WorldConfig::standard_day(), 6, 4);
        for _ in 0..2 * 2880 {
            world.adversary_after_observe(dep);
            wait(&mut world, 30);
        }
        world
    };
    let (one, two, other) = (run(3), run(3), run(4));
    assert_eq!(one, two);
    assert_ne!(one.ledger(), other.ledger());
    let log = &one.deployment(one.find(ID).unwrap()).log;
    assert!(
        log.announced >= 2 * 200 - 20,
        "{} rooms in two days",
        log.announced
    );
    assert!(
        one.ledger().befell > 5,
        "{} faults in two days",
        one.ledger().befell
    );
}

#[test]
fn a_checkpoint_goes_on_like_the_world_it_was_made_of() {
    let (mut straight, _) = up(11, WorldConfig::standard_day(), 4, 3);
    for hour in 0..30 {
        let written = serde_json::to_string(&straight).unwrap();
        let mut restored: World = serde_json::from_str(&written).unwrap();
        assert_eq!(restored, straight, "hour {hour}");
        let until = Wall(straight.now().0 + 3_600_000);
        restored.advance_to(until);
        straight.advance_to(until);
        assert_eq!(restored, straight, "after hour {hour}");
    }
}

#[test]
fn many_small_steps_of_time_equal_one_big_one() {
    let (mut small, _) = up(2, WorldConfig::standard_day(), 4, 3);
    let mut big = small.clone();
    let until = Wall(small.now().0 + DAY);
    big.advance_to(until);
    while small.now() < until {
        let next = small.next_event().map_or(until, |at| at.min(until));
        small.advance_to(next);
    }
    assert_eq!(small, big);
}

#[test]
fn the_rooms_that_people_want_do_not_depend_on_what_the_operator_does() {
    let config = WorldConfig::standard_day;
    let (mut idle, dep) = up(9, config(), 6, 6);
    let (mut busy, _) = up(9, config(), 6, 2);
    for hour in 0..30 {
        wait(&mut idle, 3600);
        busy.adversary_after_observe(dep);
        if hour == 12 {
            signal(&mut busy, dep, "w1");
            act(&mut busy, Op::Start { node: "w5".into() }, ActKind::Start);
        }
        if hour == 15 {
            act(&mut busy, Op::Stop { node: "w2".into() }, ActKind::End);
        }
        wait(&mut busy, 3600);
    }
    let list = |world: &World| -> Vec<_> {
        let log = &world.deployment(dep).log;
        log.recent
            .iter()
            .filter(|r| r.id.is_workload())
            .map(|r| (r.id, r.arrived, r.length))
            .collect()
    };
    assert_eq!(list(&idle), list(&busy));
    assert!(list(&idle).len() > 200);
    assert_eq!(
        idle.deployment(dep).log.digest,
        busy.deployment(dep).log.digest
    );
    assert_ne!(
        idle.deployment(dep).log.recent,
        busy.deployment(dep).log.recent,
        "what became of them does depend on it"
    );
}

#[test]
fn a_signal_that_died_half_way_goes_on_where_it_stopped() {
    for limit in 0..=8 {
        let (mut world, dep) = up(1, WorldConfig::default(), 1, 1);
        let containers = refs(&world, dep, "w1");
        assert_eq!(containers.len(), 4);
        let op = Op::Signal {
            node: "w1".into(),
            containers,
        };
        act_in_part(&mut world, op.clone(), ActKind::Signal, Some(limit));
        let machine = |world: &World| {
            world.deployment(dep).nodes[&NodeName::from("w1")]
                .machine()
                .unwrap()
                .clone()
        };
        let closing = |world: &World| {
            machine(world)
                .processes
                .iter()
                .filter(|p| p.closing)
                .count()
        };
        assert_eq!(
            machine(&world).markers.len(),
            usize::try_from(limit.div_ceil(2)).unwrap()
        );
        assert_eq!(closing(&world), usize::try_from(limit / 2).unwrap());
        act(&mut world, op, ActKind::Signal);
        // A container that was marked and not signalled stays open: nobody may guess.
        assert_eq!(
            closing(&world),
            if limit % 2 == 1 { 3 } else { 4 },
            "stopped after {limit}"
        );
        assert_eq!(world.ledger().second_signals, 0);
    }
}

#[test]
fn a_stop_that_died_half_way_leaves_a_unit_that_a_reboot_brings_back() {
    let (mut world, dep) = up(1, WorldConfig::default(), 2, 2);
    act_in_part(
        &mut world,
        Op::Stop { node: "w1".into() },
        ActKind::End,
        Some(1),
    );
    act(&mut world, Op::Stop { node: "w2".into() }, ActKind::End);
    for node in ["w1", "w2"] {
        script(
            &mut world,
            Script::PowerOff {
                node: node.into(),
                back: Some(1000),
            },
        );
    }
    wait(&mut world, 300);
    let serving: Vec<_> = world
        .deployment(dep)
        .open_nodes()
        .map(|n| n.name.to_string())
        .collect();
    assert_eq!(serving, ["w1"]);
}

#[test]
fn the_adversary_races_every_closing_and_it_is_no_harm() {
    let config = WorldConfig {
        adversary: AdversaryConfig {
            race_permille: 1000,
            ..AdversaryConfig::default()
        },
        ..WorldConfig::default()
    };
    let (mut world, dep) = up(1, config, 2, 2);
    let containers = refs(&world, dep, "w1");
    let op = Op::Signal {
        node: "w1".into(),
        containers,
    };
    let looked = world.mark();
    world.adversary_before_execute(dep, &step(op.clone(), ActKind::Signal));
    let act = Act {
        deployment: ID.into(),
        step: step(op, ActKind::Signal),
        looked,
        epoch: 1,
        limit: None,
    };
    world.execute(&act).unwrap();
    assert_eq!(
        (world.ledger().closings_raced, world.ledger().drains_begun),
        (1, 1)
    );
    assert!(world.deployment(dep).is_busy(&"w1".into()));
    wait(&mut world, 600);
    assert_eq!(world.ledger().harms, 0);
    assert_eq!(world.deployment(dep).log.natural, 1);
}

#[test]
fn the_adversary_pins_rooms_to_closed_nodes_and_restarts_what_exited() {
    let always = WorldConfig {
        adversary: AdversaryConfig::always(),
        ..WorldConfig::default()
    };
    let (mut world, dep) = up(1, always, 2, 2);
    script(
        &mut world,
        Script::StartRoom {
            node: Some("w1".into()),
            plan: RoomPlan::alone(60_000),
        },
    );
    signal(&mut world, dep, "w1");
    signal(&mut world, dep, "w2");
    world.adversary_after_observe(dep);
    assert_eq!(
        world.deployment(dep).rooms_on(&"w1".into()).count(),
        2,
        "one was pinned to it"
    );
    let mut quiet = world.clone();
    wait(&mut quiet, 1000);
    let before = quiet.deployment(dep).nodes[&NodeName::from("w1")]
        .machine()
        .unwrap()
        .processes
        .clone();
    assert!(before.iter().all(|p| !p.drained || !p.running));
    quiet.adversary_after_observe(dep);
    assert!(quiet.deployment(dep).nodes[&NodeName::from("w1")].is_open());
    assert!(quiet.deployment(dep).is_busy(&"w1".into()));
    act(&mut quiet, Op::Stop { node: "w1".into() }, ActKind::End);
    assert_eq!(
        quiet.ledger().violations[0].harm,
        Harm::Cut,
        "an end that was right a moment ago"
    );
}

#[test]
fn force_and_what_the_user_allows_are_counted_apart() {
    let (mut world, dep) = up(1, WorldConfig::default(), 3, 3);
    for node in ["w1", "w2", "w3"] {
        script(
            &mut world,
            Script::StartRoom {
                node: Some(node.into()),
                plan: RoomPlan::alone(DAY),
            },
        );
    }
    let stop = |node: &str, cause| {
        let step = Step {
            cause,
            ..step(Op::Stop { node: node.into() }, ActKind::End)
        };
        Act {
            deployment: Arc::from(ID),
            step,
            looked: 0,
            epoch: 1,
            limit: None,
        }
    };
    world.execute(&stop("w1", Cause::Force)).unwrap();
    script(
        &mut world,
        Script::AllowCuts {
            acts: [ActKind::End].into(),
        },
    );
    world.execute(&stop("w2", Cause::Config)).unwrap();
    assert_eq!(
        (
            world.ledger().cut_as_allowed,
            world.ledger().conversations_cut
        ),
        (2, 0)
    );
    script(&mut world, Script::AllowCuts { acts: [].into() });
    world.execute(&stop("w3", Cause::Config)).unwrap();
    assert_eq!(
        (world.ledger().conversations_cut, world.ledger().harms),
        (1, 1)
    );
    let by = world.deployment(dep).log.recent[2].end.clone();
    assert_eq!(
        by,
        Some(RoomEnd::Cut {
            by: "stop w3".to_owned()
        })
    );
}

#[test]
fn too_many_nodes_and_too_few_masters_are_harms() {
    let mut world = up(1, WorldConfig::default(), 3, 2).0;
    world.sight(&Sight {
        limit: Some(2),
        ..sight(3)
    });
    act(&mut world, Op::Start { node: "w3".into() }, ActKind::Start);
    for master in ["m1", "m2"] {
        act(
            &mut world,
            Op::Stop {
                node: master.into(),
            },
            ActKind::End,
        );
    }
    let harms: Vec<_> = world.ledger().violations.iter().map(|v| v.harm).collect();
    assert_eq!(harms, [Harm::OverLimit, Harm::BelowQuorum]);
}

#[test]
fn rooms_without_a_node_wait_and_are_given_up_in_the_end() {
    let (mut world, dep) = up(1, WorldConfig::default(), 1, 0);
    script(
        &mut world,
        Script::StartRoom {
            node: None,
            plan: RoomPlan::alone(60_000),
        },
    );
    wait(&mut world, 300);
    assert_eq!(world.deployment(dep).rooms.len(), 1);
    act(&mut world, Op::Start { node: "w1".into() }, ActKind::Start);
    wait(&mut world, 90);
    assert!(world.deployment(dep).is_busy(&"w1".into()));
    act(&mut world, Op::Stop { node: "w1".into() }, ActKind::End);
    script(
        &mut world,
        Script::StartRoom {
            node: None,
            plan: RoomPlan::alone(60_000),
        },
    );
    wait(&mut world, 1200);
    assert_eq!(world.deployment(dep).log.given_up, 1);
    assert!(world.deployment(dep).rooms.is_empty());
}

#[test]
fn a_media_server_that_crashes_comes_back_as_another_start_even_in_a_drain() {
    let (mut world, dep) = up(1, WorldConfig::default(), 1, 1);
    script(
        &mut world,
        Script::StartRoom {
            node: None,
            plan: RoomPlan::alone(DAY),
        },
    );
    signal(&mut world, dep, "w1");
    let before = refs(&world, dep, "w1");
    script(
        &mut world,
        Script::Crash {
            node: "w1".into(),
            container: "openvidu".to_owned(),
        },
    );
    let machine = world.deployment(dep).nodes[&NodeName::from("w1")]
        .machine()
        .unwrap();
    assert!(machine.stale_record, "nobody deleted its record");
    assert_eq!(world.deployment(dep).log.fault, 1);
    wait(&mut world, 60);
    let after = refs(&world, dep, "w1");
    assert!(world.deployment(dep).nodes[&NodeName::from("w1")].is_open());
    assert_ne!(
        before.iter().find(|c| c.name == "openvidu"),
        after.iter().find(|c| c.name == "openvidu")
    );
}

#[test]
fn every_class_of_fault_befalls_a_deployment_by_itself() {
    let config = WorldConfig {
        faults: FaultRates {
            crash: 24_000,
            ..FaultRates::default()
        },
        ..WorldConfig::default()
    };
    let (mut world, _) = up(1, config, 3, 3);
    wait(&mut world, 86_400);
    assert!(
        (20..=25).contains(&world.ledger().befell),
        "one an hour, not {}",
        world.ledger().befell
    );
}
