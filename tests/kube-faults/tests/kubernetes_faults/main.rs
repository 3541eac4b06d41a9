//! The operator dies, or one of its requests goes wrong, at the points of some scenarios over a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod bench;
mod figure;
mod home;
mod objects;
mod wire;

use std::time::Instant;

use bench::{Bench, Course};
use figure::figure;
use ovo_simulation::manifests::Shape;
use ovo_simulation::parallel;
use ovo_simulation::scenario::Scenario;

/// Runs at once. Much of a run is waiting for the server and for the pace of events.
const AT_ONCE: usize = 6;

const COURSES: [Course; 4] = [
    (Shape::V3, Scenario::Create),
    (Shape::V3, Scenario::DrainAndShrink),
    (Shape::V3, Scenario::NodeDeleted),
    (Shape::V3, Scenario::Delete),
];

/// One of so many cases is run where `OVO_FAULT_STEP` says nothing else: all of them take half an hour.
const STEP: usize = 61;

#[test]
fn whatever_goes_wrong_once_the_end_is_that_of_a_run_without_a_fault() {
    let bench = Bench::start();
    let step = std::env::var("OVO_FAULT_STEP").map_or(STEP, |step| step.parse().unwrap());
    let runs = parallel::map_on(COURSES.len(), &COURSES, |course| {
        let began = Instant::now();
        let run = bench.fault_free(*course).unwrap();
        (*course, run, began.elapsed())
    });
    let mut all = Vec::new();
    for (course, run, took) in &runs {
        let troubles = run.troubles();
        let (cases, took) = (troubles.len(), took.as_secs_f32());
        println!("{course:?}: {cases} cases; {took:.1} s without a fault");
        all.extend(troubles.into_iter().map(|trouble| (*course, run, trouble)));
    }
    let (deadly, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, _, trouble)| trouble.kills());
    let mut failed = Vec::new();
    for (name, all) in [("k8s.crash_points", deadly), ("k8s.fault_points", others)] {
        let cases: Vec<_> = all.iter().step_by(step).collect();
        let ends = parallel::map_on(AT_ONCE, &cases, |(course, run, trouble)| {
            bench.troubled(*course, trouble, &run.outcome).err()
        });
        let wrong: Vec<String> = ends.into_iter().flatten().collect();
        println!("{} of {} cases", cases.len(), all.len());
        figure(name, cases.len());
        figure(&format!("{name}_failed"), wrong.len());
        failed.extend(wrong);
    }
    let first = &failed[..failed.len().min(40)];
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        first.join("\n\n")
    );
}
