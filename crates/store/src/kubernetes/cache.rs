//! The objects of one kind: what the watch delivered, and what is known ahead of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::watcher::Event;
use tokio::time::Instant;

use super::ahead::Ahead;
use super::kind::Kind;
use super::packed::{Packed, Packer};
use super::tolerant::{Malformed, Tolerant};
use crate::key::ObjectKey;

/// All objects of a kind in the scope that is watched.
#[derive(Debug)]
pub(crate) struct Cache<K> {
    pub(super) objects: BTreeMap<ObjectKey, Packed<K>>,
    packer: Packer,
    pub(super) malformed: BTreeMap<ObjectKey, Malformed>,
    /// Keys in `objects` by cluster.
    pub(super) members: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    pub(super) ahead: Ahead<K>,
    /// Clusters of which a write was refused, or may have had an effect that nobody knows: they are read live once.
    pub(super) doubted: BTreeSet<ObjectKey>,
    listing: Option<Listing>,
    pub(super) catch_up: Duration,
}

/// A list that is being taken over.
#[derive(Debug)]
struct Listing {
    begun: Instant,
    seen: BTreeSet<ObjectKey>,
}

/// What an event changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Clusters to look at.
    pub(crate) clusters: BTreeSet<ObjectKey>,
    /// An object that cannot be read and was not known as such.
    pub(crate) malformed: Option<Malformed>,
    /// Whether a list is complete.
    pub(crate) listed: bool,
}

// === impl Cache ===

impl<K: Kind> Cache<K> {
    pub(crate) fn new(catch_up: Duration) -> Self {
        Self {
            objects: BTreeMap::new(),
            packer: Packer::new(),
            malformed: BTreeMap::new(),
            members: BTreeMap::new(),
            ahead: Ahead::new(),
            doubted: BTreeSet::new(),
            listing: None,
            catch_up,
        }
    }

    /// The watch delivered something.
    pub(crate) fn take(&mut self, event: Event<Tolerant<K>>, now: Instant) -> Changes {
        let mut changes = Changes::default();
        match event {
            Event::Init => {
                self.listing = Some(Listing {
                    begun: now,
                    seen: BTreeSet::new(),
                });
            }
            Event::InitApply(object) => {
                if let Some(listing) = &mut self.listing {
                    listing.seen.insert(ObjectKey::of(&object));
                }
                self.put(object, &mut changes);
            }
            Event::Apply(object) => self.put(object, &mut changes),
            Event::Delete(object) => {
                let key = ObjectKey::of(&object);
                self.ahead
                    .delivered_gone(&key, kube::Resource::meta(&object).uid.as_deref());
                self.drop_object(&key, &mut changes);
            }
            Event::InitDone => {
                if let Some(listing) = self.listing.take() {
                    let known = self.objects.keys().chain(self.malformed.keys());
                    let gone: Vec<_> = known
                        .filter(|key| !listing.seen.contains(*key))
                        .cloned()
                        .collect();
                    for key in gone {
                        self.drop_object(&key, &mut changes);
                    }
                    self.ahead.listed(listing.begun);
                }
                changes.listed = true;
            }
        }
        changes
    }

    fn put(&mut self, object: Tolerant<K>, changes: &mut Changes) {
        let key = ObjectKey::of(&object);
        let meta = kube::Resource::meta(&object);
        let version = meta.resource_version.as_deref();
        self.ahead.delivered(&key, meta.uid.as_deref(), version);
        match object {
            Tolerant::Sound(object) => {
                self.malformed.remove(&key);
                let old = self.objects.get(&key);
                // A list brings again what has not changed.
                if old.is_some_and(|old| old.version() == object.meta().resource_version.as_deref())
                {
                    return;
                }
                let cluster = object.cluster();
                changes.clusters.insert(cluster.clone());
                if let Some(left) = old
                    .map(|old| old.cluster(&key))
                    .filter(|old| *old != cluster)
                {
                    self.leave(&left, &key);
                    changes.clusters.insert(left);
                }
                self.members.entry(cluster).or_default().insert(key.clone());
                self.objects.insert(key, self.packer.pack(*object));
            }
            Tolerant::Malformed(malformed) => {
                let news = self.malformed.get(&key) != Some(&*malformed);
                self.drop_object(&key, changes);
                self.malformed.insert(key, (*malformed).clone());
                changes.malformed = news.then_some(*malformed);
            }
        }
    }

    fn drop_object(&mut self, key: &ObjectKey, changes: &mut Changes) {
        self.malformed.remove(key);
        if let Some(old) = self.objects.remove(key) {
            let cluster = old.cluster(key);
            self.leave(&cluster, key);
            changes.clusters.insert(cluster);
        }
    }

