//! Making, changing, repeating, taking away.

use std::collections::BTreeSet;

use ovo_model::{Op, Outcome, Resource, Scope};

use super::diff::{Goal, Next, next};
use super::walk::{Arrival, estate, execute, look, walk};
use super::{Bed, Report};
use crate::provider::{Provider, ScopeChoice};

pub(super) async fn run<B: Bed>(bed: &B, report: &mut Report) {
    bed.reset().await;
    report.note(
        "every scope that is asked for is answered",
        scopes(bed).await,
    );
    bed.reset().await;
    report.note("applied twice, the second plan is empty", twice(bed).await);
    bed.reset().await;
    report.note("a change is made in place", changes(bed).await);
    bed.reset().await;
    report.note("a step done twice is a step done once", repeated(bed).await);
    bed.reset().await;
    report.note("deletion leaves nothing", leaves_nothing(bed).await);
}

async fn scopes<B: Bed>(bed: &B) -> Result<(), String> {
    let provider = bed.provider().await;
    let wanted: BTreeSet<Scope> = bed.resources().into_iter().map(|r| r.scope).collect();
    let all: BTreeSet<Scope> = look(bed, &provider).await.into_keys().collect();
    if let Some(missing) = wanted.difference(&all).next() {
        return Err(format!("observe(All) does not answer for {}", missing.0));
    }
    for scope in wanted {
        let only = ScopeChoice::Only([scope.clone()].into());
        let answer: Vec<Scope> = provider
            .observe(&bed.target(), &only)
            .await
            .into_keys()
            .collect();
        if answer != [scope.clone()] {
            return Err(format!(
                "asked for {} only, observe answers for {answer:?}",
                scope.0
            ));
        }
    }
    Ok(())
}

async fn twice<B: Bed>(bed: &B) -> Result<(), String> {
    let (provider, wanted) = (bed.provider().await, bed.resources());
    let Arrival::There(calls) = walk(bed, &provider, Goal::Have(&wanted), None).await? else {
        return Err("died unasked".to_owned());
    };
    if calls == 0 {
        return Err("the backend had everything before anything was made: reset it".to_owned());
    }
    let before = estate(&look(bed, &provider).await)?;
    if let Some(missing) = wanted.iter().find(|r| !before.contains_key(&r.id)) {
        return Err(format!("{} was made and is not seen as ours", missing.id));
    }
    // By one who remembers nothing of the first time.
    let again = walk(bed, &bed.provider().await, Goal::Have(&wanted), None).await?;
    if again != Arrival::There(0) {
        return Err(format!(
            "applied again by a new instance: {again:?} calls instead of none"
        ));
    }
    Ok(())
}

async fn changes<B: Bed>(bed: &B) -> Result<(), String> {
    let (provider, wanted, changed) = (bed.provider().await, bed.resources(), bed.changed());
    walk(bed, &provider, Goal::Have(&wanted), None).await?;
    let planned = |resource: &Resource, property: &str| bed.planned(resource, property);
    let Next::Do(step) = next(
        bed.target().profile,
        Goal::Have(&changed),
        &look(bed, &provider).await,
        &planned,
    )?
    else {
        return Err("Bed::changed changes nothing".to_owned());
    };
    if !matches!(step.op, Op::Set { .. }) {
        return Err(format!(
            "a change that can be made in place needs `{}`",
            step.id
        ));
    }
    walk(bed, &provider, Goal::Have(&changed), None).await?;
    walk(bed, &provider, Goal::Have(&wanted), None)
        .await
        .map(drop)
}

/// Every step of building and of taking away, each carried out once more after it was done.
async fn repeated<B: Bed>(bed: &B) -> Result<(), String> {
    let (provider, wanted) = (bed.provider().await, bed.resources());
    let planned = |resource: &Resource, property: &str| bed.planned(resource, property);
    for goal in [Goal::Have(&wanted), Goal::Nothing(&wanted)] {
        for _ in 0..100 {
            let step = match next(
                bed.target().profile,
                goal,
                &look(bed, &provider).await,
                &planned,
            )? {
                Next::Reached => break,
                Next::Wait(_) => {
                    bed.wait(1_000).await;
                    continue;
                }
                Next::Do(step) => step,
            };
            finish(bed, &provider, &step).await?;
            let once = estate(&look(bed, &provider).await)?;
            let absent =
                |r: &Resource| step.op.resource() == Some(&r.id) && !once.contains_key(&r.id);
            let taken_away = matches!(step.op, Op::Delete { .. } | Op::Uninstall { .. });
            match finish(bed, &provider, &step).await {
                Ok(()) => {}
                Err(why)
                    if taken_away && why.contains("not found") && wanted.iter().any(absent) => {}
                Err(why) => return Err(format!("done a second time, {why}")),
            }
            let again = estate(&look(bed, &provider).await)?;
            if once != again {
                return Err(format!(
                    "{} done twice is another world:\nonce  {once:?}\ntwice {again:?}",
                    step.id
                ));
            }
            let left = bed.left().await;
            let seen = again.len();
            if left.len() > seen {
                return Err(format!(
                    "{} done twice: the backend holds {left:?}, observe shows {seen}",
                    step.id
                ));
            }
        }
    }
    Ok(())
}

/// Carries a step out until it is done.
async fn finish<B: Bed>(bed: &B, provider: &B::P, step: &ovo_model::Step) -> Result<(), String> {
    for _ in 0..100 {
        match execute(bed, provider, step).await {
            Ok(Outcome::Done) => return Ok(()),
            Ok(Outcome::InProgress { look_again_in }) => bed.wait(look_again_in.max(1)).await,
            Err(error) => return Err(format!("{}: {error}", step.id)),
        }
    }
    Err(format!("{} is still in progress after 100 looks", step.id))
}

async fn leaves_nothing<B: Bed>(bed: &B) -> Result<(), String> {
    let (provider, wanted) = (bed.provider().await, bed.resources());
    walk(bed, &provider, Goal::Have(&wanted), None).await?;
    walk(bed, &bed.provider().await, Goal::Nothing(&wanted), None).await?;
    let seen = estate(&look(bed, &provider).await)?;
    if !seen.is_empty() {
        return Err(format!(
            "after deletion observe still shows {:?}",
            seen.keys().collect::<Vec<_>>()
        ));
    }
    let left = bed.left().await;
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("after deletion the backend still holds {left:?}"))
    }
}
