//! Writes: each once, each whole, none without need.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use kube::ResourceExt;
use kube::client::ClientBuilder;
use kube::client::retry::RetryPolicy;
use ovo_api::status::{INTENT_FORMAT_VERSION, Intent};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::conformance::fixture::node;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};
use tower::BoxError;
use tower::retry::RetryLayer;

use crate::cases::{cases, manifest, run};
use crate::server::{OPERATOR, Server, options};
use crate::wire::{Fault, Wire, changes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes() {
    let server = Server::start().await;
    let cases = cases![
        what_changes_nothing_is_no_write,
        a_half_made_record_is_taken_up_again,
        a_lost_answer_is_read_before_it_is_tried_again,
        a_conflict_is_looked_into_once,
        nothing_is_repeated_by_itself,
        no_client_repeats_a_change,
        what_is_too_large_is_named,
        a_newer_intent_is_not_overwritten,
        a_record_of_the_same_name_is_not_taken_over,
    ];
    run(&server, cases).await;
}

/// The cluster with a status that says something.
pub fn saying(cluster: &OpenViduCluster, summary: &str) -> OpenViduCluster {
    let mut next = cluster.clone();
    summary.clone_into(&mut next.status.get_or_insert_default().summary);
    next
}

pub fn version(object: &impl ResourceExt) -> String {
    object.resource_version().unwrap()
}

pub async fn live(store: &impl Store, key: &ObjectKey) -> Arc<OpenViduCluster> {
    store.cluster(key, Freshness::Live).await.unwrap().unwrap()
}

async fn what_changes_nothing_is_no_write(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    let finalizers = vec!["openvidu.io/teardown".to_owned()];
    let cluster = store
        .replace_cluster_status(&saying(&cluster, "one"))
        .await
        .unwrap();
    let annotation = ("example.com/a", "b");
    let adopt = async |cluster: &OpenViduCluster| {
        let (version, finalizer) = (version(cluster), &finalizers[0]);
        let adopted = store.adopt_cluster(&key, &version, finalizer, annotation.0, annotation.1);
        adopted.await.unwrap()
    };
    let cluster = adopt(&cluster).await;
    let mut record = node(&key, "w1");
    record.metadata.finalizers = Some(finalizers.clone());
    let record = store.create_node(record).await.unwrap();
    let name = ObjectKey::of(&*record);
    let secret = store
        .create_secret(SecretObject::named(&key))
        .await
        .unwrap();
    store.delete_node(&name).await.unwrap();
    let records = store.nodes(&key, Freshness::Cached).await.unwrap();
    wire.calls();

    let same = store
        .replace_cluster_status(&saying(&cluster, "one"))
        .await
        .unwrap();
    assert_eq!(same, cluster);
    adopt(&cluster).await;
    store
        .set_cluster_finalizers(&key, &version(&*cluster), finalizers.clone())
        .await
        .unwrap();
    store.replace_node_status(&records[0]).await.unwrap();
    store
        .set_node_finalizers(&name, &version(&*records[0]), finalizers)
        .await
        .unwrap();
    store
        .remove_node_annotation(&name, &version(&*records[0]), "openvidu.io/force")
        .await
        .unwrap();
    store.delete_node(&name).await.unwrap();
    store.update_secret(&secret).await.unwrap();
    store.secret(&key, Freshness::Cached).await.unwrap();
    let calls = wire.calls();
    assert!(
        calls.iter().all(|call| call.starts_with("GET")),
        "{calls:?}"
    );
    // Each is looked up once: of deletion nothing is to be compared, and what is cached of a Secret is not asked for.
    assert_eq!(calls.len(), 7, "{calls:?}");

    // A version that is not stored any more is a conflict, though nothing would be changed.
    let old = &records[0];
    wire.hold_watches(true);
    server
        .kubectl(
            &[
                "annotate",
                "ovn",
                "-n",
                &key.namespace,
                &name.name,
                "openvidu.io/force=yes",
            ],
            None,
        )
        .await;
    let removed = store
        .remove_node_annotation(&name, &version(&**old), "openvidu.io/force")
        .await;
    assert!(
        matches!(removed, Err(StoreError::Conflict { .. })),
        "{removed:?}"
    );
}

async fn a_half_made_record_is_taken_up_again(server: Server, key: ObjectKey) {
    let brief = KubernetesOptions {
        call_timeout: Duration::from_secs(1),
        ..options()
    };
    let (store, wire) = server.store_with(brief, AlwaysOpen).await;
    // Dies between the two calls, and before the answer of the first.
    for (machine, at) in [("w1", Method::PUT), ("w2", Method::POST)] {
        let fault = if at == Method::PUT {
            Fault::Lose
        } else {
            Fault::LoseAnswer
        };
        wire.fault(fault, move |method, _| *method == at);
        let first = store.create_node(node(&key, machine)).await;
        assert!(
            matches!(first, Err(StoreError::Unavailable(_))),
            "{first:?}"
        );
        wire.heal();
        let half = store.nodes(&key, Freshness::Live).await.unwrap();
        let half = half
            .iter()
            .find(|record| record.spec.machine == machine)
            .unwrap();
        assert_eq!(half.status, None);
        let made = store.create_node(node(&key, machine)).await.unwrap();
        assert_eq!(made.uid(), half.uid());
        assert_eq!(made.status, node(&key, machine).status);
        let again = store.create_node(node(&key, machine)).await;
        assert!(
            matches!(again, Err(StoreError::AlreadyExists(_))),
            "{again:?}"
        );
    }
}

async fn a_record_of_the_same_name_is_not_taken_over(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    // Made by somebody else: another role.
    let other = OpenViduNode {
        spec: ovo_api::OpenViduNodeSpec {
            role: ovo_api::Role::Master,
            ..node(&key, "w1").spec
        },
        status: None,
        ..node(&key, "w1")
    };
    server.create(serde_json::to_value(other).unwrap()).await;
    let made = store.create_node(node(&key, "w1")).await;
    assert!(
        matches!(made, Err(StoreError::AlreadyExists(_))),
        "{made:?}"
    );
}

async fn a_lost_answer_is_read_before_it_is_tried_again(server: Server, key: ObjectKey) {
    let brief = KubernetesOptions {
        call_timeout: Duration::from_secs(1),
        ..options()
    };
    let (store, wire) = server.store_with(brief, AlwaysOpen).await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    wire.hold_watches(true);
    wire.fault(Fault::LoseAnswer, changes);
    let began = std::time::Instant::now();
    let lost = store
        .replace_cluster_status(&saying(&cluster, "lost"))
        .await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    wire.heal();
    // The watch has not told: the server is asked, once.
    wire.calls();
    for _ in 0..2 {
        let read = store
            .cluster(&key, Freshness::Cached)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.status.as_ref().unwrap().summary, "lost");
    }
    assert_eq!(wire.calls().len(), 1);
}

