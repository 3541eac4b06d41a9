//! Why there is a live read before every destructive step.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_planner::bugs::{Bug, Bugs};
use ovo_simulation::history::day;

/// Days of OpenVidu 3, whose processes the adversary starts again between look and act.
const DAYS: [u64; 6] = [0, 2, 4, 6, 8, 10];

#[test]
fn without_it_people_are_cut_and_with_it_nobody_is() {
    let without =
        ovo_simulation::parallel::map(&DAYS, |seed| day(*seed, Bugs::only(Bug::NoLiveRead)));
    let cut: u64 = without.iter().map(|d| d.conversations_cut).sum();
    assert!(
        cut > 0,
        "the adversary never came between look and act: these days show nothing"
    );
    for day in ovo_simulation::parallel::map(&DAYS, |seed| day(*seed, Bugs::NONE)) {
        assert_eq!(day.conversations_cut, 0, "day {}", day.seed);
        assert_eq!(day.failed, None, "day {}", day.seed);
    }
}
