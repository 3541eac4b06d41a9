//! What Flux's own library makes of our objects, in every phase, as the operator really writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/kube.rs"]
mod kube;
#[path = "common/kubernetes_bed.rs"]
mod kubernetes_bed;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use kubernetes_bed::{Bed, CLUSTER, file};
use serde_json::Value;

/// The program of tests/kstatus, which is built if nobody has done so yet.
fn program() -> PathBuf {
    let output = Command::new(file("scripts/install-kstatus"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", common::said(&output));
    let folder = String::from_utf8(output.stdout).unwrap();
    PathBuf::from(folder.trim()).join("kstatus")
}

/// Its verdict on an object.
fn verdict(object: &Value) -> String {
    let mut child = Command::new(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{object}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.split('\t').next().unwrap().to_owned()
}

#[test]
fn flux_understands_every_phase() {
    let bed = Bed::start();
    bed.apply("docs/examples/v3-onprem.yaml");
    let cluster = || bed.get(&["openviduclusters", CLUSTER]);
    let patch = |what: &str| {
        bed.kubectl(&[
            "patch",
            "openviduclusters",
            CLUSTER,
            "--type=merge",
            "-p",
            what,
        ]);
    };
    bed.serve();
    // The first that anybody reads.
    bed.until("a status", || cluster()["status"].is_object());
    assert_eq!(verdict(&cluster()), "InProgress");
    bed.until_ready(2);
    assert_eq!(verdict(&cluster()), "Current");
    for node in bed.get(&["openvidunodes"])["items"].as_array().unwrap() {
        assert_eq!(verdict(node), "Current", "{node}");
    }
    for condition in ["Ready", "Accepted"] {
        let waited = bed.kubectl(&[
            "wait",
            &format!("--for=condition={condition}"),
            "--timeout=60s",
            "openviduclusters/openvidu-ha",
        ]);
        assert!(waited.contains("condition met"), "{waited}");
    }

    // Scaled, it is not done until the operator has seen to it, from the very write of the number on.
    bed.kubectl(&["scale", "openviduclusters/openvidu-ha", "--replicas=3"]);
    assert_eq!(verdict(&cluster()), "InProgress");
    bed.until_ready(3);
    assert_eq!(verdict(&cluster()), "Current");

    // What cannot go on by itself has failed: here, the Secret of the license is not there.
    patch(r#"{"spec":{"license":{"secretKeyRef":{"name":"no-such-secret","key":"license"}}}}"#);
    bed.until("it to be stalled", || {
        let conditions = cluster()["status"]["conditions"].clone();
        let stalled = |c: &Value| c["type"] == "Stalled" && c["status"] == "True";
        conditions.as_array().unwrap().iter().any(stalled)
    });
    assert_eq!(verdict(&cluster()), "Failed");
    patch(r#"{"spec":{"license":{"secretKeyRef":{"name":"openvidu-license","key":"license"}}}}"#);
    bed.until_ready(3);
    assert_eq!(verdict(&cluster()), "Current");

    bed.kubectl(&["delete", "openviduclusters", CLUSTER, "--wait=false"]);
    assert_eq!(verdict(&cluster()), "Terminating");
}
