//! Days on which something was found, each with what it was; `make figures` lives through a thousand.
#![allow(clippy::panic)]

use ovo_planner::bugs::Bugs;
use ovo_simulation::history::day;

fn lives(seed: u64) {
    let day = day(seed, Bugs::NONE);
    if let Some(words) = day.failed {
        panic!("day {seed}: {words}");
    }
    assert_eq!(day.conversations_cut, 0, "day {seed}");
}

/// A media node that came down was to be stopped while another one had stopped half-way: of so few, too many to repair.
#[test]
fn repair_counts_what_ended_half_way() {
    lives(578);
}

/// A person took the request to drain a node back when its signals were decided on and not sent.
#[test]
fn a_request_that_is_taken_back_late_is_not_carried_out() {
    lives(886);
}

/// Somebody else closed a media node, and then it was started again while no master was up: it is closed no more.
#[test]
fn who_was_closed_by_somebody_else_and_started_again_takes_part_again() {
    lives(224);
    lives(432);
}
