//! Watches that break: each comes back by itself, and says meanwhile that it has not.

use std::cell::Cell;
use std::time::{Duration, Instant};

use kube::ResourceExt;
use ovo_kube::Part;
use ovo_store::conformance::fixture::node;
use ovo_store::kubernetes::KubernetesStore;
use ovo_store::{Freshness, ObjectKey, Store, StoreError};

use crate::cases::{cases, manifest, run};
use crate::server::{Server, blocking, until};
use crate::writes::{live, saying};

/// How soon a watch must be back.
const RECOVERY: Duration = Duration::from_secs(30);
const VERSION: &str = "--output=jsonpath={.metadata.resourceVersion}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults() {
    let server = Server::start().await;
    let cases = cases![
        a_dead_connection_is_noticed,
        an_expired_watch_lists_anew,
        a_killed_server_is_found_again,
        a_server_that_ends_politely_is_found_again,
        a_server_that_hangs_is_told_by_readiness,
        a_store_without_its_own_store_is_not_available,
    ];
    run(&server, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction() {
    // Without its own cache the server forgets as soon as etcd does.
    let server = Server::build(|builder| {
        builder
            .flag("--watch-cache=false")
            .flag("--etcd-compaction-interval=1s")
    })
    .await;
    let key = ObjectKey::new(server.namespace("compaction").await, "demo");
    // Its watches are open: what it shows came on one.
    let (store, wire) = followed(&server, &key).await;
    wire.calls();
    // They end, and none can be begun; meanwhile everything that the store has seen is compacted.
    wire.fault(
        crate::wire::Fault::Answer(503, None, "not now".to_owned()),
        |_, uri| crate::wire::is_watch(uri),
    );
    wire.close_watches();
    // Newer than anything that the store can have seen. The server compacts what is older than its last but one round, as long as
    // something is written.
    touch(&server, &key, "unseen").await;
    let get = ["get", "ovc", "demo", "-n", &key.namespace, VERSION];
    let begun = server.kubectl(&get, None).await;
    let path = format!(
        "/apis/openvidu.io/v1alpha1/namespaces/{}/openviduclusters",
        key.namespace
    );
    let path = format!("{path}?resourceVersion={begun}&resourceVersionMatch=Exact");
    let touched = Cell::new(0);
    until("what the store has seen is compacted", async || {
        touched.set(touched.get() + 1);
        touch(&server, &key, &touched.get().to_string()).await;
        let (api, path) = (server.api.clone(), path.clone());
        let asked = blocking(move || api.request("GET", &path, None).unwrap().code).await;
        asked == 410
    })
    .await;
    assert_eq!(wire.lists("openviduclusters"), 0);
    wire.heal();
    sees(&store, &key, &touched.get().to_string()).await;
    assert!(wire.lists("openviduclusters") > 0);
}

/// Somebody annotates the cluster.
async fn touch(server: &Server, key: &ObjectKey, value: &str) {
    let touched = format!("touched={value}");
    let arguments = [
        "annotate",
        "--overwrite",
        "ovc",
        &key.name,
        "-n",
        &key.namespace,
        &touched,
    ];
    server.kubectl(&arguments, None).await;
}

/// Waits until the cache shows it, and says how long that took.
async fn sees(store: &KubernetesStore, key: &ObjectKey, value: &str) -> Duration {
    let began = Instant::now();
    until("the cache shows it", async || {
        let read = store.cluster(key, Freshness::Cached).await;
        let read = read.ok().flatten();
        read.is_some_and(|cluster| {
            cluster.annotations().get("touched").map(String::as_str) == Some(value)
        })
    })
    .await;
    assert!(began.elapsed() < RECOVERY);
    began.elapsed()
}

/// A cluster that the cache shows.
async fn followed(server: &Server, key: &ObjectKey) -> (KubernetesStore, crate::wire::Wire) {
    let (store, wire) = server.store().await;
    server.create(manifest(key)).await;
    touch(server, key, "first").await;
    sees(&store, key, "first").await;
    (store, wire)
}

async fn a_dead_connection_is_noticed(server: Server, key: ObjectKey) {
    let (store, wire) = followed(&server, &key).await;
    wire.kill_watches();
    touch(&server, &key, "second").await;
    let took = sees(&store, &key, "second").await;
    println!("a dead connection: back after {took:?}");
    assert_eq!(store.health().check(), Ok(()));
}

async fn an_expired_watch_lists_anew(server: Server, key: ObjectKey) {
    let (store, wire) = followed(&server, &key).await;
    let record = store.create_node(node(&key, "w1")).await.unwrap();
    wire.calls();
    wire.expire_watches();
    let name = record.name_any();
    server
        .kubectl(&["delete", "ovn", &name, "-n", &key.namespace], None)
        .await;
    touch(&server, &key, "second").await;
    sees(&store, &key, "second").await;
    assert_eq!(
        wire.lists("openviduclusters"),
        1,
        "listed once, not in a loop"
    );
    until("what went meanwhile is gone", async || {
        store
            .nodes(&key, Freshness::Cached)
            .await
            .unwrap()
            .is_empty()
    })
    .await;
}

async fn a_killed_server_is_found_again(server: Server, key: ObjectKey) {
    let (store, wire) = followed(&server, &key).await;
    server.act(ovo_kube::ApiServer::kill_apiserver).await;
    until("the watches say that it is gone", async || {
        store
            .health()
            .watches()
            .iter()
            .all(|watch| watch.problem.is_some())
    })
    .await;
    // What is known is still answered.
    assert!(
        store
            .cluster(&key, Freshness::Cached)
            .await
            .unwrap()
            .is_some()
    );
    let read = store.cluster(&key, Freshness::Live).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    // Each watch has tried in vain more than once.
    wire.calls();
    until("the watches try again", async || wire.tries() >= 6).await;
    server.act(ovo_kube::ApiServer::start_apiserver).await;
    touch(&server, &key, "second").await;
    let took = sees(&store, &key, "second").await;
    println!("a killed server: back after {took:?}");
    until("all is well", async || {
        store
            .health()
            .watches()
            .iter()
            .all(|watch| watch.problem.is_none() && watch.is_well())
    })
    .await;
    let cluster = live(&store, &key).await;
    store
        .replace_cluster_status(&saying(&cluster, "goes on"))
        .await
        .unwrap();
}

async fn a_server_that_ends_politely_is_found_again(server: Server, key: ObjectKey) {
    let (store, _wire) = followed(&server, &key).await;
    server.act(ovo_kube::ApiServer::terminate_apiserver).await;
    server.act(ovo_kube::ApiServer::start_apiserver).await;
    touch(&server, &key, "second").await;
    let took = sees(&store, &key, "second").await;
    println!("a server that ended politely: back after {took:?}");
}

async fn a_server_that_hangs_is_told_by_readiness(server: Server, key: ObjectKey) {
    let (store, _wire) = followed(&server, &key).await;
    server.act(|api| api.pause(Part::ApiServer)).await;
    let began = Instant::now();
    let read = store.cluster(&key, Freshness::Live).await;
    assert!(
        matches!(&read, Err(StoreError::Unavailable(text)) if text.contains("no answer within 5 s")),
        "{read:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    let stalled = async {
        while store.health().check().is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(45), stalled)
        .await
        .expect("readiness never failed");
    assert!(
        began.elapsed() > Duration::from_secs(20),
        "too soon: {:?}",
        began.elapsed()
    );
    server.act(|api| api.resume(Part::ApiServer)).await;
    touch(&server, &key, "second").await;
    let took = sees(&store, &key, "second").await;
    println!("a server that hung: back after {took:?}");
    until("readiness is back", async || store.health().check().is_ok()).await;
}

async fn a_store_without_its_own_store_is_not_available(server: Server, key: ObjectKey) {
    let (store, _wire) = followed(&server, &key).await;
    let cluster = live(&store, &key).await;
    server.act(|api| api.pause(Part::Etcd)).await;
    let read = store.cluster(&key, Freshness::Live).await;
    assert!(
        matches!(read, Err(StoreError::Unavailable(_))),
        "a live read came from a cache: {read:?}"
    );
    let write = store.replace_cluster_status(&saying(&cluster, "one")).await;
    assert!(
        matches!(write, Err(StoreError::Unavailable(_))),
        "{write:?}"
    );
    server.act(|api| api.resume(Part::Etcd)).await;
    // Nobody knows what became of the write: the cache is not believed until it has been looked up.
    until("it writes again", async || {
        let Ok(Some(read)) = store.cluster(&key, Freshness::Cached).await else {
            return false;
        };
        store
            .replace_cluster_status(&saying(&read, "two"))
            .await
            .is_ok()
    })
    .await;
}
