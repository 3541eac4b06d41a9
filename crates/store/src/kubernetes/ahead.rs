//! What this process knows of objects before its watch does: what it wrote and got an answer for, and what it read
//! live. Without that it would act on objects older than its own writes, and write them again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::kind::Kind;
use super::version::reached;
use crate::embedded::object::is_gone;
use crate::key::ObjectKey;

/// How long it is remembered that an object is gone where no watch tells. No watch goes on from where it was an hour
/// ago: a server that has forgotten what happened since makes it list anew.
const GONE_FOR: Duration = Duration::from_hours(1);

/// Objects by key that the watch has not delivered yet.
#[derive(Debug)]
pub(crate) struct Ahead<K> {
    entries: BTreeMap<ObjectKey, Entry<K>>,
}

#[derive(Debug)]
struct Entry<K> {
    what: What<K>,
    at: Instant,
}

#[derive(Clone, Debug)]
pub(crate) enum What<K> {
    /// The object as it was answered.
    There(Arc<K>),
    /// The object with this uid is gone for good. It was last seen in this version.
    Gone { uid: String, version: String },
}

/// What is known ahead of the watch.
pub(crate) enum Known<K> {
    /// Nothing: the watch has the last word.
    Nothing,
    /// This.
    What(What<K>),
    /// Something, but the watch has not delivered it in time: it may have been deleted by somebody else in a gap of
    /// the watch. Only the server knows.
    AskServer,
}

// === impl Ahead ===

impl<K: Kind> Ahead<K> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }

    /// An answer told how the object is. `reflected` is the version that the watch has of it.
    pub(crate) fn learn(&mut self, object: &Arc<K>, reflected: Option<&str>, now: Instant) {
        let meta = object.meta();
        if is_gone(meta) {
            self.learn_gone(object, now);
            return;
        }
        let version = meta.resource_version.as_deref();
        let caught_up = |other: &str| reached(Some(other), version);
        let newer_here = self
            .entries
            .get(&ObjectKey::of(&**object))
            .is_some_and(|entry| match &entry.what {
                What::There(known) => reached(known.meta().resource_version.as_deref(), version),
                What::Gone { .. } => !entry.what.is_succeeded_by(meta.uid.as_deref(), version),
            });
        if newer_here || reflected.is_some_and(caught_up) {
            return;
        }
        let what = What::There(object.clone());
        self.entries
            .insert(ObjectKey::of(&**object), Entry { what, at: now });
    }

    /// An answer told that this object, as it was last seen, is gone.
    pub(crate) fn learn_gone(&mut self, last: &Arc<K>, now: Instant) {
        let key = ObjectKey::of(&**last);
        let last = What::There(last.clone());
        if self
            .entries
            .get(&key)
            .is_some_and(|entry| entry.what.is_after(&last))
        {
            return;
        }
        // Where the watch was faster than the answer it has told already, and nothing else removes the entry.
        self.entries.retain(|_, entry| {
            matches!(entry.what, What::There(_)) || now.duration_since(entry.at) < GONE_FOR
        });
        let what = last.gone();
        self.entries.insert(key, Entry { what, at: now });
    }

    /// The watch delivered an object.
    pub(crate) fn delivered(&mut self, key: &ObjectKey, uid: Option<&str>, version: Option<&str>) {
        let over = self
            .entries
            .get(key)
            .is_some_and(|entry| match &entry.what {
                What::There(known) => reached(version, known.meta().resource_version.as_deref()),
                What::Gone { .. } => entry.what.is_succeeded_by(uid, version),
            });
        if over {
            self.entries.remove(key);
        }
    }

    /// The watch delivered that an object is gone.
    pub(crate) fn delivered_gone(&mut self, key: &ObjectKey, uid: Option<&str>) {
        let over = self
            .entries
            .get(key)
            .is_some_and(|entry| match &entry.what {
                What::There(known) => known.meta().uid.as_deref() == uid,
                What::Gone { uid: gone, .. } => uid == Some(gone),
            });
        if over {
            self.entries.remove(key);
        }
    }

    /// A list that was begun at this moment is complete: whatever was known before stands in it, or is gone.
    pub(crate) fn listed(&mut self, begun: Instant) {
        self.entries.retain(|_, entry| entry.at >= begun);
    }

    pub(crate) fn get(&self, key: &ObjectKey, now: Instant, catch_up: Duration) -> Known<K> {
        match self.entries.get(key) {
            None => Known::Nothing,
            Some(entry) if now.duration_since(entry.at) >= catch_up => Known::AskServer,
            Some(entry) => Known::What(entry.what.clone()),
        }
    }

    /// A live read that was begun at this moment has found the object: whatever was known before is known better now.
    pub(crate) fn asked_there(&mut self, key: &ObjectKey, begun: Instant) {
        if self.entries.get(key).is_some_and(|entry| entry.at < begun) {
            self.entries.remove(key);
        }
    }

    /// A live read that was begun at this moment has found nothing: what was known before is gone. What is known to be
    /// gone stays so, or a watch that is behind would bring it back.
    pub(crate) fn asked_gone(&mut self, key: &ObjectKey, begun: Instant, now: Instant) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.at < begun
        {
            entry.what = entry.what.gone();
            entry.at = now;
        }
    }

    /// One that is there, however long ago that was learned.
    pub(crate) fn at(&self, key: &ObjectKey) -> Option<&Arc<K>> {
        match &self.entries.get(key)?.what {
            What::There(object) => Some(object),
            What::Gone { .. } => None,
        }
    }

    /// All that are there, however long ago that was learned.
    pub(crate) fn there(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<K>)> {
        let entries = self.entries.iter();
        entries.filter_map(|(key, entry)| match &entry.what {
            What::There(object) => Some((key, object)),
            What::Gone { .. } => None,
        })
    }

    /// Whether the object is gone, however long ago that was learned.
    pub(crate) fn is_gone(&self, key: &ObjectKey) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| matches!(entry.what, What::Gone { .. }))
    }
}

// === impl What ===

impl<K: Kind> What<K> {
    fn uid(&self) -> Option<&str> {
        match self {
            Self::There(object) => object.meta().uid.as_deref(),
            Self::Gone { uid, .. } => Some(uid),
        }
    }

    fn version(&self) -> Option<&str> {
        match self {
            Self::There(object) => object.meta().resource_version.as_deref(),
            Self::Gone { version, .. } => Some(version),
        }
    }

    /// That this is gone.
    fn gone(&self) -> Self {
        Self::Gone {
            uid: self.uid().unwrap_or_default().to_owned(),
            version: self.version().unwrap_or_default().to_owned(),
        }
    }

    /// Whether an object in this version took the name of this one. One that had the name before did not, and a watch
    /// that is behind may deliver that too.
    fn is_succeeded_by(&self, uid: Option<&str>, version: Option<&str>) -> bool {
        uid != self.uid() && reached(version, self.version())
    }

    /// Whether this took the name of another one.
    fn is_after(&self, other: &Self) -> bool {
        other.is_succeeded_by(self.uid(), self.version())
    }
}
