//! A converged cluster gets no write at all (S10), and what changes is planned step by step.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{apply_writes, step_ids};
use ovo_model::Snapshot;
use ovo_planner::fixtures::cluster;
use ovo_planner::plan;

/// What the first plan writes is all that there is to write.
fn settles(first: Snapshot) {
    let planned = plan(&first);
    assert_eq!(
        step_ids(&planned),
        Vec::<String>::new(),
        "{:#?}",
        planned.waiting
    );
    let second = apply_writes(first, &planned);
    let planned = plan(&second);
    assert!(planned.steps.is_empty(), "{:?}", step_ids(&planned));
    assert!(planned.nodes.is_empty(), "{:#?}", planned.nodes);
    assert_eq!(Some(*planned.status), second.cluster.status);
}

#[test]
fn second_plan_of_a_converged_v3_cluster_is_empty() {
    settles(cluster().v3().media_nodes(5).snapshot());
}

#[test]
fn second_plan_of_a_converged_v2_cluster_is_empty() {
    settles(cluster().v2().media_nodes(5).snapshot());
}

#[test]
fn a_converged_cluster_says_so() {
    for snapshot in [
        cluster().v3().media_nodes(3).snapshot(),
        cluster().v2().media_nodes(3).snapshot(),
    ] {
        let planned = plan(&snapshot);
        let condition = |type_: &str| {
            planned
                .status
                .conditions
                .iter()
                .find(|c| c.type_ == type_)
                .unwrap()
        };
        assert_eq!(
            condition("Ready").status,
            "True",
            "{}",
            condition("Ready").message
        );
        assert_eq!(condition("Reconciling").status, "False");
        assert_eq!(
            condition("Stalled").status,
            "False",
            "{}",
            condition("Stalled").message
        );
        assert_eq!(
            planned.status.observed_generation,
            snapshot.cluster.metadata.generation
        );
    }
}
