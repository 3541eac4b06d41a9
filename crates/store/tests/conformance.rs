//! The conformance suite over the embedded adapter: in memory, in memory as on disk, and on disk.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::EmbeddedBed;
use ovo_store::conformance::failures;
use ovo_store::{Embedded, EmbeddedOptions, SystemClock};

#[tokio::test]
async fn in_memory() {
    let bed = EmbeddedBed::new(Embedded::in_memory(SystemClock, 1));
    assert_eq!(failures(&bed).await, []);
}

#[tokio::test]
async fn in_memory_exact() {
    let bed = EmbeddedBed::new(Embedded::in_memory_exact(SystemClock, 1));
    assert_eq!(failures(&bed).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions::new(
        folder.path().join("store.redb"),
        folder.path().join("secrets"),
    );
    let store = Embedded::open(options, SystemClock).unwrap();
    store
        .sync_secrets(Vec::new(), BTreeSet::new())
        .await
        .unwrap();
    let bed = EmbeddedBed::new(store);
    assert_eq!(failures(&bed).await, []);
}
