//! The operator dies, or one of its requests goes wrong, at the points of some scenarios over a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod bench;
mod figure;
mod home;
mod objects;
mod planted;
mod wire;

use std::time::Instant;

use bench::{Bench, Course, Planted, Trouble};
use figure::figure;
use ovo_kube_faults::{Fault, Point};
use ovo_simulation::manifests::Shape;
use ovo_simulation::parallel;
use ovo_simulation::scenario::Scenario;

/// Runs at once. Much of a run is waiting for the server and for the pace of events.
const AT_ONCE: usize = 6;

const COURSES: [Course; 6] = [
    (Shape::V2, Scenario::Create),
    (Shape::V2, Scenario::DrainAndShrink),
    (Shape::V3, Scenario::Create),
    (Shape::V3, Scenario::DrainAndShrink),
    (Shape::V3, Scenario::NodeDeleted),
    (Shape::V3, Scenario::Delete),
];

/// One of so many cases in which the operator dies is run, and of those in which it lives, where `OVO_FAULT_STEP` says
/// nothing else: all of them are two and a half thousand.
const STEPS: [usize; 2] = [41, 131];

#[test]
fn whatever_goes_wrong_once_the_end_is_that_of_a_run_without_a_fault() {
    let bench = Bench::start();
    let step = std::env::var("OVO_FAULT_STEP").map(|step| step.parse().unwrap());
    let steps = step.map_or(STEPS, |step| [step; 2]);
    let runs = parallel::map_on(COURSES.len(), &COURSES, |course| {
        let began = Instant::now();
        let run = bench.fault_free(*course, Planted::default()).unwrap();
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
    let kinds = [("k8s.crash_points", deadly), ("k8s.fault_points", others)];
    for ((name, all), step) in kinds.into_iter().zip(steps) {
        let cases: Vec<_> = all.iter().step_by(step).collect();
        let ends = parallel::map_on(AT_ONCE, &cases, |(course, run, trouble)| {
            let end = bench.troubled(*course, Planted::default(), trouble, run);
            end.inspect_err(|words| println!("{words}")).err()
        });
        let wrong: Vec<String> = ends.into_iter().flatten().collect();
        println!("{} of {} cases", cases.len(), all.len());
        figure(name, cases.len());
        figure(&format!("{name}_failed"), wrong.len());
        failed.extend(wrong);
    }
    assert_eq!(failed, Vec::<String>::new());
    // A run in which nothing went wrong would prove nothing, and says so.
    let (course, run, _) = &runs[2];
    let nowhere = Trouble::Request(
        Point {
            request: "PATCH openviduclusters/other".to_owned(),
            nth: 0,
        },
        Fault::DiesBefore,
    );
    let missed = bench.troubled(*course, Planted::default(), &nowhere, run);
    assert!(missed.unwrap_err().contains("was not reached"));
}