    fn leave(&mut self, cluster: &ObjectKey, key: &ObjectKey) {
        if let Some(members) = self.members.get_mut(cluster) {
            members.remove(key);
            if members.is_empty() {
                self.members.remove(cluster);
            }
        }
    }

    /// An answer told how an object is.
    pub(crate) fn learn(&mut self, object: &Arc<K>, now: Instant) {
        let reflected = self.objects.get(&ObjectKey::of(&**object));
        let version = reflected.and_then(Packed::version);
        self.ahead.learn(object, version, now);
    }

    /// An answer told that an object, as it was last seen, is gone.
    pub(crate) fn learn_gone(&mut self, last: &Arc<K>, now: Instant) {
        self.ahead.learn_gone(last, now);
    }

    /// A write was refused, or nobody knows what it did.
    pub(crate) fn doubt(&mut self, cluster: ObjectKey) {
        self.doubted.insert(cluster);
    }

    /// A live read of one object that was begun at `begun` has answered. `before` is how it was last seen then.
    pub(crate) fn asked(
        &mut self,
        key: &ObjectKey,
        (begun, before): (Instant, Option<Arc<K>>),
        answer: Option<&Arc<K>>,
        now: Instant,
    ) {
        if let Some(object) = answer {
            self.ahead.asked_there(key, begun);
            self.learn(object, now);
            return;
        }
        self.ahead.asked_gone(key, begun, now);
        if let Some(last) = before {
            self.learn_gone(&last, now);
        }
    }

    /// The server has answered for a whole cluster: there is no doubt any more.
    pub(crate) fn settled(&mut self, cluster: &ObjectKey) {
        self.doubted.remove(cluster);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_api::OpenViduNode;

    use super::super::lookup::Lookup;
    use super::*;
    use crate::conformance::fixture::node;

    const CATCH_UP: Duration = Duration::from_secs(10);

    fn cluster() -> ObjectKey {
        ObjectKey::new("video", "demo")
    }

    fn event(machine: &str, phase: &str) -> Event<Tolerant<OpenViduNode>> {
        let mut raw = serde_json::to_value(node(&cluster(), machine)).unwrap();
        raw["status"]["phase"] = phase.into();
        Event::Apply(serde_json::from_value(raw).unwrap())
    }

    fn names(cache: &Cache<OpenViduNode>, now: Instant) -> Vec<String> {
        match cache.members(&cluster(), now) {
            Ok(Lookup::Found(nodes)) => {
                nodes.iter().map(|node| node.spec.machine.clone()).collect()
            }
            Ok(Lookup::AskServer) => vec!["ask".to_owned()],
            Err(error) => vec![error.to_string()],
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_read_is_told_once_and_hides_its_cluster_alone() {
        let now = Instant::now();
        let mut cache = Cache::new(CATCH_UP);
        cache.take(event("w1", "Serving"), now);
        assert!(cache.take(event("w2", "Dreaming"), now).malformed.is_some());
        assert!(cache.take(event("w2", "Dreaming"), now).malformed.is_none());
        assert!(names(&cache, now)[0].contains("status.phase"));
        let other = cluster().sibling("other");
        assert!(matches!(cache.members(&other, now), Ok(Lookup::Found(nodes)) if nodes.is_empty()));
        cache.take(event("w2", "Serving"), now);
        assert_eq!(names(&cache, now), ["w1", "w2"]);
        assert_eq!(cache.malformed(), []);
    }

    #[tokio::test]
    async fn a_doubt_is_settled_by_the_server_alone() {
        let now = Instant::now();
        let mut cache = Cache::new(CATCH_UP);
        cache.take(event("w1", "Serving"), now);
        cache.doubt(cluster());
        assert_eq!(names(&cache, now), ["ask"]);
        cache.take(event("w1", "Serving"), now);
        assert_eq!(names(&cache, now), ["ask"]);
        cache.settled(&cluster());
        assert_eq!(names(&cache, now), ["w1"]);
    }

    #[tokio::test]
    async fn a_list_that_brings_nothing_new_hints_nothing() {
        let now = Instant::now();
        let mut cache = Cache::new(CATCH_UP);
        let mut list = |machines: &[&str]| {
            let mut clusters = cache.take(Event::Init, now).clusters;
            for machine in machines {
                let Event::Apply(object) = event(machine, "Serving") else {
                    unreachable!("that is what `event` makes")
                };
                clusters.extend(cache.take(Event::InitApply(object), now).clusters);
            }
            clusters.extend(cache.take(Event::InitDone, now).clusters);
            clusters.len()
        };
        assert_eq!(list(&["w1", "w2"]), 1);
        assert_eq!(list(&["w1", "w2"]), 0);
        assert_eq!(list(&["w1"]), 1, "one that went");
    }
}
