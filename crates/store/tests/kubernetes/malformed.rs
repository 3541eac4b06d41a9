//! Objects that cannot be read, among healthy ones.

use ovo_store::conformance::fixture::{node, with};
use ovo_store::{Freshness, ObjectKey, Store, StoreError};
use serde_json::json;

use crate::cases::manifest;
use crate::server::{Server, until};
use crate::writes::{live, saying};

/// An older definition, or one that somebody loosened: nothing is validated.
async fn loosen(server: &Server) {
    // The one field that can be selected must stay.
    let cluster = json!({"type": "object", "properties": {"cluster": {"type": "string"}}});
    for plural in ["openviduclusters", "openvidunodes"] {
        let mut spec = if plural == "openvidunodes" {
            cluster.clone()
        } else {
            json!({"type": "object"})
        };
        let mut value = json!({"type": "object"});
        for open in [&mut spec, &mut value] {
            open["x-kubernetes-preserve-unknown-fields"] = true.into();
        }
        value["properties"] = json!({"spec": spec});
        let schema = json!([{
            "op": "replace",
            "path": "/spec/versions/0/schema/openAPIV3Schema",
            "value": value,
        }]);
        let name = format!("{plural}.openvidu.io");
        let mut arguments = vec!["patch", "crd", &name, "--type=json", "-p"];
        let patch = schema.to_string();
        arguments.push(&patch);
        server.kubectl(&arguments, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed() {
    let server = Server::start().await;
    let namespace = server.namespace("malformed").await;
    let key = |name: &str| ObjectKey::new(namespace.clone(), name);
    let (healthy, broken, odd) = (key("healthy"), key("broken"), key("odd"));
    let (store, _wire) = server.store().await;
    for key in [&healthy, &broken] {
        server.create(manifest(key)).await;
        store.create_node(node(key, "w1")).await.unwrap();
    }
    loosen(&server).await;
    until("a cluster that cannot be read is stored", async || {
        let document = with(manifest(&odd), "/spec/drift", json!("Sometimes"));
        let create = ["create", "--validate=false", "-f", "-"];
        server.try_kubectl(&create, Some(document)).await.0
    })
    .await;
    let patch = r#"{"status":{"phase":"Dreaming"}}"#;
    let arguments = [
        "patch",
        "ovn",
        "broken-w1",
        "-n",
        &namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    ];
    server.kubectl(&arguments, None).await;
    until("both are known", async || store.malformed().len() == 2).await;

    // A store that begins now has them in its first list; one that watched had them as events.
    let (late, _wire) = server.store().await;
    for store in [&store, &late] {
        let named: Vec<String> = store.malformed().iter().map(ToString::to_string).collect();
        assert!(
            named[0].contains("OpenViduCluster malformed/odd") && named[0].contains("spec.drift"),
            "{named:?}"
        );
        assert!(
            named[1].contains("OpenViduNode malformed/broken-w1")
                && named[1].contains("status.phase"),
            "{named:?}"
        );
        for freshness in [Freshness::Cached, Freshness::Live] {
            let read = store.cluster(&odd, freshness).await;
            assert!(
                matches!(&read, Err(StoreError::Corrupt(text)) if text.contains("spec.drift")),
                "{read:?}"
            );
            let read = store.nodes(&broken, freshness).await;
            assert!(
                matches!(&read, Err(StoreError::Corrupt(text)) if text.contains("status.phase")),
                "{read:?}"
            );
            assert_eq!(store.nodes(&healthy, freshness).await.unwrap().len(), 1);
        }
        assert_eq!(
            store.clusters().await.unwrap(),
            [broken.clone(), healthy.clone(), odd.clone()]
        );
    }
    let cluster = live(&store, &healthy).await;
    store
        .replace_cluster_status(&saying(&cluster, "goes on"))
        .await
        .unwrap();
    assert_eq!(store.health().check(), Ok(()));

    // Put right, they are read again.
    let patch = r#"{"status":{"phase":"Serving"}}"#;
    let arguments = [
        "patch",
        "ovn",
        "broken-w1",
        "-n",
        &namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    ];
    server.kubectl(&arguments, None).await;
    server
        .kubectl(&["delete", "ovc", "odd", "-n", &namespace], None)
        .await;
    until("nothing is malformed", async || {
        store.malformed().is_empty()
    })
    .await;
    assert_eq!(
        store.nodes(&broken, Freshness::Cached).await.unwrap().len(),
        1
    );
}
