//! Clusters in namespaces of their own.

use ovo_model::NodeName;
use ovo_world::{RoomPlan, Script};
use serde_json::Value;

use crate::kube::{Bed, CLUSTER, Serving, condition, is_ready};
use crate::tenants::{Wanted, cluster_wide};

/// A server and a cluster in each of these namespaces, all Ready; nobody serves.
pub(crate) fn at_rest(namespaces: &[&str]) -> Bed {
    let bed = cluster_wide(&[]);
    for (number, namespace) in namespaces.iter().enumerate() {
        bed.settle(number + 1, namespace, |_| {});
    }
    let mut serving = bed.serve();
    until_ready(&bed, &mut serving, namespaces);
    assert_eq!(serving.stop(), Some(0));
    bed
}

/// Waits until all are as their newest specs say, with two media nodes each.
pub(crate) fn until_ready(bed: &Bed, serving: &mut Serving, namespaces: &[&str]) {
    let ready = |n: &str| bed.cluster_in(n).is_some_and(|c| is_ready(&c, 2));
    let wanted = |n: &&str| {
        let namespace = (*n).to_owned();
        let holds: Wanted<'_> = Box::new(move || ready(&namespace));
        (format!("{n}: Ready"), holds)
    };
    bed.until_all(serving, namespaces.iter().map(wanted).collect());
}

/// One person on the node for so many simulated minutes.
pub(crate) fn room(node: &str, minutes: i64) -> Script {
    Script::StartRoom {
        node: Some(NodeName::from(node)),
        plan: RoomPlan::alone(minutes * 60_000),
    }
}

/// `kubectl patch --subresource=status`.
pub(crate) fn edit_status(bed: &Bed, namespace: &str, object: &str, patch: &Value) {
    let patch = patch.to_string();
    let edit = [
        "patch",
        object,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    bed.ask_in(namespace, &edit);
}

/// The cluster as kubectl names it.
pub(crate) fn cluster() -> String {
    format!("openviduclusters/{CLUSTER}")
}

/// A node as kubectl names it.
pub(crate) fn node(machine: &str) -> String {
    format!("openvidunodes/{CLUSTER}-{machine}")
}

/// Reason and message of a condition that is true.
pub(crate) fn says(bed: &Bed, namespace: &str, of: &str) -> Option<(String, String)> {
    let found = condition(&bed.cluster_in(namespace)?, of);
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (found["status"] == "True").then(|| (text("reason"), text("message")))
}

/// The record of a machine.
pub(crate) fn record(bed: &Bed, namespace: &str, machine: &str) -> Value {
    let nodes = bed.nodes_in(namespace);
    let mut nodes = nodes.into_iter();
    nodes.find(|n| n["spec"]["machine"] == machine).unwrap()
}

/// Whether somebody was told of this in an event of the namespace.
pub(crate) fn told(bed: &Bed, namespace: &str, reason: &str, words: &str) -> bool {
    let events = bed.read(&format!(
        "/apis/events.k8s.io/v1/namespaces/{namespace}/events"
    ));
    let events = events.unwrap();
    events["items"].as_array().unwrap().iter().any(|event| {
        event["reason"] == reason && event["note"].as_str().unwrap_or_default().contains(words)
    })
}
