//! The operator under each shipped set of rights: each is missed where it lacks, and nothing that it wants lacks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bed;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
mod ladder;
mod rights;

use std::sync::atomic::{AtomicBool, Ordering};

use bed::{Bed, CLUSTER, NAMESPACE};
use kube::Serving;
use ladder::Ladder;
use serde_json::json;

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

/// Each right in turn is lacking, is refused, is named to whoever reads the log, and is then given. In the end a whole
/// life of a cluster has gone by, and what was given is what is shipped: no more would have been of use.
fn each_right_is_missed_until_it_is_given(overlay: &'static str, home: &'static str) {
    let bed = Bed::start(overlay, home);
    let mut ladder = Ladder::new(&bed);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let climbing = scope.spawn(|| ladder.climb(&over));
        // Also where the test fails: the scope waits for its thread.
        let end = Over(&over);
        life(&bed);
        drop(end);
        climbing.join().unwrap();
    });
    let (silent, strange) = (&ladder.silent, &ladder.strange);
    assert!(
        silent.is_empty(),
        "{overlay}: refused, and nobody was told of: {silent:#?}"
    );
    assert!(
        strange.is_empty(),
        "{overlay}: wanted and not shipped: {strange:#?}"
    );
    let idle = ladder.idle();
    assert!(
        idle.is_empty(),
        "{overlay}: shipped and never missed: {idle:#?}"
    );
    assert!(ladder.shipped() > 20, "{overlay}: {}", ladder.shipped());
}

/// Ends the climbing when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn in_one_namespace() {
    each_right_is_missed_until_it_is_given("namespaced", NAMESPACE);
}

#[test]
fn in_all_namespaces() {
    each_right_is_missed_until_it_is_given("cluster-wide", "openvidu-system");
}
