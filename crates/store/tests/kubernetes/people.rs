//! People who apply manifests are never in conflict with the operator, and own what is theirs.

use ovo_api::OpenViduCluster;
use ovo_api::annotations::{FINALIZER, INFRASTRUCTURE_ID};
use ovo_store::{ObjectKey, Store};
use serde_json::Value;

use crate::cases::{cases, manifest, run};
use crate::server::Server;
use crate::writes::{live, saying, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people() {
    let server = Server::start().await;
    let cases = cases![
        a_server_side_apply_goes_on_working,
        a_client_side_apply_goes_on_working,
    ];
    run(&server, cases).await;
}

/// What the operator does to a new cluster.
async fn adopt(store: &impl Store, key: &ObjectKey) -> OpenViduCluster {
    let cluster = live(store, key).await;
    let id = (INFRASTRUCTURE_ID, "abcd1234");
    let cluster = store
        .adopt_cluster(key, &version(&*cluster), FINALIZER, id.0, id.1)
        .await
        .unwrap();
    let cluster = store
        .replace_cluster_status(&saying(&cluster, "adopted"))
        .await
        .unwrap();
    (*cluster).clone()
}

fn is_adopted(cluster: &OpenViduCluster) -> bool {
    let finalizers = cluster.metadata.finalizers.as_deref().unwrap_or_default();
    let annotations = cluster.metadata.annotations.as_ref();
    finalizers == [FINALIZER]
        && annotations.is_some_and(|map| map[INFRASTRUCTURE_ID] == "abcd1234")
        && cluster
            .status
            .as_ref()
            .is_some_and(|status| status.summary == "adopted")
}

async fn a_server_side_apply_goes_on_working(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    let apply = ["apply", "--server-side", "-f", "-"];
    let diff = ["diff", "--server-side", "-f", "-"];
    server.kubectl(&apply, Some(manifest(&key))).await;
    let adopted = adopt(&store, &key).await;

    let (same, out) = server.try_kubectl(&diff, Some(manifest(&key))).await;
    assert!(same, "{out}");
    server.kubectl(&apply, Some(manifest(&key))).await;
    let applied = live(&store, &key).await;
    assert_eq!(
        version(&*applied),
        version(&adopted),
        "an apply of the same changed something"
    );
    let mut changed = manifest(&key);
    changed["spec"]["paused"] = true.into();
    server.kubectl(&apply, Some(changed)).await;
    let applied = live(&store, &key).await;
    assert_eq!(applied.spec.paused, Some(true));
    assert!(is_adopted(&applied), "{:?}", applied.metadata);

    // The operator owns its own fields and no other.
    let path = [
        "get",
        "ovc",
        "demo",
        "-n",
        &key.namespace,
        "-o",
        "json",
        "--show-managed-fields",
    ];
    let object: Value = serde_json::from_str(&server.kubectl(&path, None).await).unwrap();
    let managed = object["metadata"]["managedFields"].as_array().unwrap();
    let ours: Vec<_> = managed
        .iter()
        .filter(|entry| entry["manager"] == "openvidu-operator")
        .collect();
    for entry in &ours {
        let fields = entry["fieldsV1"].as_object().unwrap();
        let metadata = fields.get("f:metadata").and_then(Value::as_object);
        for (name, owned) in metadata.into_iter().flatten() {
            let owned: Vec<_> = owned
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != ".")
                .collect();
            match name.as_str() {
                "f:finalizers" => assert_eq!(owned, [&format!("v:\"{FINALIZER}\"")]),
                "f:annotations" => assert_eq!(owned, [&format!("f:{INFRASTRUCTURE_ID}")]),
                other => panic!("owns {other}"),
            }
        }
        assert!(
            fields
                .keys()
                .all(|name| name == "f:metadata" || name == "f:status"),
            "{fields:?}"
        );
    }
    assert_eq!(
        ours.len(),
        2,
        "one for the object, one for its status: {managed:?}"
    );
}

async fn a_client_side_apply_goes_on_working(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    let apply = ["apply", "-f", "-"];
    server.kubectl(&apply, Some(manifest(&key))).await;
    let adopted = adopt(&store, &key).await;
    let (same, out) = server
        .try_kubectl(&["diff", "-f", "-"], Some(manifest(&key)))
        .await;
    assert!(same, "{out}");
    server.kubectl(&apply, Some(manifest(&key))).await;
    let applied = live(&store, &key).await;
    assert_eq!(version(&*applied), version(&adopted));
    assert!(is_adopted(&applied), "{:?}", applied.metadata);
}
