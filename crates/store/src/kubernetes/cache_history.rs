//! Random histories against the cache: whatever order answers and events come in, what it says is never older than
//! what this process was answered, and in the end it says what is stored.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::watcher::Event;
use ovo_api::OpenViduNode;
use tokio::time::Instant;

use super::cache::Cache;
use super::lookup::Lookup;
use super::tolerant::Tolerant;
use crate::conformance::fixture::node;
use crate::key::ObjectKey;

const CATCH_UP: Duration = Duration::from_secs(10);
const MACHINES: [&str; 3] = ["w1", "w2", "w3"];

/// A model of the server: objects, versions, and the events that a watch still has to deliver.
struct World {
    random: fastrand::Rng,
    now: Instant,
    version: u64,
    stored: BTreeMap<ObjectKey, Arc<OpenViduNode>>,
    undelivered: VecDeque<Event<Tolerant<OpenViduNode>>>,
    /// What this process was answered last of each object: its uid and version, or the uid of what it saw go.
    answered: BTreeMap<ObjectKey, (String, Option<u64>)>,
    cache: Cache<OpenViduNode>,
}

fn cluster() -> ObjectKey {
    ObjectKey::new("video", "demo")
}

fn version(node: &OpenViduNode) -> u64 {
    node.metadata
        .resource_version
        .as_ref()
        .unwrap()
        .parse()
        .unwrap()
}

fn uid(node: &OpenViduNode) -> String {
    node.metadata.uid.clone().unwrap()
}

fn sound(node: &OpenViduNode) -> Tolerant<OpenViduNode> {
    Tolerant::Sound(Box::new(node.clone()))
}

