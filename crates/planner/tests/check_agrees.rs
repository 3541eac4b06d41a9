//! Whatever the planner plans on any snapshot, the checker lets pass: a rule that both read differently would
//! hold a cluster up for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod worlds;

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
