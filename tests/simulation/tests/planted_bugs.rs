//! Every planted bug is found twice: the checker refuses it, and without the checker the oracle sees its harm.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_engine::Checking;
use ovo_simulation::planted::{bugs, rule, run};

#[test]
fn the_checker_refuses_each_and_the_oracle_sees_each() {
    let all: Vec<_> = bugs().collect();
    let wrong = ovo_simulation::parallel::map(&all, |bug| {
        let mut wrong = Vec::new();
        let healthy = run(*bug, false, Checking::On);
        if !healthy.harms.is_empty() {
            wrong.push(format!(
                "{bug:?}: without the bug the same course does harm: {:#?}",
                healthy.harms
            ));
        }
        let checked = run(*bug, true, Checking::On);
        if !checked.refused.contains_key(rule(*bug)) {
            wrong.push(format!(
                "{bug:?}: the checker did not refuse it by {}: {:#?}",
                rule(*bug),
                checked.refused
            ));
        }
        if !checked.harms.is_empty() {
            wrong.push(format!(
                "{bug:?}: harm in spite of the checker: {:#?}",
                checked.harms
            ));
        }
        let unchecked = run(*bug, true, Checking::Off);
        if unchecked.harms.is_empty() {
            wrong.push(format!(
                "{bug:?}: the oracle saw no harm: the course does not bring it out"
            ));
        }
        wrong
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    println!("{} bugs planted", all.len());
    assert!(all.len() >= 20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
