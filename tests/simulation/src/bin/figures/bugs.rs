//! Planted bugs: each must be found twice, by the checker and, where nobody checks, by the oracle.

use ovo_simulation::planted;

use crate::report::Report;

/// Plants each, and looks.
pub(crate) fn find(report: &mut Report) {
    eprintln!("planted bugs ...");
    let bugs: Vec<_> = planted::bugs().collect();
    let wrong = ovo_simulation::parallel::map(&bugs, |bug| planted::missed(*bug));
    let found = wrong.iter().filter(|wrong| wrong.is_empty()).count();
    for words in wrong.iter().flatten() {
        report.failure(words);
    }
    report.figure("planted_bugs", bugs.len());
    report.figure("planted_bugs_found", found);
    eprintln!("{} bugs planted, {found} found twice", bugs.len());
}
