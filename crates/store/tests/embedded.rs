//! What only the embedded store promises.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::StreamExt as _;
use k8s_openapi::jiff::Timestamp;
use ovo_api::OpenViduCluster;
use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_store::conformance::fixture;
use ovo_store::embedded::{Applied, MAX_EVENTS};
use ovo_store::event::SERIES_WINDOW_MS;
use ovo_store::{
    ClusterEvent, Embedded, EventType, Freshness, ObjectKey, ObjectReference, Store, StoreError,
};

const NOW: i64 = 1_800_000_000_000;

fn key() -> ObjectKey {
    ObjectKey::new("video", "demo")
}

fn event(note: &str, at: i64) -> ClusterEvent {
    ClusterEvent {
        event_type: EventType::Normal,
        reason: "ScaledOut".to_owned(),
        note: note.to_owned(),
        regarding: ObjectReference {
            kind: "OpenViduCluster".to_owned(),
            key: key(),
            uid: String::new(),
        },
        at: Timestamp::from_millisecond(at).unwrap(),
    }
}

#[tokio::test]
async fn time_comes_from_the_clock_in_whole_seconds() {
    let time = Arc::new(AtomicI64::new(NOW + 999));
    let clock = time.clone();
    let store = Embedded::in_memory(move || clock.load(Ordering::Relaxed), 1);
    let made = common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    let created = made.metadata.creation_timestamp.as_ref().unwrap();
    assert_eq!(created.0.as_millisecond(), NOW);
    let version = made.metadata.resource_version.clone().unwrap();
    store
        .set_cluster_finalizers(&key(), &version, vec!["a/b".to_owned()])
        .await
        .unwrap();
    time.store(NOW + 60_000, Ordering::Relaxed);
    let deleted = store.delete_cluster(&key()).await.unwrap();
    let at = deleted.metadata.deletion_timestamp.as_ref().unwrap();
    assert_eq!(at.0.as_millisecond(), NOW + 60_000);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_uids() {
    let mut uids = Vec::new();
    for seed in [7, 7, 8] {
        let store = Embedded::in_memory(|| NOW, seed);
        let made = common::apply(&store, fixture::cluster(&key()))
            .await
            .unwrap();
        uids.push(made.metadata.uid.clone().unwrap());
    }
    assert_eq!(uids[0], uids[1]);
    assert_ne!(uids[0], uids[2]);
}

#[tokio::test]
async fn writes_count_what_had_an_effect() {
    let store = Embedded::in_memory(|| NOW, 1);
    let made = common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    let before = store.writes();
    store.replace_cluster_status(&made).await.unwrap();
    store
        .set_cluster_annotation(&key(), "a", None)
        .await
        .unwrap();
    common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    assert_eq!(store.writes(), before);
    store
        .set_cluster_annotation(&key(), "a", Some("b"))
        .await
        .unwrap();
    assert_eq!(store.writes(), before + 1);
}

#[tokio::test]
async fn a_series_ends_when_nothing_joins_it_for_its_window() {
    let store = Embedded::in_memory(|| NOW, 1);
    for at in [
        NOW,
        NOW + SERIES_WINDOW_MS - 1,
        NOW + 2 * (SERIES_WINDOW_MS - 1),
        NOW + 3 * SERIES_WINDOW_MS,
    ] {
        store.record_event(event("from 2 to 3", at)).await.unwrap();
    }
    let seen = store.events(&key(), "OpenViduCluster");
    let counts: Vec<_> = seen.iter().map(|event| event.count).collect();
    assert_eq!(counts, [3, 1]);
    assert_eq!(
        seen[0].last.as_millisecond(),
        NOW + 2 * (SERIES_WINDOW_MS - 1)
    );
}

#[tokio::test]
async fn old_events_make_room_for_new_ones() {
    let store = Embedded::in_memory(|| NOW, 1);
    for number in 0..MAX_EVENTS + 10 {
        store
            .record_event(event(&format!("number {number}"), NOW))
            .await
            .unwrap();
    }
    let seen = store.events(&key(), "OpenViduCluster");
    assert_eq!(seen.len(), MAX_EVENTS);
    assert_eq!(seen[0].event.note, "number 10");
    // A repeat of one that was dropped is an event of its own again.
    store.record_event(event("number 0", NOW)).await.unwrap();
    assert_eq!(
        store
            .events(&key(), "OpenViduCluster")
            .last()
            .unwrap()
            .count,
        1
    );
}

#[tokio::test]
async fn a_status_that_breaks_the_schema_is_refused() {
    let store = Embedded::in_memory_exact(|| NOW, 1);
    let made = common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    let mut request = OpenViduCluster::clone(&made);
    request.status.get_or_insert_default().applied_config_keys = vec!["KEY".to_owned(); 513];
    let error = store.replace_cluster_status(&request).await.unwrap_err();
    assert!(
        error.to_string().contains("status.appliedConfigKeys"),
        "{error}"
    );
    request
        .status
        .get_or_insert_default()
        .applied_config_keys
        .truncate(512);
    store.replace_cluster_status(&request).await.unwrap();
}

#[tokio::test]
async fn an_object_over_the_limit_is_refused() {
    let store = Embedded::in_memory_exact(|| NOW, 1);
    let made = common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    let mut request = OpenViduCluster::clone(&made);
    request.status.get_or_insert_default().summary = "x".repeat(2 * 1024 * 1024);
    let error = store.replace_cluster_status(&request).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn the_intent_of_a_newer_release_is_not_overwritten() {
    let store = Embedded::in_memory(|| NOW, 1);
    let made = common::apply(&store, fixture::cluster(&key()))
        .await
        .unwrap();
    let mut newer = OpenViduCluster::clone(&made);
    let status = newer.status.get_or_insert_default();
    status.intent.get_or_insert_default().format_version = INTENT_FORMAT_VERSION + 1;
    let newer = store.replace_cluster_status(&newer).await.unwrap();
    let mut request = OpenViduCluster::clone(&newer);
    request.status = None;
    let error = store.replace_cluster_status(&request).await.unwrap_err();
    assert!(
        matches!(error, StoreError::FormatTooNew { .. }),
        "{error:?}"
    );
    assert_eq!(store.get_cluster(&key()).unwrap(), Some(newer));
}

#[tokio::test]
async fn hints_end_with_the_store_and_merge_before() {
    let store = Embedded::in_memory(|| NOW, 1);
    let mut hints = store.watch();
    for value in ["1", "2", "3"] {
        common::apply(&store, fixture::cluster(&key()))
            .await
            .unwrap();
        store
            .set_cluster_annotation(&key(), "a", Some(value))
            .await
            .unwrap();
    }
    drop(store);
    assert_eq!(hints.next().await, Some(key()));
    assert_eq!(hints.next().await, None);
}

/// What memory keeps as it is given is what a file would have kept: the whole life of a cluster, object by object.
#[tokio::test]
async fn memory_and_exact_memory_keep_the_same_objects() {
    let stores = [
        Embedded::in_memory(|| NOW, 1),
        Embedded::in_memory_exact(|| NOW, 1),
    ];
    let mut ends = Vec::new();
    for store in &stores {
        let manifest = common::manifest(fixture::cluster(&key()));
        assert!(matches!(
            store.apply(manifest).await.unwrap(),
            Applied::Created(_)
        ));
        for machine in ["w1", "w2"] {
            store
                .create_node(fixture::node(&key(), machine))
                .await
                .unwrap();
        }
        let cluster = store
            .cluster(&key(), Freshness::Live)
            .await
            .unwrap()
            .unwrap();
        let mut next = OpenViduCluster::clone(&cluster);
        next.status.get_or_insert_default().summary = "all is well".to_owned();
        store.replace_cluster_status(&next).await.unwrap();
        let cluster = store.get_cluster(&key()).unwrap().unwrap();
        ends.push((cluster, store.list_nodes()));
    }
    assert_eq!(ends[0], ends[1]);
}
