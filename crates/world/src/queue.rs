//! What is going to happen, and when.

use std::collections::BTreeMap;

use ovo_model::{Millis, Wall};
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// Events by time; those of the same moment happen in the order in which they were put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    #[serde(with = "crate::pairs")]
    events: BTreeMap<(Millis, u64), Event>,
    next: u64,
}

impl Queue {
    pub(crate) fn put(&mut self, at: Wall, event: Event) {
        self.events.insert((at.0, self.next), event);
        self.next += 1;
    }

    pub(crate) fn next(&self) -> Option<Wall> {
        self.events.first_key_value().map(|((at, _), _)| Wall(*at))
    }

    /// Takes the first event if it is due at `until`.
    pub(crate) fn take(&mut self, until: Wall) -> Option<(Wall, Event)> {
        let entry = self.events.first_entry()?;
        if entry.key().0 > until.0 {
            return None;
        }
        let ((at, _), event) = entry.remove_entry();
        Some((Wall(at), event))
    }
}
