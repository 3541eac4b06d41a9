//! Secrets that were read, and for how long what was read holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::version::reached;
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// What nobody asked for in this time is wiped.
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// How long it holds that a Secret is not there, where nobody tells when one comes: whoever has just made it waits.
const ABSENCE_HOLDS: Duration = Duration::from_secs(5);

/// Values by key, wiped when they are dropped.
#[derive(Debug)]
pub(crate) struct SecretCache {
    entries: BTreeMap<ObjectKey, Entry>,
    /// The versions that a watch tells, where one may watch.
    versions: BTreeMap<ObjectKey, String>,
    swept: Instant,
    max_age: Duration,
}

/// Whether what was read still holds.
#[derive(Debug)]
pub(crate) enum Holds {
    /// It does: this, or that there is none.
    Yes(Option<Arc<SecretObject>>),
    /// It is not known any more.
    No,
}

#[derive(Debug)]
struct Entry {
    secret: Option<Arc<SecretObject>>,
    read: Instant,
    used: Instant,
}

// === impl SecretCache ===

impl SecretCache {
    pub(crate) fn new(max_age: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            versions: BTreeMap::new(),
            swept: Instant::now(),
            max_age,
        }
    }

    /// What was read, if it still holds. `told`: a watch of the versions is complete and makes progress.
    pub(crate) fn get(&mut self, key: &ObjectKey, told: bool, now: Instant) -> Holds {
        let version = self.versions.get(key);
        let Some(entry) = self.entries.get_mut(key) else {
            return Holds::No;
        };
        let age = now.duration_since(entry.read);
        let holds = match (&entry.secret, version) {
            (Some(secret), Some(version)) if told => {
                reached(secret.metadata.resource_version.as_deref(), Some(version))
            }
            (None, Some(_)) if told => false,
            (None, None) if told => true,
            // Either our own, which the watch has not told of yet, or one that has gone.
            (Some(_), _) => age < self.max_age,
            (None, _) => age < ABSENCE_HOLDS.min(self.max_age),
        };
        if !holds {
            return Holds::No;
        }
        entry.used = now;
        Holds::Yes(entry.secret.clone())
    }

    /// The Secret in exactly this version, if it was read.
    pub(crate) fn in_version(&self, key: &ObjectKey, version: &str) -> Option<Arc<SecretObject>> {
        let secret = self.entries.get(key)?.secret.as_ref()?;
        (secret.metadata.resource_version.as_deref() == Some(version)).then(|| secret.clone())
    }

    /// What the server has answered.
    pub(crate) fn put(&mut self, key: &ObjectKey, secret: Option<Arc<SecretObject>>, now: Instant) {
        let newer_here = self.entries.get(key).is_some_and(|entry| {
            matches!((&entry.secret, &secret), (Some(known), Some(read))
                if known.metadata.resource_version != read.metadata.resource_version
                    && reached(known.metadata.resource_version.as_deref(), read.metadata.resource_version.as_deref()))
        });
        if newer_here {
            return;
        }
        let entry = Entry {
            secret,
            read: now,
            used: now,
        };
        self.entries.insert(key.clone(), entry);
        if now.duration_since(self.swept) > FORGET_AFTER / 10 {
            self.swept = now;
            self.entries
                .retain(|_, entry| now.duration_since(entry.used) < FORGET_AFTER);
        }
    }

    /// A write was refused, or nobody knows what it did.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.entries.remove(key);
    }

    /// The watch tells a version. Returns whether that is news.
    pub(crate) fn told(&mut self, key: ObjectKey, version: String) -> bool {
        self.versions.insert(key, version.clone()) != Some(version)
    }

    /// The watch tells that a Secret is gone.
    pub(crate) fn told_gone(&mut self, key: &ObjectKey) -> bool {
        self.entries.remove(key);
        self.versions.remove(key).is_some()
    }

    /// The Secrets that the watch knows.
    pub(crate) fn known(&self) -> impl Iterator<Item = &ObjectKey> {
        self.versions.keys()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const MAX_AGE: Duration = Duration::from_secs(30);

    fn secret(version: &str) -> Arc<SecretObject> {
        let mut secret = SecretObject::named(&key());
        secret.metadata.resource_version = Some(version.to_owned());
        Arc::new(secret)
    }

    fn key() -> ObjectKey {
        ObjectKey::new("video", "demo")
    }

    /// The version that the cache answers with.
    fn answer(cache: &mut SecretCache, told: bool, now: Instant) -> String {
        match cache.get(&key(), told, now) {
            Holds::Yes(Some(secret)) => secret.metadata.resource_version.clone().unwrap(),
            Holds::Yes(None) => "absent".to_owned(),
            Holds::No => "unknown".to_owned(),
        }
    }

    #[tokio::test]
    async fn without_a_watch_age_decides() {
        let start = Instant::now();
        let mut cache = SecretCache::new(MAX_AGE);
        assert_eq!(answer(&mut cache, false, start), "unknown");
        cache.put(&key(), Some(secret("7")), start);
        assert_eq!(answer(&mut cache, false, start + MAX_AGE / 2), "7");
        assert_eq!(answer(&mut cache, false, start + MAX_AGE), "unknown");
        cache.put(&key(), None, start);
        assert_eq!(answer(&mut cache, false, start), "absent");
        assert_eq!(answer(&mut cache, false, start + ABSENCE_HOLDS), "unknown");
    }

    #[tokio::test]
    async fn with_a_watch_the_version_decides() {
        let start = Instant::now();
        let later = start + 3 * MAX_AGE;
        let mut cache = SecretCache::new(MAX_AGE);
        cache.put(&key(), Some(secret("7")), start);
        assert!(cache.told(key(), "7".to_owned()));
        assert_eq!(answer(&mut cache, true, later), "7");
        // The watch stands still.
        assert_eq!(answer(&mut cache, false, later), "unknown");
        // Rotated by somebody else: read anew.
        assert!(cache.told(key(), "9".to_owned()));
        assert_eq!(answer(&mut cache, true, start), "unknown");
        // Written by us, and the watch is behind.
        cache.put(&key(), Some(secret("12")), start);
        assert_eq!(answer(&mut cache, true, later), "12");
        // An answer that was overtaken does not bring the old values back.
        cache.put(&key(), Some(secret("9")), start);
        assert_eq!(answer(&mut cache, true, start), "12");
        assert!(cache.told_gone(&key()));
        assert_eq!(answer(&mut cache, true, start), "unknown");
    }

    #[tokio::test]
    async fn what_nobody_asks_for_is_wiped() {
        let start = Instant::now();
        let mut cache = SecretCache::new(MAX_AGE);
        cache.put(&key(), Some(secret("7")), start);
        let other = key().sibling("other");
        cache.put(&other, Some(secret("8")), start + FORGET_AFTER);
        assert_eq!(cache.entries.len(), 1);
    }
}
