//! Standard days, and what they add up to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ovo_planner::bugs::Bugs;
use ovo_simulation::history::{Day, day};
use ovo_simulation::parallel;

use crate::report::Report;

/// A line of progress after so many days.
const EVERY: usize = 25;

/// Lives through the days of these seeds.
pub(crate) fn live(seeds: &[u64], report: &mut Report) {
    eprintln!("{} standard days ...", seeds.len());
    let began = Instant::now();
    let over = AtomicUsize::new(0);
    let days = parallel::map(seeds, |seed| {
        let day = day(*seed, Bugs::NONE);
        if let Some(words) = &day.failed {
            eprintln!("day {seed} failed: {}", first_line(words));
        }
        let over = over.fetch_add(1, Ordering::Relaxed) + 1;
        if over.is_multiple_of(EVERY) {
            eprintln!("{over} days, {} s", began.elapsed().as_secs());
        }
        day
    });
    let seconds = began.elapsed().as_secs_f64().ceil();
    let failed: Vec<&Day> = days.iter().filter(|d| d.failed.is_some()).collect();
    for day in &failed {
        let words = day.failed.as_deref().unwrap_or_default();
        report.failure(format_args!("day {}: {words}", day.seed));
    }
    let sum = |of: fn(&Day) -> u64| days.iter().map(of).sum::<u64>();
    let cut = sum(|d| d.conversations_cut);
    if cut > 0 {
        report.failure(format_args!("{cut} conversations were cut"));
    }
    report.figure("histories", days.len());
    report.figure("histories_failed", failed.len());
    report.figure("histories_seconds", seconds);
    report.figure("drains_begun", sum(|d| d.drains_begun));
    report.figure("nodes_ended", sum(|d| d.nodes_ended));
    report.figure("closings_raced", sum(|d| d.closings_raced));
    report.figure("ends_refused", sum(|d| d.ends_refused));
    report.figure("conversations_cut", cut);
    report.figure("rooms", sum(|d| d.rooms));
    report.figure("faults", sum(|d| d.faults));
    report.figure("operator_deaths", sum(|d| d.deaths));
    let hours = days.iter().map(|d| d.lasted).sum::<i64>() / 3_600_000;
    if let Some(tenths) = u64::try_from(hours)
        .ok()
        .and_then(|hours| (sum(|d| d.writes) * 10).checked_div(hours))
    {
        report.figure_of(
            "k8s.writes_per_cluster_hour_day",
            format_args!("{}.{}", tenths / 10, tenths % 10),
        );
    }
}

fn first_line(words: &str) -> &str {
    words.lines().next().unwrap_or_default()
}
