//! The committed intent: what may be done that closes, stops, ends or cuts.

use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_model::{Plan, Step};

use super::{Rule, Run};

/// The status that a plan writes commits to its destructive steps, all of them and no others.
pub(super) fn planned(run: &mut Run<'_, '_>, plan: &Plan) {
    let old = run.facts.status;
    if plan.steps.is_empty() && old == Some(&*plan.status) {
        return;
    }
    let new = plan.status.intent.as_ref();
    for step in plan.steps.iter().filter(|s| s.is_destructive()) {
        if !new.is_some_and(|i| {
            i.steps
                .iter()
                .any(|s| s.id == step.id.0 && s.cuts == step.cuts)
        }) {
            run.refuse(
                Rule::Intent,
                step,
                "does not stand in the intent that this plan commits",
            );
        }
    }
    let Some(new) = new else {
        if old.is_some_and(|s| s.intent.is_some()) {
            run.refuse_plan(
                Rule::Intent,
                "the intent would be forgotten, with its revision and epoch",
            );
        }
        return;
    };
    for stale in new
        .steps
        .iter()
        .filter(|s| !plan.steps.iter().any(|p| p.id.0 == s.id))
    {
        run.refuse_plan(
            Rule::Intent,
            format!(
                "the intent would allow `{}`, which is not planned",
                stale.id
            ),
        );
    }
    if new.format_version != INTENT_FORMAT_VERSION {
        run.refuse_plan(
            Rule::S11,
            format!("the intent would have format {}", new.format_version),
        );
    }
    if let Some(old) = old.and_then(|s| s.intent.as_ref())
        && (new.epoch < old.epoch || new.revision < old.revision)
    {
        let text = format!(
            "the intent would go back from epoch {} revision {} to {} and {}",
            old.epoch, old.revision, new.epoch, new.revision
        );
        run.refuse_plan(Rule::Intent, text);
    }
}

/// A step that is about to run stands in the stored intent.
pub(super) fn committed(run: &mut Run<'_, '_>, step: &Step) {
    let intent = run.facts.status.and_then(|s| s.intent.as_ref());
    let stands = intent.is_some_and(|i| {
        i.steps
            .iter()
            .any(|s| s.id == step.id.0 && s.cuts == step.cuts)
    });
    if !stands {
        let revision = intent.map_or(0, |i| i.revision);
        run.refuse(
            Rule::Intent,
            step,
            format!("does not stand in the stored intent (revision {revision})"),
        );
    }
}
