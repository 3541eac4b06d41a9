//! The operator dies at every call, in three ways; a new one goes on and ends where the first would have.

use super::diff::Goal;
use super::walk::{Arrival, Death, Estate, estate, look, walk};
use super::{Bed, Report};

pub(super) async fn run<B: Bed>(bed: &B, report: &mut Report) {
    let wanted = bed.resources();
    points(
        bed,
        report,
        "dying while building",
        &[],
        Goal::Have(&wanted),
    )
    .await;
    points(
        bed,
        report,
        "dying while taking away",
        &[Goal::Have(&wanted)],
        Goal::Nothing(&wanted),
    )
    .await;
}

async fn points<B: Bed>(
    bed: &B,
    report: &mut Report,
    check: &'static str,
    before: &[Goal<'_>],
    goal: Goal<'_>,
) {
    let (calls, end) = match undisturbed(bed, before, goal).await {
        Ok(done) => done,
        Err(why) => return report.note(check, Err(why)),
    };
    for call in 0..calls {
        for death in [Death::Before, Death::Within, Death::After] {
            report.crash_points += 1;
            let outcome = resumed(bed, before, goal, (call, death), &end).await;
            let place = |why| format!("{death:?} call {} of {calls}: {why}", call + 1);
            report.note(check, outcome.map_err(place));
        }
    }
}

/// The end without any death, and by how many calls it is reached.
async fn undisturbed<B: Bed>(
    bed: &B,
    before: &[Goal<'_>],
    goal: Goal<'_>,
) -> Result<(usize, Estate), String> {
    bed.reset().await;
    let provider = bed.provider().await;
    for goal in before {
        walk(bed, &provider, *goal, None).await?;
    }
    let Arrival::There(calls) = walk(bed, &provider, goal, None).await? else {
        return Err("died unasked".to_owned());
    };
    Ok((calls, estate(&look(bed, &provider).await)?))
}

async fn resumed<B: Bed>(
    bed: &B,
    before: &[Goal<'_>],
    goal: Goal<'_>,
    death: (usize, Death),
    end: &Estate,
) -> Result<(), String> {
    bed.reset().await;
    let provider = bed.provider().await;
    for goal in before {
        walk(bed, &provider, *goal, None).await?;
    }
    walk(bed, &provider, goal, Some(death)).await?;
    drop(provider);
    let next = bed.provider().await;
    walk(bed, &next, goal, None).await?;
    let reached = estate(&look(bed, &next).await)?;
    if reached != *end {
        return Err(format!(
            "ends elsewhere:\nundisturbed {end:?}\nresumed     {reached:?}"
        ));
    }
    let left = bed.left().await;
    if left.len() > reached.len() {
        return Err(format!(
            "the backend holds {left:?}, {} are known",
            reached.len()
        ));
    }
    Ok(())
}
