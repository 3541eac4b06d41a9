//! What the safety rules of a v2 deployment hang on, seen through the provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeSet;

use ovo_api::act::{ActKind, Role};
use ovo_api::profile::OccupancySource;
use ovo_model::{
    MediaState, NodeName, ObservedNode, Op, Presence, ProviderError, ResourceId, Scalar,
};
use ovo_world::{Harm, MastersManner, RoomEnd, RoomPlan, Script, World, WorldConfig};
use support::{Hand, ID, v2};

fn hand(media: i64) -> Hand {
    let hand = Hand::new(v2(), WorldConfig::default());
    hand.up_v2(media);
    hand
}

fn media(hand: &Hand) -> Vec<ObservedNode> {
    hand.nodes()
        .into_values()
        .filter(|n| n.role == Role::Media)
        .collect()
}

fn count(hand: &Hand, state: MediaState) -> usize {
    media(hand).iter().filter(|n| n.media == state).count()
}

fn room_on(hand: &Hand, node: &NodeName, seconds: i64) {
    hand.script(Script::StartRoom {
        node: Some(node.clone()),
        plan: RoomPlan::alone(seconds * 1000),
    });
}

fn harms(hand: &Hand) -> Vec<Harm> {
    hand.door()
        .look(|world| world.ledger().violations.iter().map(|v| v.harm).collect())
}

fn masters(hand: &Hand) -> Vec<ObservedNode> {
    hand.nodes()
        .into_values()
        .filter(|n| n.role == Role::Master)
        .collect()
}

#[test]
fn a_cluster_comes_up_in_order_and_its_members_are_protected() {
    let hand = hand(3);
    assert_eq!(masters(&hand).len(), 2);
    assert!(
        masters(&hand)
            .iter()
            .all(|n| n.healthy && n.media == MediaState::Serving)
    );
    let media = media(&hand);
    assert_eq!(media.len(), 3);
    for node in &media {
        assert_eq!(node.presence, Presence::Running);
        assert_eq!(
            (node.protected, node.media, node.healthy),
            (Some(true), MediaState::Serving, true)
        );
    }
    assert!(harms(&hand).is_empty());
}

#[test]
fn a_lower_capacity_is_answered_by_the_masters_who_wait_until_a_node_is_idle() {
    let hand = hand(3);
    for node in media(&hand) {
        room_on(&hand, &node.name, 1800);
    }
    hand.set_capacity("media", 3, 2).unwrap();
    hand.wait(90);
    assert_eq!(
        (
            count(&hand, MediaState::Serving),
            count(&hand, MediaState::Closed)
        ),
        (2, 1)
    );
    hand.wait(1200);
    assert_eq!(
        count(&hand, MediaState::Closed),
        1,
        "somebody is still there"
    );
    hand.wait(900);
    assert_eq!(media(&hand).len(), 2);
    hand.door().look(|world| {
        let ledger = world.ledger();
        assert_eq!(
            (ledger.drains_begun, ledger.nodes_ended, ledger.harms),
            (1, 1, 0)
        );
    });
}

#[test]
fn the_least_loaded_node_is_the_victim_unless_the_masters_are_odd() {
    let hand = hand(3);
    let names: Vec<_> = media(&hand).into_iter().map(|n| n.name).collect();
    room_on(&hand, &names[0], 1800);
    room_on(&hand, &names[2], 1800);
    hand.set_capacity("media", 3, 2).unwrap();
    hand.wait(70);
    let closed: Vec<_> = media(&hand)
        .into_iter()
        .filter(|n| n.media != MediaState::Serving)
        .map(|n| n.name)
        .collect();
    assert_eq!(closed, [names[1].clone()]);
}

#[test]
fn adverse_masters_are_late() {
    let hand = hand(2);
    hand.script(Script::Masters(MastersManner {
        late_permille: 1000,
        ..MastersManner::adverse()
    }));
    hand.wait(61);
    hand.set_capacity("media", 2, 1).unwrap();
    hand.wait(120);
    assert_eq!(count(&hand, MediaState::Serving), 2);
    hand.wait(240);
    assert!(count(&hand, MediaState::Serving) < 2);
}

#[test]
fn a_higher_capacity_turns_a_quarantined_node_back_before_one_is_launched() {
    let hand = hand(2);
    let before: BTreeSet<_> = media(&hand).into_iter().map(|n| n.name).collect();
    for node in &before {
        room_on(&hand, node, 3600);
    }
    hand.set_capacity("media", 2, 1).unwrap();
    hand.wait(70);
    assert_eq!(count(&hand, MediaState::Closed), 1);
    hand.set_capacity("media", 1, 2).unwrap();
    hand.wait(70);
    assert_eq!(count(&hand, MediaState::Serving), 2);
    let after: BTreeSet<_> = media(&hand).into_iter().map(|n| n.name).collect();
    assert_eq!(before, after);
    assert!(media(&hand).iter().all(|n| n.protected == Some(true)));
}

#[test]
fn a_group_ends_only_what_is_not_protected() {
    let hand = hand(2);
    let victim = media(&hand)[0].name.clone();
    room_on(&hand, &victim, 3600);
    for master in masters(&hand) {
        // With no master up nobody quarantines anything.
        hand.script(Script::PowerOff {
            node: master.name,
            back: Some(3_600_000),
        });
    }
    hand.set_capacity("media", 2, 1).unwrap();
    hand.wait(50);
    assert_eq!(media(&hand).len(), 2);
    assert!(harms(&hand).is_empty());
    let op = Op::SetProtection {
        group: ResourceId::new("Group", "media"),
        nodes: vec![victim.clone()],
        protected: false,
    };
    room_on(&hand, &victim, 3600);
    hand.run(op, ActKind::Unprotect);
    hand.wait(60);
    assert!(media(&hand).iter().all(|n| n.name != victim));
    assert_eq!(harms(&hand), [Harm::Cut]);
}

