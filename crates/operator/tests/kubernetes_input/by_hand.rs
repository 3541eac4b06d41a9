//! Objects that somebody edited: status, node records, Secrets; and what another release wrote.

use ovo_world::RoomEnd;
use serde_json::{Value, json};

use crate::kube::{Bed, CLUSTER, is_ready};
use crate::scene::{at_rest, cluster, edit_status, node, record, room, says, told, until_ready};
use crate::tenants::deployment;

/// Conditions and numbers that are not so.
const FORGED: &str = "forged";
/// The whole status is gone while a node drains, and what the record of that node remembers.
const FORGETFUL: &str = "forgetful";
/// The intent of a newer release.
const NEWER: &str = "newer";
/// A node record of a newer release.
const NEWER_NODE: &str = "recorded";
/// What was written before formats had numbers.
const OLDER: &str = "older";
/// The Secret of another cluster.
const MIXED: &str = "mixed";

const ALL: [&str; 6] = [FORGED, FORGETFUL, NEWER, NEWER_NODE, OLDER, MIXED];

/// The Secret that was generated for the cluster.
fn credentials(bed: &Bed, namespace: &str) -> Value {
    let name = format!("{CLUSTER}-credentials");
    bed.read(&format!("/api/v1/namespaces/{namespace}/secrets/{name}"))
        .unwrap()
}

/// Puts other data into it.
fn replace_data(bed: &Bed, namespace: &str, data: &Value) {
    let patch = json!([{"op": "replace", "path": "/data", "value": data}]).to_string();
    let secret = format!("secrets/{CLUSTER}-credentials");
    bed.ask_in(namespace, &["patch", &secret, "--type=json", "-p", &patch]);
}

/// The versions of all objects of a cluster.
fn versions(bed: &Bed, namespace: &str) -> Vec<Value> {
    let nodes = bed.nodes_in(namespace).into_iter();
    let objects = nodes.chain(bed.cluster_in(namespace));
    objects
        .map(|o| o["metadata"]["resourceVersion"].clone())
        .collect()
}

