//! The binary against a real API server, as its service account, over the simulated world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/kube.rs"]
mod kube;

use std::fs;
use std::path::Path;

use kube::{Bed, CLUSTER};
use serde_json::Value;

#[test]
fn a_cluster_from_an_applied_manifest_to_its_deletion() {
    let bed = Bed::start();
    let mut serving = bed.serve();
    bed.until_ready(&mut serving, 2);
    let waited = bed.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "--timeout=60s",
        "openviduclusters/openvidu-ha",
    ]);
    assert!(waited.contains("condition met"), "{waited}");

    // Its node records are owned by it, and credentials that nobody gave were generated once.
    let nodes = bed.get(&["openvidunodes"]);
    let owners = |n: &Value| n["metadata"]["ownerReferences"][0]["name"] == CLUSTER;
    assert!(nodes["items"].as_array().unwrap().iter().all(owners));
    let credentials = bed.get(&["secret", "openvidu-ha-credentials"]);
    let version = credentials["metadata"]["resourceVersion"].clone();

    // Whoever applies the manifest again changes nothing.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/v3-onprem.yaml");
    let same = bed.kubectl(&["diff", "--server-side", "-f", manifest.to_str().unwrap()]);
    assert_eq!(same, "");

    // Killed and started again it finds what there is and makes nothing anew.
    serving.kill();
    let mut serving = bed.serve();
    bed.kubectl(&["scale", "openviduclusters/openvidu-ha", "--replicas=3"]);
    bed.until_ready(&mut serving, 3);
    let credentials = bed.get(&["secret", "openvidu-ha-credentials"]);
    assert_eq!(credentials["metadata"]["resourceVersion"], version);

    // A node that somebody deletes is drained, stopped and comes back as another object.
    let node = "openvidu-ha-w1";
    let uid = bed.get(&["openvidunodes", node])["metadata"]["uid"].clone();
    bed.kubectl(&["delete", "openvidunodes", node, "--wait=false"]);
    bed.until(&mut serving, "the node object to be another one", || {
        let nodes = bed.get(&["openvidunodes"]);
        let of = |n: &&Value| n["metadata"]["name"] == node;
        nodes["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(of)
            .is_some_and(|n| n["metadata"]["uid"] != uid)
    });
    let events = bed.kubectl(&["get", "events", "--output", "jsonpath={.items[*].reason}"]);
    for reason in ["NodeJoined", "NodeDraining"] {
        assert!(events.contains(reason), "{reason}: {events}");
    }
    assert_eq!(serving.stop(), Some(0));

    // Protected, it stays whatever kubectl says; then everything goes.
    let mut serving = bed.serve();
    bed.kubectl(&["delete", "openviduclusters", CLUSTER, "--wait=false"]);
    bed.until(&mut serving, "deletion to be blocked", || {
        let conditions = bed.cluster()["status"]["conditions"].clone();
        let blocked = |c: &Value| c["type"] == "DeletionBlocked" && c["reason"] == "Protected";
        conditions.as_array().unwrap().iter().any(blocked)
    });
    bed.kubectl(&[
        "patch",
        "openviduclusters",
        CLUSTER,
        "--type=merge",
        "-p",
        r#"{"spec":{"deletion":{"protected":false}}}"#,
    ]);
    bed.until(&mut serving, "everything to be gone", || {
        let left = bed.get(&["openviduclusters,openvidunodes"]);
        left["items"].as_array().unwrap().is_empty()
    });
    let said = serving.said();
    assert!(
        !said.contains("not-a-license") && !said.contains("this is no key"),
        "{said}"
    );
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn readiness_follows_the_api_server() {
    let bed = Bed::start();
    // Whoever loses the Lease ends; that is another story, and a busy computer takes its time to start a server anew.
    let long = ["--simulate-speed", "60", "--lease-duration", "5m"];
    let mut serving = bed.serve_with(&bed.world_dir(), &long);
    bed.until_ready(&mut serving, 2);
    let answers = |code: u16| serving.page("/readyz").0 == code;
    assert!(answers(200), "{:?}", serving.page("/readyz"));
    bed.api.kill_apiserver().unwrap();
    let gone = "readiness to go with the API server";
    kube::wait_for(gone, || answers(503), || serving.said());
    bed.api.start_apiserver().unwrap();
    kube::wait_for("readiness to come back", || answers(200), || serving.said());
}

#[test]
fn one_of_several_leads_and_another_takes_over() {
    use rustix::process::Signal;
    let bed = Bed::start();
    let mut first = bed.serve();
    bed.until_ready(&mut first, 2);
    assert!(first.leads());
    let holder = || bed.get(&["lease", "openvidu-operator"])["spec"]["holderIdentity"].clone();
    let mut second = bed.serve();
    let said = second.said.clone();
    bed.until(&mut second, "the second one to wait", || {
        fs::read_to_string(&said)
            .unwrap()
            .contains("serving namespace")
    });
    assert!(!second.leads());

    // Asked to stop it gives the Lease back: whoever comes next need not wait for its end.
    let mine = format!("-{}", first.child.id());
    assert_eq!(first.stop(), Some(0));
    assert!(!holder().as_str().unwrap_or_default().ends_with(&mine));
    second.until_leads();

    // Killed, its Lease ends by itself.
    let mut third = bed.serve();
    second.kill();
    third.until_leads();

    // Paused past the end of its Lease, it finds when it wakes up that another one leads, and ends.
    third.signal(Signal::STOP);
    let mut fourth = bed.serve();
    fourth.until_leads();
    bed.kubectl(&["scale", "openviduclusters/openvidu-ha", "--replicas=3"]);
    bed.until_ready(&mut fourth, 3);
    third.signal(Signal::CONT);
    let mut code = None;
    bed.until(&mut fourth, "the deposed one to end", || {
        code = third.child.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(1), "{}", third.said());
    assert!(third.said().contains("no longer leads"), "{}", third.said());
    bed.until_ready(&mut fourth, 3);
    assert_eq!(fourth.stop(), Some(0));
}