#[test]
fn a_node_in_its_launch_hook_holds_rooms_and_is_ended_by_a_lower_capacity() {
    let hand = hand(1);
    hand.set_capacity("media", 1, 2).unwrap();
    let mut tries = 0;
    let launching = loop {
        hand.wait(1);
        tries += 1;
        assert!(tries < 400, "it never came to its hook");
        let joined =
            |n: &ObservedNode| n.presence == Presence::Pending && n.media == MediaState::Serving;
        if let Some(node) = media(&hand).into_iter().find(joined) {
            break node;
        }
    };
    assert_eq!(launching.protected, Some(false));
    hand.script(Script::StartRoom {
        node: Some(launching.name.clone()),
        plan: RoomPlan::alone(3_600_000),
    });
    hand.set_capacity("media", 2, 1).unwrap();
    hand.wait(16);
    assert_eq!(harms(&hand), [Harm::Cut]);
}

#[test]
fn a_dead_member_is_replaced_and_its_rooms_end_by_a_fault() {
    let hand = hand(2);
    let victim = media(&hand)[0].name.clone();
    room_on(&hand, &victim, 3600);
    hand.script(Script::PowerOff {
        node: victim.clone(),
        back: None,
    });
    hand.wait(600);
    assert_eq!(count(&hand, MediaState::Serving), 2);
    assert!(media(&hand).iter().all(|n| n.name != victim));
    hand.door().look(|world| {
        let log = &world.deployment(world.find(ID).unwrap()).log;
        assert_eq!((log.fault, log.cut, world.ledger().harms), (1, 0, 0));
        assert_eq!(log.recent[0].end, Some(RoomEnd::Fault));
    });
}

#[test]
fn a_dead_master_takes_its_sessions_along_and_is_replaced() {
    let hand = hand(1);
    let node = media(&hand)[0].name.clone();
    for _ in 0..8 {
        room_on(&hand, &node, 36_000);
    }
    hand.script(Script::PowerOff {
        node: masters(&hand)[0].name.clone(),
        back: None,
    });
    let answers = hand.read(&node.0);
    let left = answers[&OccupancySource::MediaNodes]
        .as_ref()
        .unwrap()
        .occupancy
        .rooms;
    assert!(
        (1..8).contains(&left),
        "each master owns some: {left} of 8 left"
    );
    hand.wait(900);
    assert_eq!(masters(&hand).iter().filter(|n| n.healthy).count(), 2);
    assert!(harms(&hand).is_empty());
}

#[test]
fn lowering_the_masters_ends_one_at_once_with_its_sessions() {
    let hand = hand(1);
    let node = media(&hand)[0].name.clone();
    for _ in 0..8 {
        room_on(&hand, &node, 36_000);
    }
    hand.set_capacity("masters", 2, 1).unwrap();
    hand.wait(60);
    assert!(harms(&hand).contains(&Harm::Cut));
}

#[test]
fn a_capacity_is_compared_before_it_is_set() {
    let hand = hand(2);
    assert!(matches!(
        hand.set_capacity("media", 5, 1),
        Err(ProviderError::Conflict(_))
    ));
    assert!(
        hand.set_capacity("media", 9, 2).is_ok(),
        "it is that already"
    );
    assert!(matches!(
        hand.set_capacity("media", 2, 99),
        Err(ProviderError::Invalid { .. })
    ));
    assert!(
        matches!(
            hand.set_capacity("media", 2, 0),
            Err(ProviderError::Invalid { .. })
        ),
        "below min"
    );
}

#[test]
fn without_a_master_nothing_is_said_about_occupancy() {
    let hand = hand(1);
    let node = media(&hand)[0].name.clone();
    for master in masters(&hand) {
        hand.script(Script::PowerOff {
            node: master.name,
            back: None,
        });
    }
    assert!(hand.read(&node.0)[&OccupancySource::MediaNodes].is_err());
}

#[test]
fn a_group_with_members_cannot_be_deleted_and_an_emptied_deployment_leaves_nothing() {
    let hand = hand(2);
    let group = |name: &str| ResourceId::new("Group", name);
    let delete = |id: &ResourceId| {
        let call = format!("Delete{}", id.kind);
        hand.try_run(
            Op::Delete {
                resource: id.clone(),
                call,
            },
            ActKind::Delete,
        )
        .unwrap()
    };
    assert!(matches!(
        delete(&group("media")),
        Err(ProviderError::Conflict(_))
    ));
    for (name, now) in [("media", 2), ("masters", 2)] {
        let properties = [("min".to_owned(), ovo_model::Value::Known(Scalar::Int(0)))].into();
        let call = "UpdateAutoScalingGroup".to_owned();
        hand.run(
            Op::Set {
                resource: group(name),
                call,
                properties,
            },
            ActKind::Update,
        );
        hand.set_capacity(name, now, 0).unwrap();
        hand.wait(300);
        delete(&group(name)).unwrap();
    }
    for id in hand
        .resources()
        .into_keys()
        .filter(|id| id.kind != "Bucket")
    {
        delete(&id).unwrap();
    }
    hand.wait(600);
    hand.door().look(|world: &World| {
        let dep = world.find(ID).unwrap();
        assert_eq!(world.deployment(dep).leftovers(), Vec::<String>::new());
        assert!(
            world
                .deployment(dep)
                .resource(&ResourceId::new("Bucket", "cluster"))
                .is_some()
        );
        assert_eq!(world.ledger().harms, 0, "{:?}", world.ledger().violations);
    });
}
