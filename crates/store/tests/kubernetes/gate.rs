//! Who is not sure to lead writes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ovo_store::conformance::fixture::node;
use ovo_store::{
    ClusterEvent, EventType, Freshness, ObjectKey, ObjectReference, SecretObject, Store, StoreError,
};

use crate::cases::{cases, manifest, run};
use crate::server::{Server, options};
use crate::writes::{live, saying, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gate() {
    let server = Server::start().await;
    let cases = cases![
        a_closed_gate_lets_nothing_out,
        a_gate_that_closes_on_the_way_lets_nothing_through,
    ];
    run(&server, cases).await;
}

async fn a_closed_gate_lets_nothing_out(server: Server, key: ObjectKey) {
    server.create(manifest(&key)).await;
    let open = Arc::new(AtomicBool::new(true));
    let asked = open.clone();
    let (store, wire) = server
        .store_with(options(), move |call_timeout| {
            assert_eq!(call_timeout, Duration::from_secs(5));
            asked.load(Ordering::Relaxed)
        })
        .await;
    let cluster = live(&store, &key).await;
    let record = store.create_node(node(&key, "w1")).await.unwrap();
    let name = ObjectKey::of(&*record);
    let secret = store
        .create_secret(SecretObject::named(&key))
        .await
        .unwrap();
    open.store(false, Ordering::Relaxed);
    wire.calls();

    let held = vec!["openvidu.io/teardown".to_owned()];
    let mut other = SecretObject::clone(&secret);
    other.data.insert("key".to_owned(), "value".into());
    let mut status = ovo_api::OpenViduNode::clone(&record);
    "another".clone_into(&mut status.status.get_or_insert_default().reason);
    let refused = [
        store
            .replace_cluster_status(&saying(&cluster, "one"))
            .await
            .map(drop),
        store
            .adopt_cluster(&key, &version(&*cluster), &held[0], "a", "b")
            .await
            .map(drop),
        store
            .set_cluster_finalizers(&key, &version(&*cluster), held.clone())
            .await
            .map(drop),
        store.create_node(node(&key, "w2")).await.map(drop),
        store.replace_node_status(&status).await.map(drop),
        store
            .set_node_finalizers(&name, &version(&*record), held)
            .await
            .map(drop),
        store.delete_node(&name).await,
        store
            .create_secret(SecretObject::named(&key.sibling("other")))
            .await
            .map(drop),
        store.update_secret(&other).await.map(drop),
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        assert!(
            matches!(refused, Err(StoreError::NotLeading(_))),
            "{n}: {refused:?}"
        );
    }
    let event = ClusterEvent {
        event_type: EventType::Normal,
        reason: "ScaledOut".to_owned(),
        note: "from 2 to 3".to_owned(),
        regarding: ObjectReference {
            kind: "OpenViduCluster".to_owned(),
            key: key.clone(),
            uid: String::new(),
        },
        at: k8s_openapi::jiff::Timestamp::now(),
    };
    store.record_event(event).await.unwrap();
    store.flush_events(Duration::from_secs(10)).await;
    assert_eq!(wire.calls(), Vec::<String>::new());
    // Reading goes on.
    assert_eq!(live(&store, &key).await, cluster);
}

async fn a_gate_that_closes_on_the_way_lets_nothing_through(server: Server, key: ObjectKey) {
    server.create(manifest(&key)).await;
    // Open when the call begins, closed when the connection stands.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let (store, wire) = server
        .store_with(options(), move |_| {
            count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
        })
        .await;
    let cluster = live(&store, &key).await;
    wire.calls();
    let written = store.replace_cluster_status(&saying(&cluster, "one")).await;
    assert!(
        matches!(written, Err(StoreError::NotLeading(_))),
        "{written:?}"
    );
    let made = store.create_node(node(&key, "w1")).await;
    assert!(matches!(made, Err(StoreError::NotLeading(_))), "{made:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert_eq!(wire.calls().len(), 2, "both were on their way");
    assert_eq!(live(&store, &key).await, cluster);
    assert_eq!(store.nodes(&key, Freshness::Live).await.unwrap(), []);
    let written = server.writes().await;
    let written: Vec<_> = written
        .iter()
        .filter(|line| line.namespace == key.namespace)
        .collect();
    assert!(written.is_empty(), "{written:?}");
}
