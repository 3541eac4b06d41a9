//! The log of events: a bounded ring in which repeats join a series.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{ClusterEvent, EventType, MAX_NOTE_BYTES, ObjectReference, SERIES_WINDOW_MS};
use crate::key::ObjectKey;

/// How many events are kept; the oldest go first. A busy day makes some hundreds.
pub const MAX_EVENTS: usize = 2048;

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedEvent {
    /// As it was first recorded.
    #[serde(flatten)]
    pub event: ClusterEvent,
    /// How often it was recorded.
    pub count: u32,
    /// When it was last recorded.
    pub last: Timestamp,
}

type Series = (ObjectReference, EventType, String, String);

/// Events by the order in which they were first recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventLog {
    events: BTreeMap<u64, RecordedEvent>,
    latest: BTreeMap<Series, u64>,
    by_object: BTreeMap<(ObjectKey, String), BTreeSet<u64>>,
}

/// What recording an event changes: one entry written, perhaps one dropped.
#[derive(Clone, Debug)]
pub(crate) struct EventChange {
    pub(crate) id: u64,
    pub(crate) event: RecordedEvent,
    pub(crate) dropped: Option<u64>,
}

// === impl EventLog ===

impl EventLog {
    /// What recording would change.
    pub(crate) fn record(&self, mut event: ClusterEvent) -> EventChange {
        cut(&mut event.note, MAX_NOTE_BYTES);
        let open = self.latest.get(&series(&event)).and_then(|id| {
            let known = self.events.get(id)?;
            let age = event.at.as_millisecond() - known.last.as_millisecond();
            (age < SERIES_WINDOW_MS).then_some((*id, known))
        });
        if let Some((id, known)) = open {
            let mut merged = known.clone();
            merged.count = merged.count.saturating_add(1);
            merged.last = merged.last.max(event.at);
            return EventChange {
                id,
                event: merged,
                dropped: None,
            };
        }
        let id = self.events.last_key_value().map_or(1, |(id, _)| id + 1);
        let dropped = (self.events.len() >= MAX_EVENTS)
            .then(|| self.events.first_key_value().map(|(id, _)| *id))
            .flatten();
        EventChange {
            id,
            event: RecordedEvent {
                count: 1,
                last: event.at,
                event,
            },
            dropped,
        }
    }

    /// Takes a change over.
    pub(crate) fn apply(&mut self, change: EventChange) {
        if let Some(old) = change
            .dropped
            .and_then(|id| self.events.remove(&id).map(|e| (id, e)))
        {
            self.forget(old.0, &old.1);
        }
        self.insert(change.id, change.event);
    }

    /// Puts an entry in, as when the log is read back.
    pub(crate) fn insert(&mut self, id: u64, event: RecordedEvent) {
        self.latest.insert(series(&event.event), id);
        self.by_object
            .entry(object(&event.event))
            .or_default()
            .insert(id);
        self.events.insert(id, event);
    }

    /// The events about an object, in the order in which they were first recorded.
    pub(crate) fn about(&self, key: &ObjectKey, kind: &str) -> Vec<RecordedEvent> {
        self.by_object
            .get(&(key.clone(), kind.to_owned()))
            .into_iter()
            .flatten()
            .filter_map(|id| self.events.get(id).cloned())
            .collect()
    }

    /// All events, in the order in which they were first recorded.
    pub(crate) fn all(&self) -> Vec<RecordedEvent> {
        self.events.values().cloned().collect()
    }

    fn forget(&mut self, id: u64, event: &RecordedEvent) {
        let series = series(&event.event);
        if self.latest.get(&series) == Some(&id) {
            self.latest.remove(&series);
        }
        let object = object(&event.event);
        if let Some(ids) = self.by_object.get_mut(&object) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_object.remove(&object);
            }
        }
    }
}

fn series(event: &ClusterEvent) -> Series {
    (
        event.regarding.clone(),
        event.event_type,
        event.reason.clone(),
        event.note.clone(),
    )
}

fn object(event: &ClusterEvent) -> (ObjectKey, String) {
    (event.regarding.key.clone(), event.regarding.kind.clone())
}

/// Cuts at a character's boundary.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
    }
}