// === impl World ===

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            now: Instant::now(),
            version: 1,
            stored: BTreeMap::new(),
            undelivered: VecDeque::new(),
            answered: BTreeMap::new(),
            cache: Cache::new(CATCH_UP),
        }
    }

    fn step(&mut self) {
        let machine = MACHINES[self.random.usize(..MACHINES.len())];
        let fresh = node(&cluster(), machine);
        let key = ObjectKey::of(&fresh);
        let ours = self.random.bool();
        self.now += Duration::from_millis(self.random.u64(0..3000));
        match self.random.u8(0..10) {
            0..4 => self.write(fresh, ours),
            4 => self.delete(&key, ours),
            5 => self.read(&key),
            6 => self.list(),
            _ => self.deliver(),
        }
        self.check();
    }

    /// Somebody makes an object or changes it.
    fn write(&mut self, mut fresh: OpenViduNode, ours: bool) {
        self.version += 1;
        let key = ObjectKey::of(&fresh);
        let old = self.stored.get(&key);
        fresh.metadata.uid =
            Some(old.map_or_else(|| format!("uid-{}", self.version), |old| uid(old)));
        fresh.metadata.resource_version = Some(self.version.to_string());
        let fresh = Arc::new(fresh);
        self.stored.insert(key.clone(), fresh.clone());
        self.undelivered.push_back(Event::Apply(sound(&fresh)));
        if ours {
            // The watch may be faster than the answer.
            while self.random.u8(0..4) == 0 && !self.undelivered.is_empty() {
                self.deliver();
            }
            self.cache.learn(&fresh, self.now);
            self.answered.insert(key, (uid(&fresh), Some(self.version)));
        }
    }

    fn delete(&mut self, key: &ObjectKey, ours: bool) {
        let Some(old) = self.stored.remove(key) else {
            return;
        };
        self.version += 1;
        let mut last = (*old).clone();
        last.metadata.resource_version = Some(self.version.to_string());
        self.undelivered.push_back(Event::Delete(sound(&last)));
        if ours {
            let known = self.cache.last_seen(key).unwrap_or(old.clone());
            let known = if uid(&known) == uid(&old) {
                known
            } else {
                old.clone()
            };
            self.cache.learn_gone(&known, self.now);
            self.answered.insert(key.clone(), (uid(&old), None));
        }
    }

    /// A live read.
    fn read(&mut self, key: &ObjectKey) {
        let before = (self.now, self.cache.last_seen(key));
        let stored = self.stored.get(key).cloned();
        self.now += Duration::from_millis(1);
        self.cache.asked(key, before, stored.as_ref(), self.now);
        if let Some(stored) = stored {
            self.answered
                .insert(key.clone(), (uid(&stored), Some(version(&stored))));
        }
    }

    /// The watch broke and lists anew; while the list is under way there are further writes.
    fn list(&mut self) {
        self.undelivered.clear();
        self.cache.take(Event::Init, self.now);
        self.now += Duration::from_millis(1);
        let listed: Vec<_> = self.stored.values().cloned().collect();
        for object in listed {
            self.cache.take(Event::InitApply(sound(&object)), self.now);
            if self.random.u8(0..3) == 0 {
                let machine = MACHINES[self.random.usize(..MACHINES.len())];
                self.write_during_list(node(&cluster(), machine));
            }
        }
        self.cache.take(Event::InitDone, self.now);
    }

    /// A write of ours whose event will come after the list.
    fn write_during_list(&mut self, mut fresh: OpenViduNode) {
        self.version += 1;
        let key = ObjectKey::of(&fresh);
        let old = self.stored.get(&key);
        fresh.metadata.uid =
            Some(old.map_or_else(|| format!("uid-{}", self.version), |old| uid(old)));
        fresh.metadata.resource_version = Some(self.version.to_string());
        let fresh = Arc::new(fresh);
        self.stored.insert(key.clone(), fresh.clone());
        self.undelivered.push_back(Event::Apply(sound(&fresh)));
        self.cache.learn(&fresh, self.now);
        self.answered.insert(key, (uid(&fresh), Some(self.version)));
    }

    fn deliver(&mut self) {
        if let Some(event) = self.undelivered.pop_front() {
            self.cache.take(event, self.now);
        }
    }

    /// What is said is never older than what was answered.
    fn check(&self) {
        for (key, (answered, at)) in &self.answered {
            let Ok(Lookup::Found(found)) = self.cache.object(key, self.now) else {
                continue;
            };
            match (found, at) {
                (Some(found), Some(at)) => {
                    assert!(
                        version(&found) >= *at,
                        "{key}: {} after {at}",
                        version(&found)
                    );
                }
                (Some(found), None) => assert_ne!(uid(&found), *answered, "{key} came back"),
                (None, Some(at)) => {
                    let still = self
                        .stored
                        .get(key)
                        .is_some_and(|stored| uid(stored) == *answered);
                    assert!(
                        !still,
                        "{key}: absent though it was answered at {at} and is stored"
                    );
                }
                (None, None) => {}
            }
        }
    }

    /// All is delivered, and what cannot be known is asked for.
    fn settle(&mut self) {
        while !self.undelivered.is_empty() {
            self.deliver();
        }
        self.now += CATCH_UP;
        for machine in MACHINES {
            let key = ObjectKey::of(&node(&cluster(), machine));
            if matches!(self.cache.object(&key, self.now), Ok(Lookup::AskServer)) {
                self.read(&key);
            }
            let Ok(Lookup::Found(found)) = self.cache.object(&key, self.now) else {
                panic!("{key}: unknown right after it was asked for");
            };
            assert_eq!(
                found.as_deref(),
                self.stored.get(&key).map(|stored| &**stored),
                "{key}"
            );
        }
        let Ok(Lookup::Found(members)) = self.cache.members(&cluster(), self.now) else {
            panic!("the members are unknown");
        };
        let stored: Vec<_> = self.stored.values().cloned().collect();
        assert_eq!(members, stored);
    }
}

#[tokio::test]
async fn what_is_said_is_never_older_than_what_was_answered() {
    for seed in 0..2000 {
        let mut world = World::new(seed);
        world.list();
        for _ in 0..60 {
            world.step();
        }
        world.settle();
    }
}
