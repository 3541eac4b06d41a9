//! Every scenario of both profiles ends as it should when nothing goes wrong.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_simulation::gate::Gate;
use ovo_simulation::manifests::Shape;
use ovo_simulation::scenario::{Scenario, setup};

#[test]
fn every_scenario_ends_well() {
    let mut failed = Vec::new();
    for shape in Shape::ALL {
        for scenario in Scenario::ALL {
            let gate = Gate::open();
            match scenario.run(&setup(shape), &gate) {
                Ok(_) => println!("{shape:?} {scenario:?}: {} points", gate.points().len()),
                Err(words) => failed.push(format!("== {shape:?} {scenario:?}: {words}")),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
