//! What the checker says, as one line per case.
#![allow(dead_code, reason = "each test uses its own part")]

use ovo_model::{Plan, Snapshot, Step};
use ovo_planner::check::{Refusal, Rule, check};
use ovo_planner::fixtures::steps;

fn rules(refusals: &[Refusal]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = refusals.iter().map(|r| r.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn text(refusals: &[Refusal]) -> String {
    refusals
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// These steps are refused, by this rule and with these words.
#[track_caller]
pub(crate) fn refused(
    snapshot: &Snapshot,
    steps: impl IntoIterator<Item = Step>,
    rule: Rule,
    words: &str,
) {
    refused_plan(snapshot, &steps::plan(snapshot, steps), rule, words);
}

/// This plan is refused, by this rule and with these words.
#[track_caller]
pub(crate) fn refused_plan(snapshot: &Snapshot, plan: &Plan, rule: Rule, words: &str) {
    let refusals = check(snapshot, plan);
    let fits = |r: &&Refusal| r.rule == rule && r.message.contains(words);
    assert!(
        refusals.iter().any(|r| fits(&r)),
        "not refused by {rule} with `{words}`, but:\n{}",
        text(&refusals)
    );
}

/// These steps pass.
#[track_caller]
pub(crate) fn passes(snapshot: &Snapshot, steps: impl IntoIterator<Item = Step>) {
    passes_plan(snapshot, &steps::plan(snapshot, steps));
}

/// This plan passes.
#[track_caller]
pub(crate) fn passes_plan(snapshot: &Snapshot, plan: &Plan) {
    let refusals = check(snapshot, plan);
    assert!(
        refusals.is_empty(),
        "{:?}:\n{}",
        rules(&refusals),
        text(&refusals)
    );
}
