//! The demonstration shows what it promises, or fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::{Duration, Instant};

use common::{run, said};

#[test]
fn shows_all_acts_cuts_nobody_and_ends_by_itself() {
    let began = Instant::now();
    let output = run(["demo", "--view", "lines"]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    for part in [
        "both clusters are Ready",
        "were replaced",
        "rooms on it and ended after the last one",
        "cuts ",
        "0 meetings cut",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(
        began.elapsed() < Duration::from_mins(2),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn what_is_not_reached_in_time_is_a_failure_that_says_what() {
    let output = run(["demo", "--view", "lines", "--seconds", "10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("waited in vain for"),
        "{}",
        said(&output)
    );
}
