//! Bugs that are planted to show that this enumeration finds them.

use ovo_kube_faults::Fault;
use ovo_planner::bugs::{Bug as EngineBug, Bugs as EngineBugs};
use ovo_simulation::manifests::Shape;
use ovo_simulation::scenario::Scenario;
use ovo_store::kubernetes::bugs::{Bug as StoreBug, Bugs as StoreBugs};

use crate::bench::{Bench, Course, Planted, Trouble};

/// Points that are tried of a bug, evenly spread over those where what goes wrong can bring it out.
const TRIED: usize = 12;

struct Plant {
    what: &'static str,
    planted: Planted,
    course: Course,
    /// What goes wrong at a point that can bring it out.
    trouble: fn(&Trouble) -> bool,
    /// What is said of it.
    words: &'static str,
}

fn engine(bug: EngineBug) -> Planted {
    Planted {
        engine: EngineBugs::only(bug),
        ..Planted::default()
    }
}

fn store(bug: StoreBug) -> Planted {
    Planted {
        store: StoreBugs::only(bug),
        ..Planted::default()
    }
}

fn is(trouble: &Trouble, fault: Fault, about: &str) -> bool {
    match trouble {
        Trouble::Request(point, this) => *this == fault && point.request.contains(about),
        Trouble::World(..) => false,
    }
}

fn plants() -> [Plant; 3] {
    [
        Plant {
            what: "a deleted cluster is let go before the Secrets that were held for it",
            planted: engine(EngineBug::ReleasesFirst),
            course: (Shape::V3, Scenario::Delete),
            trouble: |t| is(t, Fault::DiesBefore, "PATCH secrets/"),
            words: "secrets/",
        },
        Plant {
            what: "no answer is taken for a failure, and a Secret made again under another name",
            planted: store(StoreBug::AnotherName),
            course: (Shape::V3, Scenario::Create),
            trouble: |t| is(t, Fault::AnswerLost, "POST secrets"),
            words: "-again",
        },
        Plant {
            what: "a cache that is late is believed, and what was written is written again",
            planted: store(StoreBug::LateCacheTrusted),
            course: (Shape::V3, Scenario::Create),
            trouble: |t| is(t, Fault::Behind, "/status"),
            words: "refused as outdated",
        },
    ]
}

#[test]
fn a_planted_bug_is_found_by_a_few_points_and_by_nothing_else() {
    let bench = Bench::start();
    let mut missed = Vec::new();
    for plant in plants() {
        let sound = bench.fault_free(plant.course, Planted::default()).unwrap();
        // Where nothing goes wrong it does not show.
        let hidden = bench.fault_free(plant.course, plant.planted).unwrap();
        if let Some(words) = hidden.difference(&sound) {
            missed.push(format!("{}: shows without a fault: {words}", plant.what));
        }
        let all = hidden.troubles().into_iter().filter(plant.trouble);
        let all: Vec<Trouble> = all.collect();
        let every = all.len().div_ceil(TRIED).max(1);
        let mut found = false;
        for (number, trouble) in all.iter().step_by(every).enumerate() {
            let end = bench.troubled(plant.course, plant.planted, trouble, &sound);
            let Err(words) = end else {
                continue;
            };
            println!("{}: found by point {number}: {words}", plant.what);
            if !words.contains(plant.words) {
                missed.push(format!("{}: found, but not it: {words}", plant.what));
            }
            // Without the bug this point is harmless: it is the bug that was found.
            if let Err(words) = bench.troubled(plant.course, Planted::default(), trouble, &sound) {
                missed.push(format!("{}: without it: {words}", plant.what));
            }
            found = true;
            break;
        }
        if !found {
            missed.push(format!("{}: not found at {} points", plant.what, all.len()));
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}
