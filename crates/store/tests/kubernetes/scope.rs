//! One namespace, with a Role in it and nothing else.

use ovo_store::conformance::fixture::node;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, Scope};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};
use serde_json::json;

use crate::cases::manifest;
use crate::rights::{rules, watch_secrets};
use crate::server::{Server, options, until};
use crate::writes::{live, saying};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_namespace() {
    let server = Server::build(|builder| builder.user("tenant", &[])).await;
    let ours = ObjectKey::new(server.namespace("ours").await, "demo");
    let theirs = ObjectKey::new(server.namespace("theirs").await, "demo");
    let mut all = rules();
    all.push(watch_secrets());
    let rbac = "rbac.authorization.k8s.io";
    server
        .create(json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": {"name": "operator", "namespace": ours.namespace}, "rules": all}))
        .await;
    server
        .create(json!({
            "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
            "metadata": {"name": "operator", "namespace": ours.namespace},
            "subjects": [{"kind": "User", "apiGroup": rbac, "name": "tenant"}],
            "roleRef": {"kind": "Role", "apiGroup": rbac, "name": "operator"},
        }))
        .await;
    for key in [&ours, &theirs] {
        server.create(manifest(key)).await;
    }
    let usual = KubernetesOptions::new(Scope::Namespace(ours.namespace.clone()), "test");
    let options = KubernetesOptions {
        watch_timeout: options().watch_timeout,
        ..usual
    };
    let store = KubernetesStore::start(server.client("tenant").await, &options, AlwaysOpen);
    until("all three watches are well", async || {
        store.health().check().is_ok()
    })
    .await;
    assert_eq!(store.health().watches().len(), 3);
    assert_eq!(store.clusters().await.unwrap(), std::slice::from_ref(&ours));
    let cluster = live(&store, &ours).await;
    store
        .replace_cluster_status(&saying(&cluster, "ours"))
        .await
        .unwrap();
    store.create_node(node(&ours, "w1")).await.unwrap();
    assert_eq!(store.nodes(&ours, Freshness::Live).await.unwrap().len(), 1);
    store
        .create_secret(SecretObject::named(&ours))
        .await
        .unwrap();
    assert!(
        store
            .secret(&ours, Freshness::Cached)
            .await
            .unwrap()
            .is_some()
    );

    let elsewhere = [
        store.cluster(&theirs, Freshness::Live).await.map(drop),
        store.secret(&theirs, Freshness::Live).await.map(drop),
        store.create_node(node(&theirs, "w1")).await.map(drop),
    ];
    for refused in elsewhere {
        assert!(matches!(refused, Err(StoreError::Denied(_))), "{refused:?}");
    }
}
