//! The operator dies, or a call goes wrong, at the points of every scenario.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_simulation::crash::enumerate;

/// Every so-manieth case here; `make figures` runs them all.
const EVERY: usize = 7;

#[test]
fn a_sample_of_crash_and_fault_points_ends_like_the_fault_free_run() {
    let found = enumerate(EVERY, |_| true).unwrap();
    println!("{} runs", found.runs);
    assert!(found.runs > 300, "only {} runs", found.runs);
    assert!(
        found.failed.is_empty(),
        "{} of {} failed:\n{}",
        found.failed.len(),
        found.runs,
        found
            .failed
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n\n")
    );
}
