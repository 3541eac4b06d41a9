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

#[test]
fn what_a_newer_release_can_say_and_nobody_says_changes_nothing() {
    let mut first = cluster().v2().media_nodes(2).snapshot();
    let planned = plan(&first);
    first = apply_writes(first, &planned);
    let stored = first.cluster.status.clone();
    // The newer release has a property that the older one did not know, and the user wants nothing of it.
    for resource in std::sync::Arc::make_mut(&mut first.desired) {
        let nothing = ovo_model::Value::Known(ovo_model::Scalar::List(Vec::new()));
        let property = ovo_model::Property::operator("", "TagResource").value(nothing);
        resource.properties.insert("tags".to_owned(), property);
    }
    let planned = plan(&first);
    assert_eq!(step_ids(&planned), Vec::<String>::new());
    assert_eq!(Some(*planned.status), stored);
}
