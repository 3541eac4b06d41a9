//! Whatever the planner plans on any snapshot, the checker lets pass: a rule that both read differently would
//! hold a cluster up for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod worlds;

use ovo_api::spec::DisruptionPolicy;
use ovo_model::{Op, Waiting};
use ovo_planner::check::check;
use ovo_planner::plan;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_checker_lets_every_plan_of_the_planner_pass(world in worlds::any()) {
        let snapshot = world.snapshot();
        let plan = plan(&snapshot);
        let refusals = check(&snapshot, &plan);
        prop_assert!(
            refusals.is_empty(),
            "{}",
            refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        );
    }
}

/// Random worlds found it: a machine was started for one that a person wanted drained, and the signal had to wait for
/// changed configuration. The plan was refused, and so was the next one, which was the same.
#[test]
fn a_drain_whose_signal_waits_makes_no_room_for_another_machine() {
    let world = worlds::World {
        v3: true,
        places: vec![worlds::Place::Standby, worlds::Place::Asked],
        replicas: 1,
        surge: 1,
        at_once: 1,
        policy: DisruptionPolicy::WhenIdle,
        twist: worlds::Twist::ConfigEdited,
    };
    let snapshot = world.snapshot();
    let plan = plan(&snapshot);
    assert_eq!(check(&snapshot, &plan), []);
    let ops: Vec<&Op> = plan.steps.iter().map(|step| &step.op).collect();
    assert!(matches!(ops[..], [Op::Set { .. }]), "{ops:?}");
    let waits = |w: &Waiting| w.step == "start media nodes";
    assert!(plan.waiting.iter().any(waits), "{:?}", plan.waiting);
}
