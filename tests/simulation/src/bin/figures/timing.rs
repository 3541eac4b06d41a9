//! How long a plan takes, and going over it.
//!
//! Both are pure: they wait for nobody, so what they cost is the processor time of their thread. That is what the
//! figures are, whoever else wants the processor. The time on the wall stands beside them: a run of milliseconds is
//! interrupted twenty times as often as one of a fraction of it, and a p99 tells of the interruptions.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use ovo_model::Snapshot;
use ovo_planner::check::check;
use ovo_planner::fixtures::cluster;
use ovo_planner::plan;

use crate::report::Report;

/// Passes over each snapshot. The quietest one counts: what disturbs a pass, on this computer or on the one that it is a
/// part of, is not the planner's.
const PASSES: usize = 5;

/// Plans of each snapshot that are timed in one pass.
const RUNS: usize = 400;

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
        let mut slowest = Slowest::default();
        for snapshot in [converged(nodes)?, shrinking(nodes)?] {
            let planned = plan(&snapshot);
            let planning = Times::of(|| drop(black_box(plan(black_box(&snapshot)))));
            let checking = Times::of(|| drop(black_box(check(black_box(&snapshot), &planned))));
            eprintln!("  plan {planning:?}, check {checking:?} (microseconds)");
            slowest.add(planning, checking);
        }
        report.figure(&format!("plan_us_p99{suffix}"), slowest.plan);
        report.figure(&format!("plan_wall_us_p99{suffix}"), slowest.plan_wall);
        report.figure(&format!("check_us_p99{suffix}"), slowest.check);
    }
    Ok(())
}

/// The worst of what was timed, in microseconds.
#[derive(Default)]
struct Slowest {
    plan: u128,
    plan_wall: u128,
    check: u128,
}

impl Slowest {
    fn add(&mut self, planning: Times, checking: Times) {
        self.plan = self.plan.max(planning.p99);
        self.plan_wall = self.plan_wall.max(planning.wall_p99);
        self.check = self.check.max(checking.p99);
    }
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

/// Microseconds, rounded up, that so many of 100 runs stay within: each the lowest of all passes.
#[derive(Clone, Copy, Debug)]
struct Times {
    p50: u128,
    p99: u128,
    wall_p99: u128,
}

impl Times {
    fn of(mut run: impl FnMut()) -> Self {
        for _ in 0..WARM_UP {
            run();
        }
        let mut lowest = Self {
            p50: u128::MAX,
            p99: u128::MAX,
            wall_p99: u128::MAX,
        };
        for _ in 0..PASSES {
            let mut times = Vec::with_capacity(RUNS);
            let mut walls = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                let (began, computed) = (Instant::now(), processor_time());
                run();
                times.push(processor_time().saturating_sub(computed));
                walls.push(began.elapsed());
            }
            lowest.p50 = lowest.p50.min(within(50, &mut times));
            lowest.p99 = lowest.p99.min(within(99, &mut times));
            lowest.wall_p99 = lowest.wall_p99.min(within(99, &mut walls));
        }
        lowest
    }
}

/// What so many of 100 stay within, in microseconds.
fn within(percent: usize, times: &mut [Duration]) -> u128 {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times
        .get(rank)
        .map_or(0, |time| time.as_nanos().div_ceil(1000))
}

/// How long this thread has computed.
fn processor_time() -> Duration {
    // A clock that only counts up from zero.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