async fn a_conflict_is_looked_into_once(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    wire.hold_watches(true);
    server
        .kubectl(
            &["annotate", "ovc", "demo", "-n", &key.namespace, "a=b"],
            None,
        )
        .await;
    wire.calls();
    let stale = store.replace_cluster_status(&saying(&cluster, "one")).await;
    assert!(
        matches!(stale, Err(StoreError::Conflict { .. })),
        "{stale:?}"
    );
    let read = store
        .cluster(&key, Freshness::Cached)
        .await
        .unwrap()
        .unwrap();
    assert!(
        read.annotations().contains_key("a"),
        "the cache was believed after a conflict"
    );
    let written = store
        .replace_cluster_status(&saying(&read, "one"))
        .await
        .unwrap();
    assert_eq!(
        store.cluster(&key, Freshness::Cached).await.unwrap(),
        Some(written)
    );
    let calls = wire.calls();
    assert_eq!(
        calls.len(),
        3,
        "one write refused, one read, one write: {calls:?}"
    );
}

async fn nothing_is_repeated_by_itself(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    for code in [429, 500, 503, 504] {
        wire.fault(Fault::Answer(code, None, "busy".to_owned()), |_, uri| {
            uri.path().contains("/openviduclusters/")
        });
        wire.calls();
        let write = store
            .replace_cluster_status(&saying(&cluster, &code.to_string()))
            .await;
        let read = store.cluster(&key, Freshness::Live).await;
        for refused in [write.map(drop), read.map(drop)] {
            let error = refused.unwrap_err();
            assert!(
                matches!(&error, StoreError::Unavailable(text) if text.contains(&code.to_string())),
                "{error}"
            );
        }
        assert_eq!(wire.calls().len(), 2, "{code}");
        wire.heal();
    }
}

/// A client that was not made by us, with the library's own policy of repeating.
async fn no_client_repeats_a_change(server: Server, key: ObjectKey) {
    server.create(manifest(&key)).await;
    let wire = Wire::default();
    let behind = wire.client(server.client(OPERATOR).await);
    let service = tower::service_fn(move |request| {
        let behind = behind.clone();
        async move { Ok::<_, BoxError>(behind.send(request).await?) }
    });
    let policy = RetryPolicy::new(Duration::from_millis(1), Duration::from_millis(2), 3, false);
    let client =
        ClientBuilder::new(service, "default").with_layer(&RetryLayer::new(policy.unwrap()));
    let store = KubernetesStore::start(client.build(), &options(), AlwaysOpen);
    store.synced().await;
    let cluster = live(&store, &key).await;
    wire.fault(Fault::Answer(503, None, "busy".to_owned()), |_, uri| {
        uri.path().contains("/demo")
    });
    wire.calls();
    assert!(store.cluster(&key, Freshness::Live).await.is_err());
    assert_eq!(
        wire.calls().len(),
        4,
        "the policy is not in force, so this shows nothing"
    );
    assert!(
        store
            .replace_cluster_status(&saying(&cluster, "one"))
            .await
            .is_err()
    );
    assert_eq!(wire.calls().len(), 1);
}

async fn what_is_too_large_is_named(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    // Over etcd's limit, and over that of the API server itself.
    for megabytes in [2, 4] {
        let long = "x".repeat(megabytes * 1_000_000);
        let refused = store.replace_cluster_status(&saying(&cluster, &long)).await;
        let Err(StoreError::TooLarge {
            object,
            bytes,
            limit,
        }) = refused
        else {
            panic!("{megabytes} MB: {:?}", refused.map(drop));
        };
        assert!(
            object.contains("demo") && bytes > long.len() && bytes > limit,
            "{object} {bytes} {limit}"
        );
    }
    assert_eq!(live(&store, &key).await, cluster);
}

async fn a_newer_intent_is_not_overwritten(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let mut newer = saying(&*live(&store, &key).await, "by a newer release");
    newer.status.get_or_insert_default().intent = Some(Intent {
        format_version: INTENT_FORMAT_VERSION + 1,
        ..Intent::default()
    });
    let stored = store.replace_cluster_status(&newer).await.unwrap();
    wire.calls();
    let refused = store
        .replace_cluster_status(&saying(&stored, "by this one"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::FormatTooNew { .. })),
        "{refused:?}"
    );
    assert_eq!(wire.calls(), Vec::<String>::new());
}
