//! Which events repeat each other, in a bounded memory.

use std::collections::{BTreeMap, VecDeque};

use k8s_openapi::jiff::Timestamp;

use crate::event::{ClusterEvent, EventType, MAX_NOTE_BYTES, ObjectReference, SERIES_WINDOW_MS};

/// How many different events may wait to be written. A busy day makes some hundreds.
const MOST_WAITING: usize = 512;
/// How many series are remembered; the one that was told longest ago goes first. Forgetting one costs a second event.
const MOST_SERIES: usize = 2048;

/// What makes two events repeats of each other.
pub(crate) type Key = (ObjectReference, EventType, String, String);

/// Events that wait, and series that were begun.
#[derive(Debug, Default)]
pub(crate) struct Series {
    order: VecDeque<Key>,
    waiting: BTreeMap<Key, Waiting>,
    begun: BTreeMap<Key, Begun>,
    dropped: u64,
}

/// An event that waits: repeats meanwhile cost nothing.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) event: ClusterEvent,
    pub(crate) times: u32,
    pub(crate) last: Timestamp,
}

/// A series that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Name of the event object.
    pub(crate) name: String,
    pub(crate) count: u32,
    pub(crate) last: Timestamp,
}

// === impl Series ===

impl Series {
    /// Takes an event in; `false` where too many wait.
    pub(crate) fn add(&mut self, mut event: ClusterEvent) -> bool {
        let end = event.note.floor_char_boundary(MAX_NOTE_BYTES);
        event.note.truncate(end);
        let key = key(&event);
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.times = waiting.times.saturating_add(1);
            waiting.last = waiting.last.max(event.at);
            return true;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.dropped += 1;
            return false;
        }
        self.order.push_back(key.clone());
        let last = event.at;
        let waiting = Waiting {
            event,
            times: 1,
            last,
        };
        self.waiting.insert(key, waiting);
        true
    }

    /// The event that has waited longest, and the series that it joins.
    pub(crate) fn next(&mut self) -> Option<(Key, Waiting, Option<Begun>)> {
        let key = self.order.pop_front()?;
        let waiting = self.waiting.remove(&key)?;
        let begun = self.begun.get(&key).filter(|begun| {
            let age = waiting.event.at.as_millisecond() - begun.last.as_millisecond();
            age < SERIES_WINDOW_MS
        });
        let begun = begun.cloned();
        Some((key, waiting, begun))
    }

    /// An event was written.
    pub(crate) fn written(&mut self, key: Key, begun: Begun) {
        let now = begun.last.as_millisecond();
        self.begun.insert(key, begun);
        if self.begun.len() > MOST_SERIES {
            self.begun
                .retain(|_, begun| now - begun.last.as_millisecond() < SERIES_WINDOW_MS);
        }
        if self.begun.len() > MOST_SERIES {
            let oldest = self.begun.iter().min_by_key(|(_, begun)| begun.last);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.begun.remove(&key);
            }
        }
    }

    /// The event object of a series is not there any more.
    pub(crate) fn ended(&mut self, key: &Key) {
        self.begun.remove(key);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many were dropped since the last time this was asked.
    pub(crate) fn dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

fn key(event: &ClusterEvent) -> Key {
    (
        event.regarding.clone(),
        event.event_type,
        event.reason.clone(),
        event.note.clone(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::key::ObjectKey;

    fn event(note: &str, at: i64) -> ClusterEvent {
        ClusterEvent {
            event_type: EventType::Normal,
            reason: "ScaledOut".to_owned(),
            note: note.to_owned(),
            regarding: ObjectReference {
                kind: "OpenViduCluster".to_owned(),
                key: ObjectKey::new("video", "demo"),
                uid: String::new(),
            },
            at: Timestamp::from_millisecond(at).unwrap(),
        }
    }

    fn begun(at: i64) -> Begun {
        Begun {
            name: "demo.1".to_owned(),
            count: 1,
            last: Timestamp::from_millisecond(at).unwrap(),
        }
    }

    #[test]
    fn repeats_that_wait_are_one() {
        let mut series = Series::default();
        for (note, at) in [("one", 1), ("two", 2), ("one", 3)] {
            assert!(series.add(event(note, at)));
        }
        let (key, first, joins) = series.next().unwrap();
        assert_eq!(
            (first.event.note.as_str(), first.times, joins),
            ("one", 2, None)
        );
        series.written(key, begun(3));
        assert_eq!(series.next().unwrap().1.event.note, "two");
        assert!(series.next().is_none());
        // Within six minutes of the last one, and after them.
        series.add(event("one", 3 + SERIES_WINDOW_MS - 1));
        assert_eq!(series.next().unwrap().2, Some(begun(3)));
        series.add(event("one", 3 + SERIES_WINDOW_MS));
        assert_eq!(series.next().unwrap().2, None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut series = Series::default();
        let taken = (0..2 * MOST_WAITING).filter(|n| series.add(event(&n.to_string(), 1)));
        assert_eq!(taken.count(), MOST_WAITING);
        assert_eq!(series.dropped(), MOST_WAITING as u64);
        assert_eq!(series.dropped(), 0);
        while let Some((key, ..)) = series.next() {
            series.written(key, begun(1));
        }
        for n in 0..2 * MOST_SERIES {
            series.add(event(&format!("more {n}"), 2));
            let (key, ..) = series.next().unwrap();
            series.written(key, begun(2));
        }
        assert_eq!(series.begun.len(), MOST_SERIES);
    }
}
