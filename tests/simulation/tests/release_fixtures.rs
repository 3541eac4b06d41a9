//! A new operator over what every release left behind plans nothing (S11): it rolls no node and changes no
//! default that is in force.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use ovo_planner::bugs::{Bug, Bugs};
use ovo_planner::check::check;
use ovo_planner::{plan, plan_with};
use ovo_simulation::fixtures::{Left, root};

fn releases() -> Vec<std::path::PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(root())
        .unwrap()
        .flat_map(|release| std::fs::read_dir(release.unwrap().path()).unwrap())
        .map(|shape| shape.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 2, "both profiles of at least one release");
    folders
}

#[test]
fn the_plan_over_every_release_is_empty() {
    for folder in releases() {
        let snapshot = Left::read(&folder).unwrap().snapshot();
        let plan = plan(&snapshot);
        assert!(
            plan.steps.is_empty(),
            "{}: {:#?}",
            folder.display(),
            plan.steps
        );
        assert!(
            plan.nodes.is_empty(),
            "{}: {:#?}",
            folder.display(),
            plan.nodes
        );
        assert_eq!(
            Some(&*plan.status),
            snapshot.cluster.status.as_ref(),
            "{}",
            folder.display()
        );
        assert_eq!(check(&snapshot, &plan), vec![], "{}", folder.display());
    }
}

#[test]
fn a_release_that_changed_a_default_in_force_would_be_found() {
    for folder in releases() {
        let snapshot = Left::read(&folder).unwrap().snapshot();
        let plan = plan_with(&snapshot, Bugs::only(Bug::ChangedDefault));
        assert_ne!(
            Some(&*plan.status),
            snapshot.cluster.status.as_ref(),
            "the replay sees it"
        );
        let refused = check(&snapshot, &plan);
        assert!(
            refused.iter().any(|r| format!("{:?}", r.rule) == "S11"),
            "the checker refuses it: {refused:#?}"
        );
    }
}
