//! How long a plan takes, and going over it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ovo_model::Snapshot;
use ovo_planner::check::check;
use ovo_planner::fixtures::cluster;
use ovo_planner::plan;

use crate::report::Report;

/// Plans of each snapshot that are timed.
const RUNS: usize = 2000;

/// Plans of each snapshot before the timed ones.
const WARM_UP: usize = 200;

/// Times both for the cluster of an ordinary and of a very large user. Each figure is the larger of two: of a
/// cluster that is as declared, and of one that shrinks to half.
///
/// # Errors
/// When a snapshot is not what it is meant to be.
pub(crate) fn measure(report: &mut Report) -> Result<(), String> {
    for (nodes, suffix) in [(50, ""), (1000, "_1000")] {
        eprintln!("plans of 4 masters and {nodes} media nodes ...");
        let mut slowest = (0, 0);
        for snapshot in [converged(nodes)?, shrinking(nodes)?] {
            let planned = plan(&snapshot);
            let planning = Times::of(|| drop(black_box(plan(black_box(&snapshot)))));
            let checking = Times::of(|| drop(black_box(check(black_box(&snapshot), &planned))));
            eprintln!("  plan {planning:?}, check {checking:?} (microseconds)");
            slowest = (slowest.0.max(planning.p99), slowest.1.max(checking.p99));
        }
        report.figure(&format!("plan_us_p99{suffix}"), slowest.0);
        report.figure(&format!("check_us_p99{suffix}"), slowest.1);
    }
    Ok(())
}

/// OpenVidu 3 on machines, and nothing to do.
fn converged(nodes: usize) -> Result<Snapshot, String> {
    let snapshot = cluster().v3().media_nodes(nodes).planned().snapshot();
    let plan = plan(&snapshot);
    if plan.steps.is_empty() && plan.nodes.is_empty() {
        Ok(snapshot)
    } else {
        Err(format!(
            "the converged cluster of {nodes} nodes has something to do: {:?}",
            plan.steps
        ))
    }
}

/// The same, wanted half as large: a tenth is closed with rooms that last, rooms are on every other node, and the
/// next ones are to be closed.
fn shrinking(nodes: usize) -> Result<Snapshot, String> {
    let closed = nodes / 10;
    let half = i32::try_from(nodes / 2).map_err(|error| format!("{nodes} nodes: {error}"))?;
    let names = |numbers: std::ops::RangeInclusive<usize>| numbers.map(|i| format!("w{i}"));
    let mut fixture = cluster()
        .v3()
        .media_nodes(nodes)
        .replicas(half)
        .drains_at_once(i32::MAX)
        .nodes(names(1..=closed))
        .closed();
    for name in names(1..=nodes).step_by(2) {
        fixture = fixture.rooms(&name, 3);
    }
    let snapshot = fixture.snapshot();
    let planned = plan(&snapshot);
    let refusals = check(&snapshot, &planned);
    if planned.steps.is_empty() {
        return Err(format!("the cluster of {nodes} nodes does not shrink"));
    }
    if !refusals.is_empty() {
        return Err(format!("the shrinking plan is refused: {refusals:?}"));
    }
    Ok(snapshot)
}

/// Microseconds, rounded up, that so many of 100 runs stay within. A p99 far from its p50 tells of a busy machine.
#[derive(Debug)]
struct Times {
    #[expect(dead_code, reason = "for people, who see it in the progress")]
    p50: u128,
    p99: u128,
}

impl Times {
    fn of(mut run: impl FnMut()) -> Self {
        for _ in 0..WARM_UP {
            run();
        }
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let began = Instant::now();
                run();
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        let within = |percent: usize| {
            let rank = (RUNS * percent).div_ceil(100).saturating_sub(1);
            times
                .get(rank)
                .map_or(0, |time| time.as_nanos().div_ceil(1000))
        };
        Self {
            p50: within(50),
            p99: within(99),
        }
    }
}
