//! Crash and fault points: all of all scenarios, in every way in which each can go wrong.

use std::time::Instant;

use ovo_simulation::crash::enumerate;

use crate::report::Report;

/// Runs them all.
///
/// # Errors
/// When a scenario fails with nothing going wrong: then there is nothing to compare with.
pub(crate) fn run(report: &mut Report) -> Result<(), String> {
    eprintln!("crash and fault points of all scenarios ...");
    let began = Instant::now();
    let found = enumerate(1, |_| true)?;
    for words in &found.failed {
        report.failure(words);
    }
    report.figure("crash_points", found.runs);
    report.figure("crash_points_failed", found.failed.len());
    eprintln!(
        "{} crash and fault points, {} failed, {} s",
        found.runs,
        found.failed.len(),
        began.elapsed().as_secs()
    );
    Ok(())
}
