//! What the demonstration showed, in figures.

use std::time::Duration;

use ovo_world::Ledger;

use crate::demo::stage::{Act, Stage};
use crate::failure::Failure;

/// The figures.
pub(super) struct Summary {
    acts: Vec<Act>,
    ledger: Ledger,
    took: Duration,
}

impl Summary {
    pub(super) fn of(stage: &Stage, took: Duration) -> Self {
        Self {
            acts: stage.acts(),
            ledger: stage.ledger(),
            took,
        }
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .acts
            .iter()
            .enumerate()
            .map(|(number, act)| {
                format!(
                    "{}. {} ({:.0} s): {}",
                    number + 1,
                    act.title,
                    act.took.as_secs_f64(),
                    act.found
                )
            })
            .collect();
        let ledger = &self.ledger;
        lines.push(format!(
            "{} steps carried out, {} media nodes closed, {} ended, {} meetings cut, {} drain signals sent twice ({:.0} s)",
            ledger.executed,
            ledger.drains_begun,
            ledger.nodes_ended,
            ledger.conversations_cut + ledger.jobs_cut,
            ledger.second_signals,
            self.took.as_secs_f64(),
        ));
        lines
    }

    /// Whether anybody was harmed.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let ledger = &self.ledger;
        if ledger.harms + ledger.conversations_cut + ledger.jobs_cut + ledger.second_signals == 0 {
            return Ok(());
        }
        let words: Vec<String> = ledger
            .violations
            .iter()
            .map(|v| format!("{:?}: {}", v.harm, v.words))
            .collect();
        Err(Failure::Demo(format!(
            "harm was done: {}",
            words.join("; ")
        )))
    }
}
