//! The API server is not asked more often than is allowed.

use std::time::{Duration, Instant};

use futures::future::join_all;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, Limits};
use ovo_store::{Freshness, ObjectKey, Store};

use crate::cases::{cases, manifest, run};
use crate::server::{Server, options};
use crate::wire::Fault;
use crate::writes::live;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    let server = Server::start().await;
    let cases = cases![
        calls_keep_to_their_rate_and_number,
        what_the_server_asks_for_is_obeyed,
    ];
    run(&server, cases).await;
}

async fn calls_keep_to_their_rate_and_number(server: Server, key: ObjectKey) {
    let few = KubernetesOptions {
        limits: Limits {
            per_second: 20,
            burst: 10,
            concurrent: 3,
        },
        ..options()
    };
    let (store, wire) = server.store_with(few, AlwaysOpen).await;
    server.create(manifest(&key)).await;
    let began = Instant::now();
    let reads = join_all((0..50).map(|_| store.cluster(&key, Freshness::Live))).await;
    assert!(reads.iter().all(|read| matches!(read, Ok(Some(_)))));
    // At most ten at once, the others fifty milliseconds apart.
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(wire.most_open() <= 3, "{} at once", wire.most_open());
}

async fn what_the_server_asks_for_is_obeyed(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    server.create(manifest(&key)).await;
    wire.fault(
        Fault::Answer(429, Some(2), "slow down".to_owned()),
        |_, uri| uri.path().ends_with("/demo"),
    );
    let refused = store
        .cluster(&key, Freshness::Live)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("to be asked again in 2 s"), "{refused}");
    wire.heal();
    let began = Instant::now();
    live(&store, &key).await;
    assert!(
        began.elapsed() >= Duration::from_millis(1900),
        "{:?}",
        began.elapsed()
    );
    // And no longer than that.
    let began = Instant::now();
    live(&store, &key).await;
    assert!(
        began.elapsed() < Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
}
