//! What goes wrong on the way, where a test wants it to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::sync::{Arc, Mutex};

use ovo_api::act::ActKind;
use ovo_api::profile::OccupancySource;
use ovo_model::{MediaState, Observation, Op, ProviderError, Scope};
use ovo_provider::ScopeChoice;
use ovo_provider_sim::{
    CallInfo, CallKind, FaultPermille, Interceptor, Lie, Moment, RandomFaults, Verdict,
};
use ovo_world::{Node, RoomPlan, Script, WorldConfig};
use support::{Hand, ID, v3};

/// Whether a moment of a call is the one that is meant.
type At = fn(&CallInfo) -> bool;

/// One verdict at one moment of one kind of call; everything that was asked.
struct Once {
    at: At,
    verdict: Verdict,
    asked: Mutex<Vec<CallInfo>>,
}

impl Interceptor for Once {
    fn verdict(&self, call: &CallInfo) -> Verdict {
        self.asked.lock().unwrap().push(call.clone());
        if (self.at)(call) {
            self.verdict.clone()
        } else {
            Verdict::Pass
        }
    }

    fn wants_history(&self) -> bool {
        true
    }
}

fn up() -> Hand {
    let hand = Hand::new(v3(2), WorldConfig::default());
    hand.up(2);
    hand
}

fn once(hand: &Hand, verdict: Verdict, at: At) -> Arc<Once> {
    let once = Arc::new(Once {
        at,
        verdict,
        asked: Mutex::default(),
    });
    hand.door().intercept(Some(once.clone()));
    once
}

fn lost() -> ProviderError {
    ProviderError::Retryable("the answer was lost".to_owned())
}

/// Markers and closed containers on w1.
fn drain_of_w1(hand: &Hand) -> (usize, usize) {
    hand.door().look(|world| {
        let deployment = world.deployment(world.find(ID).unwrap());
        let machine = deployment.nodes.get("w1").and_then(Node::machine).unwrap();
        (
            machine.markers.len(),
            machine.processes.iter().filter(|p| p.closing).count(),
        )
    })
}

fn executes(call: &CallInfo, moment: Moment) -> bool {
    matches!(call.kind, CallKind::Execute { .. }) && call.moment == moment
}

#[test]
fn a_call_can_die_at_each_of_its_moments() {
    let moments: [(At, (usize, usize)); 4] = [
        (|c| executes(c, Moment::Before), (0, 0)),
        (|c| executes(c, Moment::HalfWay(1)), (1, 0)),
        (|c| executes(c, Moment::HalfWay(4)), (2, 2)),
        (|c| executes(c, Moment::After), (4, 4)),
    ];
    for (at, left) in moments {
        let hand = up();
        let op = Op::Signal {
            node: "w1".into(),
            containers: hand.refs("w1"),
        };
        once(&hand, Verdict::Crash, at);
        assert!(
            hand.try_run(op.clone(), ActKind::Signal).is_none(),
            "it never comes back"
        );
        assert_eq!(drain_of_w1(&hand), left);
        hand.door().intercept(None);
        hand.run(op, ActKind::Signal);
        assert_eq!(drain_of_w1(&hand).0, 4);
        hand.door()
            .look(|world| assert_eq!(world.ledger().harms, 0));
    }
}

#[test]
fn every_moment_of_a_call_is_asked_about_once() {
    let hand = up();
    let containers = hand.refs("w1");
    let asked = once(&hand, Verdict::Pass, |_| false);
    hand.run(
        Op::Signal {
            node: "w1".into(),
            containers,
        },
        ActKind::Signal,
    );
    let asked = asked.asked.lock().unwrap();
    let moments: Vec<_> = asked.iter().map(|call| call.moment).collect();
    let half_way = (1..8).map(Moment::HalfWay);
    assert_eq!(
        moments,
        [Moment::Before]
            .into_iter()
            .chain(half_way)
            .chain([Moment::After])
            .collect::<Vec<_>>()
    );
    assert!(asked.iter().all(|call| call.ordinal == asked[0].ordinal));
}

