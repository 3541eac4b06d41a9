//! The operator under each shipped set of rights: what is granted is what it uses, and nothing that it wants is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bed;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
mod rights;

use bed::{Bed, CLUSTER, NAMESPACE};
use kube::Serving;
use serde_json::json;

/// Asked for by the admission of owner references, never by a request: no log has it, and a test of its own shows it.
const FINALIZERS: &str = "openviduclusters/finalizers";

/// A cluster from its manifest to its end; on the way a name is taken, a node is deleted and the operator starts again.
fn life(bed: &Bed) {
    // A record of another cluster has the name that one of ours is to have.
    let record = "openvidu-ha-w3";
    bed.take_name(record);
    bed.apply_example();
    let mut serving = bed.serve();
    bed.until(&mut serving, "the taken name to be looked at", || {
        let mut asked = bed.asked().into_iter();
        asked.any(|a| a.verb == "create" && a.resource == "openvidunodes" && a.code == 409)
    });
    bed.kubectl(&["delete", "openvidunodes", record]);
    bed.until_ready(&mut serving, 2);

    scale_until_an_event_repeats(bed, &mut serving);
    replace_a_node(bed, &mut serving);
    assert_eq!(serving.stop(), Some(0));

    let mut serving = bed.serve();
    bed.kubectl(&[
        "patch",
        "openviduclusters",
        CLUSTER,
        "--type=merge",
        "--patch",
        &json!({"spec": {"deletion": {"protected": false}}}).to_string(),
    ]);
    bed.kubectl(&["delete", "openviduclusters", CLUSTER, "--wait=false"]);
    bed.until(&mut serving, "everything to be gone", || {
        bed.kubectl(&["get", "openviduclusters,openvidunodes", "--output=name"])
            .is_empty()
    });
    assert_eq!(serving.stop(), Some(0));
}

/// A media node stops and starts again: what is told of it within six simulated minutes joins the event that is there.
fn scale_until_an_event_repeats(bed: &Bed, serving: &mut Serving) {
    let joined = || {
        let mut asked = bed.asked().into_iter();
        asked.any(|a| a.verb == "patch" && a.resource == "events")
    };
    // On a slow machine one round may take longer than that.
    for _ in 0..5 {
        for replicas in [3, 2] {
            let scale = format!("--replicas={replicas}");
            bed.kubectl(&["scale", "openviduclusters", CLUSTER, &scale]);
            bed.until_ready(serving, replicas);
        }
        if joined() {
            break;
        }
    }
}

/// Deletes a node object: the node is drained, stopped, and comes back as another object.
fn replace_a_node(bed: &Bed, serving: &mut Serving) {
    let node = "openvidu-ha-w1";
    let uid = bed.node(node).unwrap()["metadata"]["uid"].clone();
    bed.kubectl(&["delete", "openvidunodes", node, "--wait=false"]);
    bed.until(serving, "the node object to be another one", || {
        bed.node(node)
            .is_some_and(|node| node["metadata"]["uid"] != uid)
    });
}

fn what_is_granted_is_what_is_used(overlay: &'static str, home: &'static str) {
    let bed = Bed::start(overlay, home);
    life(&bed);

    let mut granted = rights::granted(&bed);
    let finalizers = granted.extract_if(.., |right| right.resource == FINALIZERS);
    assert_eq!(finalizers.count(), 1, "{overlay}");
    // A line of the log may come a moment after the answer.
    let unused = bed::settled(|| rights::unused(&granted, &bed.asked()), Vec::is_empty);
    let refused: Vec<_> = bed.asked().into_iter().filter(|a| a.code == 403).collect();
    assert!(
        unused.is_empty() && refused.is_empty(),
        "{overlay}: granted and not used: {unused:#?}, refused: {refused:#?}"
    );

    // It would be seen: nobody deletes Secrets.
    let idle = rights::Right {
        verb: "delete".to_owned(),
        ..granted
            .iter()
            .find(|right| right.resource == "secrets")
            .unwrap()
            .clone()
    };
    granted.insert(idle.clone());
    assert_eq!(rights::unused(&granted, &bed.asked()), [&idle]);
}

#[test]
fn in_one_namespace() {
    what_is_granted_is_what_is_used("namespaced", NAMESPACE);
}

#[test]
fn in_all_namespaces() {
    what_is_granted_is_what_is_used("cluster-wide", "openvidu-system");
}

#[test]
fn without_the_right_to_finalizers_no_node_record_can_be_made() {
    let bed = Bed::start("namespaced", NAMESPACE);
    let rules = bed.rules();
    let without = |rule: &&serde_json::Value| rule["resources"] != json!([FINALIZERS]);
    let fewer: Vec<_> = rules.iter().filter(without).collect();
    assert_eq!(fewer.len() + 1, rules.len());
    bed.set_rules(&json!(fewer));
    bed.apply_example();
    let mut serving = bed.serve();
    bed.until(&mut serving, "a refused record", || {
        let mut asked = bed.asked().into_iter();
        asked.any(|a| {
            (a.verb.as_str(), a.resource.as_str(), a.code) == ("create", "openvidunodes", 403)
        })
    });
    assert_eq!(bed.kubectl(&["get", "openvidunodes", "--output=name"]), "");

    // It was that rule and nothing else.
    bed.set_rules(&json!(rules));
    bed.until_ready(&mut serving, 2);
    assert_eq!(serving.stop(), Some(0));
}
