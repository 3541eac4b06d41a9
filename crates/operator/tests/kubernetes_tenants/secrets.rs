//! Secrets of others.

use serde_json::Value;

use crate::kube::{Bed, CLUSTER};
use crate::says::{ready, stalled};
use crate::tenants::cluster_wide;

const VICTIM: &str = "victim";
const THIEF: &str = "thief";
const BARE: &str = "bare";

fn generated(bed: &Bed, namespace: &str) -> Option<Value> {
    bed.read(&format!(
        "/api/v1/namespaces/{namespace}/secrets/{CLUSTER}-credentials"
    ))
}

fn digests(bed: &Bed, namespace: &str) -> serde_json::Map<String, Value> {
    let cluster = bed.cluster_in(namespace).unwrap();
    cluster["status"]["credentials"]["digests"]
        .as_object()
        .unwrap()
        .clone()
}

#[test]
fn a_secret_is_read_in_its_own_namespace_and_another_clusters_is_no_good() {
    let bed = cluster_wide(&[]);
    bed.settle(1, VICTIM, |_| {});
    bed.settle(2, THIEF, |_| {});
    // The same names, and none of the Secrets: those of the victim would do.
    bed.settle(3, BARE, |_| {});
    bed.ask_in(BARE, &["delete", "secrets", "--all"]);
    let mut serving = bed.serve();
    let license = ["openvidu-license", "namespace"];
    bed.until_all(
        &mut serving,
        vec![
            ready(&bed, VICTIM, 2),
            ready(&bed, THIEF, 2),
            stalled(&bed, BARE, "SecretMissing", &license),
        ],
    );
    assert_eq!(generated(&bed, BARE), None);
    // Same names, same values of what the user gave: no digest says so, and what is generated differs anyway.
    let (mine, others) = (digests(&bed, VICTIM), digests(&bed, THIEF));
    assert!(mine.keys().eq(others.keys()), "{mine:?} {others:?}");
    for (key, digest) in mine.iter().filter(|(key, _)| *key != "digest-key") {
        assert_ne!(others.get(key), Some(digest), "{key}");
    }

    // Somebody who may write Secrets puts the victim's in the place of ours.
    let own = generated(&bed, THIEF).unwrap();
    let mut copied = own.clone();
    copied["data"] = generated(&bed, VICTIM).unwrap()["data"].clone();
    put(&bed, &copied);
    let parts = [&*format!("{CLUSTER}-credentials"), "restore the Secret"];
    bed.until_all(
        &mut serving,
        vec![stalled(&bed, THIEF, "CredentialsLost", &parts)],
    );
    assert_eq!(
        digests(&bed, THIEF),
        others,
        "status took another's values over"
    );
    put(&bed, &own);
    bed.until_all(
        &mut serving,
        vec![ready(&bed, THIEF, 2), ready(&bed, VICTIM, 2)],
    );
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(bed.world().ledger().harms, 0);
}

/// Writes the values of a Secret.
fn put(bed: &Bed, secret: &Value) {
    let patch = serde_json::json!({"data": secret["data"]}).to_string();
    let name = format!("{CLUSTER}-credentials");
    let what = ["patch", "secret", &name, "--type=merge", "-p", &patch];
    bed.ask_in(THIEF, &what);
}
