//! Events.

use k8s_openapi::jiff::Timestamp;

use super::fixture::cluster;
use super::{Bed, Verdict, ensure, ensure_eq, eventually, ok};
use crate::event::{ClusterEvent, EventType, MAX_NOTE_BYTES, ObjectReference};
use crate::key::ObjectKey;
use crate::port::Store;

const KIND: &str = "OpenViduCluster";

fn event(key: &ObjectKey, uid: &str, note: &str) -> ClusterEvent {
    ClusterEvent {
        event_type: EventType::Normal,
        reason: "ScaledOut".to_owned(),
        note: note.to_owned(),
        regarding: ObjectReference {
            kind: KIND.to_owned(),
            key: key.clone(),
            uid: uid.to_owned(),
        },
        at: Timestamp::now(),
    }
}

pub(super) async fn repeats_join_a_series<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let uid = made.metadata.uid.clone().unwrap_or_default();
    for note in ["from 2 to 3", "from 2 to 3", "from 3 to 4", "from 2 to 3"] {
        ok!(bed.store().record_event(event(key, &uid, note)).await);
    }
    eventually("two events, one of them a series of three", || async {
        let seen = bed.events(key, KIND).await;
        let mut counts: Vec<_> = seen
            .iter()
            .map(|event| (event.note.as_str(), event.count))
            .collect();
        counts.sort_unstable();
        counts == [("from 2 to 3", 3), ("from 3 to 4", 1)]
    })
    .await?;
    let other = bed.events(&key.sibling("other"), KIND).await;
    ensure_eq!(other, vec![], "events about another cluster");
    Ok(())
}

pub(super) async fn a_long_note_is_cut<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let uid = made.metadata.uid.clone().unwrap_or_default();
    // A character of three bytes that does not fall on the limit.
    let long = "x".to_owned() + &"€".repeat(MAX_NOTE_BYTES);
    ok!(bed.store().record_event(event(key, &uid, &long)).await);
    eventually("the event", || async {
        bed.events(key, KIND).await.len() == 1
    })
    .await?;
    let seen = bed.events(key, KIND).await;
    let note = seen
        .first()
        .map(|event| event.note.clone())
        .unwrap_or_default();
    ensure!(
        note.len() <= MAX_NOTE_BYTES && note.len() > MAX_NOTE_BYTES - 4 && long.starts_with(&note),
        "{} bytes",
        note.len()
    );
    Ok(())
}
