//! Lives through standard days: from seed (first argument), how many (second).
#![allow(clippy::print_stdout)]

use ovo_planner::bugs::Bugs;

fn main() {
    let number = |n: usize, default: u64| {
        std::env::args()
            .nth(n)
            .and_then(|a| a.parse().ok())
            .unwrap_or(default)
    };
    let (first, count) = (number(1, 0), number(2, 10));
    let seeds: Vec<u64> = (first..first + count).collect();
    let days = ovo_simulation::history::days(&seeds, Bugs::NONE);
    for day in &days {
        if let Some(words) = &day.failed {
            println!("---- day {}: {words}\n", day.seed);
        }
    }
    let sum = |of: fn(&ovo_simulation::history::Day) -> u64| days.iter().map(of).sum::<u64>();
    println!(
        "{} days, {} failed, {} drains, {} ended, {} raced, {} ends refused, {} cut, {} rooms, {} faults, {} deaths, {} rounds",
        days.len(),
        days.iter().filter(|d| d.failed.is_some()).count(),
        sum(|d| d.drains_begun),
        sum(|d| d.nodes_ended),
        sum(|d| d.closings_raced),
        sum(|d| d.ends_refused),
        sum(|d| d.conversations_cut),
        sum(|d| d.rooms),
        sum(|d| d.faults),
        sum(|d| d.deaths),
        sum(|d| d.rounds),
    );
}