#[test]
fn what_somebody_edited_is_put_back_or_stops_that_cluster_alone() {
    let bed = at_rest(&ALL);
    bed.script(&[
        (crate::tenants::id(FORGETFUL), room("w1", 8)),
        (crate::tenants::id(FORGETFUL), room("w2", 8)),
    ]);
    let mut serving = bed.serve();
    let executed = || bed.world().ledger().executed;

    // A node drains under people; then all that was remembered of it is taken away.
    bed.patch(FORGETFUL, r#"{"spec":{"media":{"min":1,"replicas":1}}}"#);
    let draining = || {
        let nodes = bed.nodes_in(FORGETFUL);
        nodes.into_iter().find(|n| {
            let signals = n["status"]["drain"]["signals"].as_array();
            let sent = |s: &Value| s["state"] == "Sent";
            signals.is_some_and(|all| !all.is_empty() && all.iter().all(sent))
        })
    };
    bed.until(&mut serving, "a node to be told to drain", || {
        draining().is_some()
    });
    let closing = draining().unwrap()["spec"]["machine"]
        .as_str()
        .unwrap()
        .to_owned();
    edit_status(
        &bed,
        FORGETFUL,
        &node(&closing),
        &json!({"status": {"drain": null, "phase": "Serving"}}),
    );
    edit_status(&bed, FORGETFUL, &cluster(), &json!({"status": null}));
    bed.until(&mut serving, "the drain to be known again", || {
        let drain = record(&bed, FORGETFUL, &closing)["status"]["drain"].clone();
        let cluster = bed.cluster_in(FORGETFUL).unwrap();
        drain.is_object() && cluster["status"]["media"]["draining"] == 1
    });

    // A word that is not so is put right; a spec that is written once is not changed at all.
    let forged = json!({"status": {
        "observedGeneration": 999,
        "phase": "Stalled",
        "summary": "all is lost",
        "media": {"replicas": 99, "target": 99, "ready": 0, "draining": 7, "selector": "x=y"},
        "masters": {"desired": 9, "running": 9, "ready": 9},
        "pending": [],
    }});
    edit_status(&bed, FORGED, &cluster(), &forged);
    let mut conditions = bed.cluster_in(FORGED).unwrap()["status"]["conditions"].clone();
    for condition in conditions.as_array_mut().unwrap() {
        condition["status"] = "Unknown".into();
        condition["reason"] = "Forged".into();
        condition["message"] = "by hand".into();
    }
    edit_status(
        &bed,
        FORGED,
        &cluster(),
        &json!({"status": {"conditions": conditions}}),
    );
    let phase = json!({"status": {"phase": "Gone", "reason": "by hand", "joinedAt": null}});
    edit_status(&bed, FORGED, &node("w1"), &phase);
    let role = r#"{"spec":{"role":"Master"}}"#;
    let output = bed
        .api
        .kubectl()
        .args([
            "--namespace",
            FORGED,
            "patch",
            &node("w2"),
            "--type=merge",
            "-p",
            role,
        ])
        .output()
        .unwrap();
    let refused = crate::common::said(&output);
    assert!(
        !output.status.success() && refused.contains("spec"),
        "{refused}"
    );
    bed.until(&mut serving, "what was forged to be put back", || {
        let cluster = bed.cluster_in(FORGED).unwrap();
        let conditions = cluster["status"]["conditions"].as_array().unwrap().clone();
        let node = record(&bed, FORGED, "w1");
        is_ready(&cluster, 2)
            && cluster["status"]["phase"] == "Running"
            && cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
            && cluster["status"]["media"]["target"] == 2
            && !conditions.iter().any(|c| c["reason"] == "Forged")
            && node["status"]["phase"] == "Serving"
    });

    // Another cluster's credentials: nothing is made anew, nothing is changed on a machine.
    let own = credentials(&bed, MIXED)["data"].clone();
    replace_data(&bed, MIXED, &credentials(&bed, FORGED)["data"]);
    bed.until(&mut serving, "the strange Secret to be told", || {
        says(&bed, MIXED, "Stalled").is_some_and(|(reason, message)| {
            reason == "CredentialsLost" && message.contains("restore the Secret")
        })
    });
    assert_eq!(
        credentials(&bed, MIXED)["data"],
        credentials(&bed, FORGED)["data"]
    );
    replace_data(&bed, MIXED, &own);
    until_ready(&bed, &mut serving, &[MIXED]);

    // Formats: a newer one is left alone, an older one becomes ours.
    let newer = json!({"status": {"intent": {"formatVersion": 99, "revision": 7, "epoch": 7}}});
    edit_status(&bed, NEWER, &cluster(), &newer);
    edit_status(
        &bed,
        NEWER_NODE,
        &node("w1"),
        &json!({"status": {"formatVersion": 99}}),
    );
    for namespace in [NEWER, NEWER_NODE] {
        bed.patch(namespace, r#"{"spec":{"media":{"replicas":3}}}"#);
    }
    edit_status(
        &bed,
        OLDER,
        &node("w1"),
        &json!({"status": {"formatVersion": 0}}),
    );
    bed.until(&mut serving, "both to be told of", || {
        told(
            &bed,
            NEWER,
            "FormatTooNew",
            "status.intent has formatVersion 99",
        ) && told(
            &bed,
            NEWER_NODE,
            "FormatTooNew",
            "the record of w1 has formatVersion 99",
        )
    });
    let before = [versions(&bed, NEWER), versions(&bed, NEWER_NODE)];
    bed.until(&mut serving, "the older record to be ours", || {
        record(&bed, OLDER, "w1")["status"]["formatVersion"] == 1
    });
    // The others go on meanwhile.
    bed.patch(OLDER, r#"{"spec":{"media":{"replicas":3}}}"#);
    bed.until(&mut serving, "a third node", || {
        is_ready(&bed.cluster_in(OLDER).unwrap(), 3)
    });
    assert_eq!([versions(&bed, NEWER), versions(&bed, NEWER_NODE)], before);
    for namespace in [NEWER, NEWER_NODE] {
        let world = bed.world();
        let open = deployment(&world, namespace).open_nodes().count();
        assert_eq!(open, 2, "{namespace}: something was done");
    }

    // Who drained without a memory of it drained once, and nobody was cut.
    bed.until(&mut serving, "the drained node to stand by", || {
        is_ready(&bed.cluster_in(FORGETFUL).unwrap(), 1)
    });
    let before = executed();
    assert_eq!(serving.stop(), Some(0));
    let world = bed.world();
    assert!(
        before > 0 && world.ledger().harms == 0,
        "{:#?}",
        world.ledger().violations
    );
    assert_eq!(world.ledger().second_signals, 0);
    let ended = &deployment(&world, FORGETFUL).log.recent;
    let cut = |end: &Option<RoomEnd>| end.is_some() && *end != Some(RoomEnd::Natural);
    assert!(!ended.iter().any(|room| cut(&room.end)), "{ended:?}");
}

/// A third node comes, and goes again: whoever leads acts on its machine.
fn grow_and_shrink(bed: &Bed, serving: &mut crate::kube::Serving) {
    for replicas in [3, 2] {
        bed.patch(
            FORGETFUL,
            &format!(r#"{{"spec":{{"media":{{"replicas":{replicas}}}}}}}"#),
        );
        bed.until(serving, &format!("{replicas} nodes"), || {
            is_ready(&bed.cluster_in(FORGETFUL).unwrap(), replicas)
        });
    }
}

#[test]
fn a_leader_that_finds_no_status_is_obeyed_by_machines_that_obeyed_others() {
    let bed = at_rest(&[FORGETFUL]);
    let epoch = || {
        let cluster = bed.cluster_in(FORGETFUL).unwrap();
        cluster["status"]["intent"]["epoch"].as_i64()
    };
    let mut leaders = Vec::new();
    for _ in 0..2 {
        let mut serving = bed.serve();
        grow_and_shrink(&bed, &mut serving);
        leaders.push(epoch().unwrap());
        assert_eq!(serving.stop(), Some(0));
    }
    assert_eq!(leaders[1], leaders[0] + 1);
    // What a restore from a backup without status leaves.
    edit_status(&bed, FORGETFUL, &cluster(), &json!({"status": null}));
    assert_eq!(epoch(), None);
    let mut serving = bed.serve();
    until_ready(&bed, &mut serving, &[FORGETFUL]);
    grow_and_shrink(&bed, &mut serving);
    assert_eq!(epoch(), Some(leaders[1] + 1));
    let said = serving.said();
    assert!(!said.contains("has seen a leader"), "{said}");
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(bed.world().ledger().harms, 0);
}
