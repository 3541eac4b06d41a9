//! Credentials that are lost, and a cluster that is restored into another Kubernetes.

use serde_json::Value;

use crate::after::each;
use crate::kube::{Bed, condition, is_ready};
use crate::tenants::{cluster_wide, deployment};

const NAMESPACE: &str = "restored";
const GENERATED: &str = "openvidu-ha-credentials";

fn secret(bed: &Bed) -> Option<Value> {
    bed.read(&format!(
        "/api/v1/namespaces/{NAMESPACE}/secrets/{GENERATED}"
    ))
}

/// What a backup keeps of a Secret.
fn kept(secret: &Value) -> Value {
    let mut kept = secret.clone();
    kept["metadata"] = serde_json::json!({"name": GENERATED, "namespace": NAMESPACE});
    kept
}

fn stalled(bed: &Bed, reason: &str) -> bool {
    bed.cluster_in(NAMESPACE).is_some_and(|c| {
        let found = condition(&c, "Stalled");
        let message = found["message"].as_str().unwrap_or_default();
        found["reason"] == reason && message.contains("restore the Secret")
    })
}

fn put_back(bed: &Bed, backup: &Value) {
    bed.post(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), backup);
}

#[test]
fn lost_credentials_are_never_made_again_and_a_restored_cluster_finds_its_deployment() {
    let first = cluster_wide(&[]);
    first.settle(1, NAMESPACE, |_| {});
    let ready = |bed: &Bed| bed.cluster_in(NAMESPACE).is_some_and(|c| is_ready(&c, 2));
    let mut serving = first.serve();
    first.until_all(&mut serving, each(&[NAMESPACE], "Ready", |_| ready(&first)));
    let backup = kept(&secret(&first).unwrap());

    // Somebody deletes the Secret and, as it does not go, takes our finalizer away.
    first.ask_in(NAMESPACE, &["delete", "secret", GENERATED, "--wait=false"]);
    let free = r#"{"metadata":{"finalizers":null}}"#;
    first.ask_in(
        NAMESPACE,
        &["patch", "secret", GENERATED, "--type=merge", "-p", free],
    );
    let lost = |_: &str| stalled(&first, "CredentialsLost");
    first.until_all(&mut serving, each(&[NAMESPACE], "Stalled", lost));
    assert!(secret(&first).is_none(), "made anew");
    put_back(&first, &backup);
    first.until_all(&mut serving, each(&[NAMESPACE], "Ready", |_| ready(&first)));
    assert_eq!(serving.stop(), Some(0));
    let built = first.world();

    // Another Kubernetes over the same world: at first without the Secret that was generated.
    let second = cluster_wide(&[]);
    second.settle(1, NAMESPACE, |_| {});
    let mut serving = second.serve_world(&first.world_dir());
    let lost = |_: &str| stalled(&second, "CredentialsLost");
    second.until_all(&mut serving, each(&[NAMESPACE], "Stalled", lost));
    assert!(secret(&second).is_none(), "made anew");
    put_back(&second, &backup);
    second.until_all(
        &mut serving,
        each(&[NAMESPACE], "Ready", |_| ready(&second)),
    );
    assert_eq!(second.nodes_in(NAMESPACE).len(), 7);
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(secret(&second).unwrap()["data"], backup["data"]);
    let found = first.world();
    let executed = |world: &ovo_world::World| world.ledger().executed;
    assert_eq!(
        executed(&found),
        executed(&built),
        "something was built or changed"
    );
    let things = |world| deployment(world, NAMESPACE).leftovers();
    assert_eq!(things(&found), things(&built));
}
