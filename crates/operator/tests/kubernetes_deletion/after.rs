//! How a test begins, and what holds after every deletion.

use ovo_api::act::Role;
use ovo_model::NodeName;
use ovo_world::{RoomEnd, RoomPlan, Script, World};

use crate::kube::{Bed, CLUSTER, Serving, condition, is_ready};
use crate::tenants::{Wanted, deployment, id};

const MINUTE: i64 = 60_000;

/// One person on the node for so many minutes.
pub(crate) fn room(node: &str, minutes: i64) -> Script {
    Script::StartRoom {
        node: Some(NodeName::from(node)),
        plan: RoomPlan::alone(minutes * MINUTE),
    }
}

/// Waits until all clusters are Ready, and lets people talk on both nodes of each while nobody serves.
pub(crate) fn ready_and_talking(bed: &Bed, namespaces: &[&str]) {
    let mut serving = bed.serve();
    let ready = |n: &str| bed.cluster_in(n).is_some_and(|c| is_ready(&c, 2));
    bed.until_all(&mut serving, each(namespaces, "Ready", ready));
    assert_eq!(serving.stop(), Some(0));
    let talk = |n: &&str| [(id(n), room("w1", 6)), (id(n), room("w2", 8))];
    bed.script(&namespaces.iter().flat_map(talk).collect::<Vec<_>>());
}

/// Serves until the operator knows of everybody who talks.
pub(crate) fn serve_and_see(bed: &Bed, namespaces: &[&str]) -> Serving {
    let mut serving = bed.serve();
    let seen = |n: &str| {
        let nodes = bed.nodes_in(n);
        nodes.iter().filter(|o| o["status"]["rooms"] == 1).count() == 2
    };
    bed.until_all(&mut serving, each(namespaces, "who talks is seen", seen));
    serving
}

/// The same for each of these namespaces.
pub(crate) fn each<'a>(
    namespaces: &'a [&str],
    what: &str,
    holds: impl Fn(&str) -> bool + Copy + 'a,
) -> Vec<(String, Wanted<'a>)> {
    namespaces
        .iter()
        .map(|n| {
            let wanted: Wanted<'a> = Box::new(move || holds(n));
            (format!("{n}: {what}"), wanted)
        })
        .collect()
}

/// Neither the cluster, nor a node record, nor a Secret that we hold is left in the namespace.
pub(crate) fn no_object_left(bed: &Bed, namespace: &str) -> bool {
    let held = |s: &serde_json::Value| {
        let finalizers = s["metadata"]["finalizers"].as_array();
        finalizers.is_some_and(|all| !all.is_empty())
    };
    bed.cluster_in(namespace).is_none()
        && bed.nodes_in(namespace).is_empty()
        && !bed.secrets_in(namespace).iter().any(held)
}

/// Reason and message of `DeletionBlocked`, while it is true.
pub(crate) fn blocked(bed: &Bed, namespace: &str) -> Option<(String, String)> {
    let found = condition(&bed.cluster_in(namespace)?, "DeletionBlocked");
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (found["status"] == "True").then(|| (text("reason"), text("message")))
}

/// `kubectl delete` of the cluster.
pub(crate) fn delete(bed: &Bed, namespace: &str, how: &[&str]) {
    let what = ["delete", "openviduclusters", CLUSTER, "--wait=false"];
    bed.ask_in(namespace, &[&what, how].concat());
}

/// Everybody in this cluster talked to the end, and nothing of it is left.
pub(crate) fn nobody_cut_and_nothing_left(world: &World, namespace: &str) {
    let deployment = deployment(world, namespace);
    talked_to_the_end(world, namespace, 2);
    assert_eq!(deployment.leftovers(), Vec::<String>::new(), "{namespace}");
}

/// So many rooms were opened, and all ended because people went home.
pub(crate) fn talked_to_the_end(world: &World, namespace: &str, rooms: usize) {
    let log = &deployment(world, namespace).log.recent;
    assert_eq!(log.len(), rooms, "{namespace}: {log:?}");
    for room in log {
        assert_eq!(room.end, Some(RoomEnd::Natural), "{namespace}: {room:?}");
    }
    let ledger = world.ledger();
    assert_eq!(ledger.harms, 0, "{:#?}", ledger.violations);
    assert_eq!(ledger.conversations_cut + ledger.jobs_cut, 0);
}

/// Media nodes that take sessions.
pub(crate) fn serving_nodes(world: &World, namespace: &str) -> Vec<String> {
    let deployment = deployment(world, namespace);
    let open = deployment.nodes_in(Role::Media).filter(|n| n.is_open());
    open.map(|n| n.name.to_string()).collect()
}
