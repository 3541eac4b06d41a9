//! What a provider must not do: touch others' things, guess, or blur its errors.

use ovo_model::{Observation, Outcome, Ownership, ProviderError, Resource};

use super::diff::{Goal, attempts, found, removal, setting};
use super::walk::{estate, execute, look, walk};
use super::{Bed, Report};

pub(super) async fn run<B: Bed>(bed: &B, report: &mut Report) {
    bed.reset().await;
    report.note(
        "what is not there is said not to be there",
        absent(bed).await,
    );
    match bed.impossible() {
        Some(step) => {
            bed.reset().await;
            report.note(
                "a value that will never do names its field",
                invalid(bed, &step).await,
            );
        }
        None => report.leave_out("this bed names no impossible step"),
    }
    bed.reset().await;
    match incomplete(bed).await {
        Some(outcome) => report.note("an incomplete read is unknown, never empty", outcome),
        None => report.leave_out("reads of this backend cannot be spoilt"),
    }
    let mut planted = false;
    for resource in bed.resources() {
        bed.reset().await;
        if bed.plant_foreign(&resource).await {
            planted = true;
            report.note(
                "somebody else's is left alone",
                foreign(bed, &resource).await,
            );
        }
    }
    if !planted {
        report.leave_out("nobody else can own anything on this backend");
    }
}

async fn absent<B: Bed>(bed: &B) -> Result<(), String> {
    let (provider, profile) = (bed.provider().await, bed.target().profile);
    for resource in bed.resources() {
        let step = removal(profile, &resource);
        match execute(bed, &provider, &step).await {
            Ok(Outcome::Done) | Err(ProviderError::NotFound(_)) => {}
            other => {
                return Err(format!(
                    "{} of what is not there answers {other:?}, not Done or NotFound",
                    step.id
                ));
            }
        }
        // What exists by itself is made by setting it.
        let Some(step) = setting(profile, &resource).filter(|_| resource.create.is_some()) else {
            continue;
        };
        match execute(bed, &provider, &step).await {
            Err(ProviderError::NotFound(_)) => {}
            other => {
                return Err(format!(
                    "{} of what is not there answers {other:?}, not NotFound",
                    step.id
                ));
            }
        }
    }
    let made = estate(&look(bed, &provider).await)?;
    if made.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "setting and deleting nothing made {:?}",
            made.keys()
        ))
    }
}

async fn invalid<B: Bed>(bed: &B, step: &ovo_model::Step) -> Result<(), String> {
    match execute(bed, &bed.provider().await, step).await {
        Err(ProviderError::Invalid { field, message })
            if !field.is_empty() && !message.is_empty() =>
        {
            Ok(())
        }
        other => Err(format!(
            "{} answers {other:?}, not Invalid with a field and a way out",
            step.id
        )),
    }
}

async fn incomplete<B: Bed>(bed: &B) -> Option<Result<(), String>> {
    let (provider, wanted) = (bed.provider().await, bed.resources());
    if let Err(why) = walk(bed, &provider, Goal::Have(&wanted), None).await {
        return Some(Err(why));
    }
    if !bed.spoil_reads(true).await {
        return None;
    }
    let outcome = spoilt(bed, &wanted).await;
    bed.spoil_reads(false).await;
    Some(outcome)
}

async fn spoilt<B: Bed>(bed: &B, wanted: &[Resource]) -> Result<(), String> {
    let seen = look(bed, &bed.provider().await).await;
    for resource in wanted {
        match seen.get(&resource.scope) {
            Some(Observation::Unknown { reason }) if !reason.is_empty() => {}
            Some(Observation::Unknown { .. }) => {
                return Err(format!(
                    "scope {} is unknown without a reason",
                    resource.scope.0
                ));
            }
            Some(Observation::Known { resources, .. }) if resources.contains_key(&resource.id) => {}
            Some(Observation::Known { .. }) => {
                return Err(format!(
                    "{} is there; an incomplete read says that it is not",
                    resource.id
                ));
            }
            None => {
                return Err(format!(
                    "an incomplete read leaves scope {} out",
                    resource.scope.0
                ));
            }
        }
    }
    if seen.values().all(Observation::is_known) {
        return Err("reads were spoilt, and every scope is said to be known".to_owned());
    }
    Ok(())
}

async fn foreign<B: Bed>(bed: &B, resource: &Resource) -> Result<(), String> {
    let (provider, id) = (bed.provider().await, &resource.id);
    let before = look(bed, &provider).await;
    let there = found(&before, id).cloned();
    if there
        .as_ref()
        .is_some_and(|r| r.ownership == Ownership::Ours)
    {
        return Err(format!(
            "{id} is somebody else's, and observe says that it is ours"
        ));
    }
    let planned = |resource: &Resource, property: &str| bed.planned(resource, property);
    for step in attempts(bed.target().profile, resource, &planned) {
        match execute(bed, &provider, &step).await {
            Err(ProviderError::Conflict(_)) => {}
            other => {
                return Err(format!(
                    "{id} is somebody else's; `{}` answers {other:?}, not Conflict",
                    step.id
                ));
            }
        }
        if found(&look(bed, &provider).await, id) != there.as_ref() {
            return Err(format!(
                "{id} is somebody else's, and `{}` changed it",
                step.id
            ));
        }
    }
    Ok(())
}
