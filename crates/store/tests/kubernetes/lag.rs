//! A watch that is behind: what this process wrote is never forgotten, and never written twice.

use std::sync::Mutex;
use std::time::Duration;

use kube::ResourceExt;
use ovo_api::node::NodePhase;
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::conformance::fixture::node;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions};
use ovo_store::{Freshness, ObjectKey, Store};

use crate::cases::{cases, manifest, run};
use crate::server::{Server, options, until};
use crate::writes::{live, saying, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag() {
    let server = Server::start().await;
    let cases = cases![
        own_writes_are_seen_though_the_watch_stands_still,
        what_the_watch_never_delivers_is_asked_for,
        what_others_deleted_in_the_gap_goes,
        a_list_that_was_begun_before_a_write_hides_nothing,
    ];
    run(&server, cases).await;
}

async fn own_writes_are_seen_though_the_watch_stands_still(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let mut cluster = live(&store, &key).await;
    wire.hold_watches(true);
    wire.calls();
    for round in 0..5 {
        cluster = store
            .replace_cluster_status(&saying(&cluster, &round.to_string()))
            .await
            .unwrap();
        let read = store.cluster(&key, Freshness::Cached).await.unwrap();
        assert_eq!(read.as_ref(), Some(&cluster));
    }
    let held = vec!["openvidu.io/teardown".to_owned()];
    store
        .set_cluster_finalizers(&key, &version(&*cluster), held.clone())
        .await
        .unwrap();
    let mut record = node(&key, "w1");
    record.metadata.finalizers = Some(held);
    let record = store.create_node(record).await.unwrap();
    let bare = store.create_node(node(&key, "w2")).await.unwrap();
    assert_eq!(
        store.nodes(&key, Freshness::Cached).await.unwrap(),
        [record.clone(), bare.clone()]
    );
    let mut next = OpenViduNode::clone(&record);
    next.status.get_or_insert_default().phase = NodePhase::Draining;
    let record = store.replace_node_status(&next).await.unwrap();
    store.delete_node(&ObjectKey::of(&*bare)).await.unwrap();
    assert_eq!(
        store.nodes(&key, Freshness::Cached).await.unwrap(),
        std::slice::from_ref(&record)
    );
    store.delete_node(&ObjectKey::of(&*record)).await.unwrap();
    let going = store.nodes(&key, Freshness::Cached).await.unwrap();
    assert!(going[0].metadata.deletion_timestamp.is_some());
    store
        .set_node_finalizers(&ObjectKey::of(&*record), &version(&*going[0]), Vec::new())
        .await
        .unwrap();
    assert_eq!(store.nodes(&key, Freshness::Cached).await.unwrap(), []);
    // Each once, and no read: six of the cluster; two times two to make records, then one status, two deletions, and
    // the finalizer.
    let calls = wire.calls();
    assert_eq!(calls.len(), 14, "{calls:#?}");
    assert!(
        !calls.iter().any(|call| call.starts_with("GET")),
        "{calls:#?}"
    );

    // What the watch delivers late brings nothing back.
    wire.hold_watches(false);
    server
        .kubectl(
            &["annotate", "ovc", "demo", "-n", &key.namespace, "last=one"],
            None,
        )
        .await;
    until("the watch has caught up", async || {
        let read = store
            .cluster(&key, Freshness::Cached)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.status.as_ref().unwrap().summary, "4");
        assert_eq!(store.nodes(&key, Freshness::Cached).await.unwrap(), []);
        read.annotations().contains_key("last")
    })
    .await;
}

async fn what_the_watch_never_delivers_is_asked_for(server: Server, key: ObjectKey) {
    let impatient = KubernetesOptions {
        catch_up: Duration::from_millis(200),
        ..options()
    };
    let (store, wire) = server.store_with(impatient, AlwaysOpen).await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    wire.hold_watches(true);
    let written = store
        .replace_cluster_status(&saying(&cluster, "one"))
        .await
        .unwrap();
    store.create_node(node(&key, "w1")).await.unwrap();
    wire.calls();
    let asked = Mutex::new(Vec::new());
    until("both are asked for", async || {
        let read = store.cluster(&key, Freshness::Cached).await.unwrap();
        assert_eq!(read.as_ref(), Some(&written));
        assert_eq!(store.nodes(&key, Freshness::Cached).await.unwrap().len(), 1);
        let mut asked = asked.lock().unwrap();
        asked.extend(wire.calls());
        asked.len() >= 2
    })
    .await;
    let asked = asked.into_inner().unwrap();
    let of = |plural: &str| {
        let asked = asked
            .iter()
            .filter(|call| call.starts_with("GET") && call.contains(plural));
        asked.count()
    };
    assert_eq!(
        (
            of("openviduclusters/demo"),
            of("openvidunodes"),
            asked.len()
        ),
        (1, 1, 2),
        "{asked:?}"
    );
}

async fn what_others_deleted_in_the_gap_goes(server: Server, key: ObjectKey) {
    let impatient = KubernetesOptions {
        catch_up: Duration::from_millis(200),
        ..options()
    };
    let (store, wire) = server.store_with(impatient, AlwaysOpen).await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    wire.hold_watches(true);
    store
        .replace_cluster_status(&saying(&cluster, "one"))
        .await
        .unwrap();
    let record = store.create_node(node(&key, "w1")).await.unwrap();
    let name = record.name_any();
    server
        .kubectl(&["delete", "ovn", &name, "-n", &key.namespace], None)
        .await;
    server
        .kubectl(&["delete", "ovc", "demo", "-n", &key.namespace], None)
        .await;
    until("both are gone though no watch told", async || {
        let cluster: Option<std::sync::Arc<OpenViduCluster>> =
            store.cluster(&key, Freshness::Cached).await.unwrap();
        cluster.is_none()
            && store
                .nodes(&key, Freshness::Cached)
                .await
                .unwrap()
                .is_empty()
    })
    .await;
    assert!(!store.clusters().await.unwrap().contains(&key));
}

async fn a_list_that_was_begun_before_a_write_hides_nothing(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    let cluster = live(&store, &key).await;
    // A watch that ends with 410 lists anew; the list's answer comes late, and meanwhile there are writes.
    wire.expire_watches();
    wire.hold_lists(true);
    until("a list is under way", async || wire.held_lists() >= 2).await;
    let written = store
        .replace_cluster_status(&saying(&cluster, "meanwhile"))
        .await
        .unwrap();
    let record = store.create_node(node(&key, "w1")).await.unwrap();
    wire.hold_lists(false);
    for _ in 0..100 {
        assert_eq!(
            store
                .cluster(&key, Freshness::Cached)
                .await
                .unwrap()
                .as_ref(),
            Some(&written)
        );
        assert_eq!(
            store.nodes(&key, Freshness::Cached).await.unwrap(),
            std::slice::from_ref(&record)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