#[test]
fn a_failed_call_has_no_effect_and_a_lost_answer_has_all() {
    for (verdict, at, effect) in [
        (Verdict::Fail(lost()), Moment::Before, (0, 0)),
        (Verdict::LoseAnswer(lost()), Moment::Before, (4, 4)),
        (Verdict::LoseAnswer(lost()), Moment::After, (4, 4)),
    ] {
        let hand = up();
        let op = Op::Signal {
            node: "w1".into(),
            containers: hand.refs("w1"),
        };
        if at == Moment::Before {
            once(&hand, verdict, |c| executes(c, Moment::Before));
        } else {
            once(&hand, verdict, |c| executes(c, Moment::After));
        }
        assert_eq!(hand.try_run(op, ActKind::Signal), Some(Err(lost())));
        assert_eq!(drain_of_w1(&hand), effect);
    }
}

#[test]
fn an_incomplete_look_is_unknown_and_a_lying_one_is_not() {
    let hand = up();
    let w1 = Scope::from("machine/w1");
    let looks = |call: &CallInfo| {
        matches!(call.kind, CallKind::Observe(_)) && call.moment == Moment::Before
    };
    once(&hand, Verdict::Fail(lost()), looks);
    assert!(hand.observe().values().all(|o| !o.is_known()));
    once(&hand, Verdict::Partial, looks);
    let seen = hand.observe();
    assert!(seen.values().any(|o| !o.is_known()) && seen.values().any(Observation::is_known));
    let only = hand
        .try_observe(&ScopeChoice::Only([w1.clone()].into()))
        .unwrap();
    assert!(!only[&w1].is_known());
    once(&hand, Verdict::Missing, looks);
    assert!(hand.observe().is_empty());
    once(&hand, Verdict::Empty, looks);
    let nothing = |o: &Observation| matches!(o, Observation::Known { resources, nodes } if resources.is_empty() && nodes.is_empty());
    assert!(hand.observe().values().all(nothing));
    once(&hand, Verdict::Crash, looks);
    assert!(hand.try_observe(&ScopeChoice::All).is_none());
}

#[test]
fn a_stale_look_shows_what_was() {
    let hand = up();
    let looks = |call: &CallInfo| {
        matches!(call.kind, CallKind::Observe(_)) && call.moment == Moment::Before
    };
    once(&hand, Verdict::Pass, looks);
    hand.signal("w1");
    hand.door().intercept(None);
    hand.wait(60);
    let hand_sees = || hand.node("w1").media;
    assert_eq!(hand_sees(), MediaState::Absent);
    once(&hand, Verdict::Stale(50_000), looks);
    assert_eq!(
        hand_sees(),
        MediaState::Serving,
        "the last look that was kept is from before the signal"
    );
}

#[test]
fn readings_can_be_missing_old_and_absurd() {
    let hand = up();
    hand.script(Script::StartRoom {
        node: Some("w1".into()),
        plan: RoomPlan::alone(600_000),
    });
    let reads = |call: &CallInfo| {
        matches!(
            &call.kind,
            CallKind::Read {
                source: OccupancySource::LiveKit,
                ..
            }
        ) && call.moment == Moment::Before
    };
    let people = |hand: &Hand| -> Option<Option<u32>> {
        hand.read("w1")
            .get(&OccupancySource::LiveKit)
            .map(|a| a.as_ref().ok().map(|a| a.occupancy.participants))
    };
    once(&hand, Verdict::Pass, reads);
    assert_eq!(people(&hand), Some(Some(1)));
    once(&hand, Verdict::Missing, reads);
    assert_eq!(people(&hand), None);
    once(&hand, Verdict::Partial, reads);
    assert_eq!(people(&hand), Some(None), "part of an answer is none");
    once(&hand, Verdict::Lying(Lie::TooLittle), reads);
    assert_eq!(people(&hand), Some(Some(0)));
    once(&hand, Verdict::Lying(Lie::Absurd), reads);
    assert_eq!(people(&hand), Some(Some(u32::MAX)));
    hand.wait(700);
    once(&hand, Verdict::Stale(650_000), reads);
    assert_eq!(
        people(&hand),
        Some(Some(1)),
        "it is over, and the old answer does not know"
    );
}

#[test]
fn random_faults_follow_their_seed() {
    let run = |seed| -> Vec<bool> {
        let hand = up();
        let rates = FaultPermille {
            fail: 300,
            lose_answer: 100,
            ..FaultPermille::default()
        };
        hand.door()
            .intercept(Some(Arc::new(RandomFaults::new(seed, rates))));
        (0..100)
            .map(|_| {
                hand.try_run(Op::Start { node: "w1".into() }, ActKind::Start)
                    .unwrap()
                    .is_err()
            })
            .collect()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let failed = run(1).into_iter().filter(|failed| *failed).count();
    assert!((20..60).contains(&failed), "{failed} of 100");
}
