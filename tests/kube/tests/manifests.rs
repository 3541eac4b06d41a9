//! What people and GitOps tools do with the manifests of `docs/examples`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/kubectl.rs"]
mod kubectl;

use std::fs;

use kubectl::{apply, example, kubectl, patch_status, run, server};
use serde_json::json;

#[test]
fn examples_are_applied_and_stay_without_difference() {
    let server = server();
    for (file, name) in [
        ("v2-aws", "openvidu-multimaster"),
        ("v3-onprem", "openvidu-ha"),
    ] {
        apply(&server, &format!("secrets-{file}")).unwrap();
        assert_eq!(
            apply(&server, file).unwrap(),
            format!("openviducluster.openvidu.io/{name} serverside-applied")
        );
        let version = || {
            run(
                &server,
                &format!("get ovc {name} --output=jsonpath={{.metadata.resourceVersion}}"),
            )
        };
        let before = version();
        // Exit code 0: no difference; 1 would be an error here.
        let manifest = example(file).display().to_string();
        let words = "diff --server-side --field-manager=gitops --filename";
        assert_eq!(kubectl(&server, words, &[&manifest]).unwrap(), "", "{file}");
        apply(&server, file).unwrap();
        assert_eq!(version(), before, "{file} was written again");

        let words = "apply --server-side --field-manager=gitops --dry-run=server --filename";
        let text = fs::read_to_string(example(file)).unwrap();
        let changed = server.state().join("changed.yaml");
        let change = |from: &str, to: &str| {
            assert!(text.contains(from), "{file} has no {from:?}");
            fs::write(&changed, text.replace(from, to)).unwrap();
            changed.display().to_string()
        };
        let typo = change("  paused: ", "  pausd: ");
        let why = kubectl(&server, words, &[&typo]).unwrap_err();
        assert!(why.contains("spec.pausd"), "{why}");
        // As the reference says: left out, or written as null where that is not applied on the server's side.
        let with_null = change("drain:\n", "drain:\n      deadline: null\n");
        let why = kubectl(&server, words, &[&with_null]).unwrap_err();
        let place = "spec.media.drain.deadline: Invalid value: \"null\"";
        assert!(why.contains(place), "{why}");
        kubectl(
            &server,
            "replace --dry-run=server --filename",
            &[&with_null],
        )
        .unwrap();
    }
    run(
        &server,
        "delete ovc openvidu-ha openvidu-multimaster --timeout=30s",
    );
    assert_eq!(run(&server, "get ovc --output=name"), "");
}

#[test]
fn clusters_are_scaled_and_patched_within_the_rules() {
    let server = server();
    apply(&server, "v3-onprem").unwrap();
    let get = |path: &str| {
        run(
            &server,
            &format!("get ovc openvidu-ha --output=jsonpath={{{path}}}"),
        )
    };
    let scale = |replicas: u32| {
        kubectl(
            &server,
            &format!("scale ovc/openvidu-ha --replicas={replicas}"),
            &[],
        )
    };

    assert_eq!(get(".spec.media.replicas"), "2");
    scale(3).unwrap();
    assert_eq!(get(".spec.media.replicas"), "3");
    let why = scale(4).unwrap_err();
    assert!(
        why.contains("replicas is 4 and max is 3: replicas must not be greater than max"),
        "{why}"
    );
    // Whoever scales owns the field now, and a manifest that says otherwise is told so.
    let why = apply(&server, "v3-onprem").unwrap_err();
    assert!(
        why.contains("conflict") && why.contains(".spec.media.replicas"),
        "{why}"
    );

    // What an autoscaler of pods reads.
    let status = json!({"replicas": 2, "selector": "openvidu.io/cluster=openvidu-ha"});
    let mut media = status.clone();
    for (name, count) in [("target", 3), ("ready", 2), ("draining", 0)] {
        media[name] = json!(count);
    }
    patch_status(&server, "ovc/openvidu-ha", &json!({ "media": media }));
    let read = "/apis/openvidu.io/v1alpha1/namespaces/video/openviduclusters/openvidu-ha/scale";
    let seen = server.request("GET", read, None).unwrap().body;
    assert_eq!(
        (&seen["spec"], &seen["status"]),
        (&json!({"replicas": 3}), &status)
    );

    let patch = |patch: &str| {
        kubectl(
            &server,
            "patch ovc openvidu-ha --type=merge --patch",
            &[patch],
        )
    };
    patch(r#"{"spec":{"paused":true}}"#).unwrap();
    assert_eq!(get(".spec.paused"), "true");
    for (change, words) in [
        (
            r#"{"spec":{"version":"3.9.0"}}"#,
            "spec.version: Invalid value: is 3.8.0 and cannot become 3.9.0 yet",
        ),
        (
            r#"{"spec":{"media":{"drain":{"deadline":"2 days"}}}}"#,
            "spec.media.drain.deadline",
        ),
    ] {
        let why = patch(change).unwrap_err();
        assert!(why.contains(words), "{change}: {why}");
    }
    assert_eq!(get(".metadata.generation"), "3");
}
