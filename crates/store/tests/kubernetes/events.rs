//! Events: told to people, never in anybody's way. That repeats join a series is in the conformance suite.

use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use ovo_store::{ClusterEvent, EventType, ObjectKey, ObjectReference, Store};

use crate::cases::{cases, run};
use crate::server::{Server, until};
use crate::wire::Fault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events() {
    let server = Server::start().await;
    let cases = cases![
        a_storm_is_written_slowly_and_nobody_waits,
        one_that_cannot_be_written_is_only_logged,
        a_series_whose_event_is_gone_begins_anew,
    ];
    run(&server, cases).await;
}

fn event(key: &ObjectKey, note: &str) -> ClusterEvent {
    ClusterEvent {
        event_type: EventType::Warning,
        reason: "NodeFailed".to_owned(),
        note: note.to_owned(),
        regarding: ObjectReference {
            kind: "OpenViduNode".to_owned(),
            key: key.clone(),
            uid: "0b5b2ad1-0000-4000-8000-000000000000".to_owned(),
        },
        at: Timestamp::now(),
    }
}

async fn seen(server: &Server, key: &ObjectKey) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(server.admin().await, &key.namespace);
    events.list(&ListParams::default()).await.unwrap().items
}

async fn a_storm_is_written_slowly_and_nobody_waits(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    wire.calls();
    let began = Instant::now();
    for _ in 0..100 {
        for n in 0..40 {
            store
                .record_event(event(&key, &format!("storm {n}")))
                .await
                .unwrap();
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    store.flush_events(Duration::from_secs(30)).await;
    // Forty objects; of the four thousand events those that came while one was being written joined it.
    let seen = seen(&server, &key).await;
    assert_eq!(seen.len(), 40);
    let told: i32 = seen
        .iter()
        .map(|event| event.series.as_ref().map_or(1, |series| series.count))
        .sum();
    assert_eq!(told, 4000);
    let calls = wire.calls().len();
    assert!(calls <= 82, "{calls} calls");
    // Twenty at once, the others a tenth of a second apart.
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

async fn one_that_cannot_be_written_is_only_logged(server: Server, key: ObjectKey) {
    let (store, wire) = server.store().await;
    wire.fault(Fault::Answer(500, None, "no".to_owned()), |_, uri| {
        uri.path().contains("/events")
    });
    store.record_event(event(&key, "lost")).await.unwrap();
    store.flush_events(Duration::from_secs(10)).await;
    wire.heal();
    store.record_event(event(&key, "kept")).await.unwrap();
    until("the next one", async || {
        let seen = seen(&server, &key).await;
        seen.len() == 1 && seen[0].note.as_deref() == Some("kept")
    })
    .await;
}

async fn a_series_whose_event_is_gone_begins_anew(server: Server, key: ObjectKey) {
    let (store, _wire) = server.store().await;
    for round in 1..=3 {
        store.record_event(event(&key, "again")).await.unwrap();
        store.flush_events(Duration::from_secs(10)).await;
        let seen = seen(&server, &key).await;
        let counts: Vec<_> = seen
            .iter()
            .map(|event| event.series.as_ref().map(|series| series.count))
            .collect();
        assert_eq!(
            counts,
            [if round == 2 { Some(2) } else { None }],
            "round {round}"
        );
        if round == 2 {
            // As the server itself does after an hour.
            let events: Api<Event> = Api::namespaced(server.admin().await, &key.namespace);
            let name = seen[0].metadata.name.clone().unwrap();
            events
                .delete(&name, &DeleteParams::default())
                .await
                .unwrap();
        }
    }
}
