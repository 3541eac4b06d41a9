//! What a status write costs in each mode, against plain encoding of the same object: `cargo bench -p ovo-store`.
#![allow(clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ovo_api::OpenViduCluster;
use ovo_store::conformance::fixture;
use ovo_store::{Embedded, EmbeddedOptions, ObjectKey, Store, SystemClock};

async fn per_write(store: &Embedded, rounds: u32) -> Duration {
    let key = ObjectKey::new("video", "demo");
    let mut cluster = common::apply(store, fixture::cluster(&key)).await.unwrap();
    let start = Instant::now();
    for round in 0..rounds {
        let mut next = OpenViduCluster::clone(&cluster);
        next.status.get_or_insert_default().summary = round.to_string();
        cluster = store.replace_cluster_status(&next).await.unwrap();
    }
    start.elapsed() / rounds
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions::new(
        folder.path().join("store.redb"),
        folder.path().join("secrets"),
    );
    let memory = Embedded::in_memory(SystemClock, 1);
    let fast = per_write(&memory, 200_000).await;
    let exact = per_write(&Embedded::in_memory_exact(SystemClock, 1), 2_000).await;
    let disk = per_write(&Embedded::open(options, SystemClock).unwrap(), 500).await;

    let cluster = memory
        .get_cluster(&ObjectKey::new("video", "demo"))
        .unwrap()
        .unwrap();
    let start = Instant::now();
    for _ in 0..20_000 {
        black_box(serde_json::to_vec(black_box(&*cluster)).unwrap());
    }
    let encode = start.elapsed() / 20_000;
    let ratio = |time: Duration| time.as_secs_f64() / encode.as_secs_f64();
    println!("encoding the object   {encode:?}");
    println!("write, in memory      {fast:?} ({:.2} x)", ratio(fast));
    println!("write, exact memory   {exact:?} ({:.2} x)", ratio(exact));
    println!("write, on disk        {disk:?} ({:.2} x)", ratio(disk));
}
