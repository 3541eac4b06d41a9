//! `kubectl delete openvidunodes --all`: each media node is replaced, few at once, and nobody is cut.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::after::{each, ready_and_talking, serve_and_see, serving_nodes, talked_to_the_end};
use crate::kube::is_ready;
use crate::tenants::cluster_wide;

const NAMESPACE: &str = "records";

fn uids(nodes: &[Value]) -> BTreeSet<String> {
    let uid = |n: &Value| n["metadata"]["uid"].as_str().unwrap().to_owned();
    nodes.iter().map(uid).collect()
}

#[test]
fn when_all_records_are_deleted_nodes_are_replaced_one_after_another() {
    let bed = cluster_wide(&[]);
    bed.settle(1, NAMESPACE, |_| {});
    ready_and_talking(&bed, &[NAMESPACE]);
    let mut serving = serve_and_see(&bed, &[NAMESPACE]);
    let before = uids(&bed.nodes_in(NAMESPACE));
    assert_eq!(before.len(), 7);
    bed.ask_in(
        NAMESPACE,
        &["delete", "openvidunodes", "--all", "--wait=false"],
    );

    let most = std::cell::Cell::new(0);
    let seen = std::cell::Cell::new(0);
    let replaced = |n: &str| {
        let nodes = bed.nodes_in(n);
        let leaving =
            |o: &&Value| o["status"]["phase"] == "Draining" || o["status"]["phase"] == "Drained";
        let draining = nodes.iter().filter(leaving).count();
        most.set(most.get().max(draining));
        seen.set(seen.get() + draining);
        uids(&nodes).is_disjoint(&before)
            && nodes.len() == 7
            && bed.cluster_in(n).is_some_and(|c| is_ready(&c, 2))
    };
    bed.until_all(&mut serving, each(&[NAMESPACE], "other records", replaced));
    // spec.media.drain.maxConcurrent of the example.
    assert_eq!(most.get(), 1);
    assert!(seen.get() > 0);
    let said = serving.said();
    assert_eq!(serving.stop(), Some(0));
    assert!(!said.contains("refused"), "{said}");
    let world = bed.world();
    talked_to_the_end(&world, NAMESPACE, 2);
    assert_eq!(serving_nodes(&world, NAMESPACE).len(), 2);
}
