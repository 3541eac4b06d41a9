//! Every point of every scenario goes wrong once, in every way in which it can.

use crate::gate::{Fault, Gate, Point};
use crate::manifests::Shape;
use crate::scenario::{End, Scenario, setup};

/// What an enumeration found.
#[derive(Clone, Debug, Default)]
pub struct Enumeration {
    /// Runs: points times what can go wrong at each.
    pub runs: usize,
    /// Runs that did not end as the fault-free one, with their words.
    pub failed: Vec<String>,
}

/// One run to make.
#[derive(Clone, Debug)]
pub struct Case {
    /// Profile.
    pub shape: Shape,
    /// Course of events.
    pub scenario: Scenario,
    /// Number of the point.
    pub number: usize,
    /// The point.
    pub point: Point,
    /// What goes wrong.
    pub fault: Fault,
}

/// All runs of one scenario, and the end that each must come to.
///
/// # Errors
/// When the fault-free run itself fails.
pub fn cases(shape: Shape, scenario: Scenario) -> Result<(Vec<Case>, End), String> {
    let gate = Gate::open();
    let end = scenario.run(&setup(shape), &gate)?;
    let cases = gate
        .points()
        .into_iter()
        .enumerate()
        .flat_map(|(number, point)| {
            point.faults().iter().map(move |fault| Case {
                shape,
                scenario,
                number,
                point: point.clone(),
                fault: *fault,
            })
        })
        .collect();
    Ok((cases, end))
}

impl Case {
    /// Runs it.
    ///
    /// # Errors
    /// When it ends otherwise than the fault-free run, or does harm on the way.
    pub fn run(&self, expected: &End) -> Result<(), String> {
        let gate = Gate::at(self.number, self.fault);
        let name = format!(
            "{:?} {:?} #{} {:?} {:?}",
            self.shape, self.scenario, self.number, self.point, self.fault
        );
        let end = self
            .scenario
            .run(&setup(self.shape), &gate)
            .map_err(|words| format!("{name}: {words}"))?;
        if !gate.hit() {
            return Err(format!(
                "{name}: the point was not reached: the run is not repeatable"
            ));
        }
        if end != *expected {
            return Err(format!("{name}: ended as\n{end:#?}\nnot as\n{expected:#?}"));
        }
        Ok(())
    }
}

/// Runs every `every`-th case of all scenarios, on as many threads as there are processors.
///
/// # Errors
/// When a fault-free run fails.
pub fn enumerate(
    every: usize,
    wanted: impl Fn(&Case) -> bool + Sync,
) -> Result<Enumeration, String> {
    let mut work = Vec::new();
    for shape in Shape::ALL {
        for scenario in Scenario::ALL {
            let (cases, end) = cases(shape, scenario)?;
            let end = std::sync::Arc::new(end);
            work.extend(
                cases
                    .into_iter()
                    .filter(&wanted)
                    .map(|case| (case, end.clone())),
            );
        }
    }
    let work: Vec<_> = work.into_iter().step_by(every.max(1)).collect();
    let failed = crate::parallel::map(&work, |(case, end)| case.run(end).err());
    Ok(Enumeration {
        runs: work.len(),
        failed: failed.into_iter().flatten().collect(),
    })
}
