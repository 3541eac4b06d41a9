//! What OpenVidu's own word changes in the engine, in the simulated world: where nodes stand, and trials.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use ovo_engine::{Engine, Options, Report};
use ovo_model::{
    MediaState, NodeName, ObservedNode, Outcome, ProviderError, SharedStore, Step, Wall,
};
use ovo_provider::{Answers, Call, Media, SecretSource, Target};
use ovo_provider_sim::{SimDoor, SimMedia, SimProvider};
use ovo_simulation::bed::now_or_never;
use ovo_simulation::clock::SimClock;
use ovo_simulation::home::Home;
use ovo_simulation::manifests::{Shape, Size, manifest};
use ovo_store::{Embedded, ObjectKey, SecretObject};
use ovo_world::{World, WorldConfig};

/// The simulated world's media client, which can be given words of its own.
#[derive(Clone)]
struct Word {
    inner: SimMedia,
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    states: Mutex<BTreeMap<NodeName, MediaState>>,
    shared_store: Mutex<Option<SharedStore>>,
    failure: Mutex<Option<String>>,
    trials: AtomicU32,
}

impl Media for Word {
    async fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
        secrets: &dyn SecretSource,
    ) -> Answers {
        let mut answers = self.inner.read(target, nodes, secrets).await;
        answers.states.clone_from(&self.said.states.lock().unwrap());
        answers
            .shared_store
            .clone_from(&self.said.shared_store.lock().unwrap());
        answers
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        self.inner.execute(target, step, call).await
    }

    fn tries_out(&self) -> bool {
        true
    }

    async fn try_out(&self, _: &Target, secrets: &dyn SecretSource) -> Result<(), ProviderError> {
        let key = ovo_model::SecretKey {
            secret: "demo-credentials".to_owned(),
            key: "LIVEKIT_API_KEY".to_owned(),
        };
        assert!(secrets.get(&key).is_some(), "the cluster's own credentials");
        self.said.trials.fetch_add(1, Ordering::SeqCst);
        match &*self.said.failure.lock().unwrap() {
            Some(why) => Err(ProviderError::Retryable(why.clone())),
            None => Ok(()),
        }
    }
}

struct Bed {
    store: Embedded,
    door: SimDoor,
    clock: SimClock,
    said: Arc<Said>,
    engine: Engine<Embedded, SimProvider, Word, SimClock>,
}

fn key() -> ObjectKey {
    ObjectKey::new("video", "demo")
}

impl Bed {
    fn new() -> Self {
        let world = WorldConfig::demo();
        let clock = SimClock::new(world.start);
        let store = Embedded::in_memory(clock.clone(), 1);
        for (name, key) in [("openvidu", "license"), ("ssh", "id")] {
            let mut secret = SecretObject::named(&ObjectKey::new("video", name));
            secret.data.insert(key.to_owned(), "a-value".into());
            store.create(secret);
        }
        let door = SimDoor::new(World::new(1, world));
        let said = Arc::new(Said::default());
        let media = Word {
            inner: SimMedia::new(door.clone()),
            said: Arc::clone(&said),
        };
        let options = Options {
            seed: 7,
            simulated: true,
            ..Options::default()
        };
        let provider = SimProvider::new(door.clone());
        let engine = Engine::new(store.clone(), provider, media, clock.clone(), options);
        store.apply_manifest(manifest(Shape::V3, Size::default()));
        Self {
            store,
            door,
            clock,
            said,
            engine,
        }
    }

    fn round(&self) -> Report {
        self.door.advance_to(self.clock.wall());
        let report = now_or_never(self.engine.reconcile(&key())).expect("nothing holds it");
        let pause = report.look_again_in.max(100);
        self.clock.set(Wall(self.clock.wall().0 + pause));
        assert!(report.refused.is_empty(), "{:?}", report.refused);
        report
    }

    /// Rounds until this holds.
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if holds(self) {
                return;
            }
            self.round();
        }
        panic!("not within 2,000 rounds: {what}");
    }

    /// Status and reason of a condition.
    fn condition(&self, type_: &str) -> (String, String) {
        let cluster = self.store.stored().unwrap();
        let conditions = cluster.status.as_ref().map(|s| s.conditions.clone());
        let found = conditions
            .into_iter()
            .flatten()
            .find(|c| c.type_ == type_)
            .map(|c| (c.status, c.reason));
        found.unwrap_or_default()
    }

    fn is(&self, type_: &str, status: &str, reason: &str) -> bool {
        self.condition(type_) == (status.to_owned(), reason.to_owned())
    }

    fn trials(&self) -> u32 {
        self.said.trials.load(Ordering::SeqCst)
    }

    fn serving(&self) -> Vec<NodeName> {
        let records = self.store.records().into_iter();
        records
            .filter(|n| n.spec.role == ovo_api::act::Role::Media)
            .filter(|n| {
                let phase = n.status.as_ref().map(|s| s.phase);
                phase == Some(ovo_api::node::NodePhase::Serving)
            })
            .map(|n| NodeName::from(n.spec.machine.as_str()))
            .collect()
    }
}

#[test]
fn a_room_is_tried_once_and_again_only_after_a_change() {
    let bed = Bed::new();
    bed.until("it is ready", |bed| bed.is("Ready", "True", "AsDeclared"));
    bed.until("it is accepted", |bed| {
        bed.is("Accepted", "True", "RoomJoined")
    });
    assert_eq!(bed.trials(), 1);
    // At rest: no trial and no write, whatever time goes by.
    bed.round();
    for _ in 0..50 {
        let report = bed.round();
        assert_eq!((report.writes, report.executed.len()), (0, 0));
    }
    assert_eq!(bed.trials(), 1);

    let mut document = serde_json::to_value(&*bed.store.stored().unwrap()).unwrap();
    document["spec"]["media"]["replicas"] = 2.into();
    document["metadata"] = serde_json::json!({"name": "demo", "namespace": "video"});
    bed.store.apply_manifest(document);
    bed.until("it was tried once more", |bed| bed.trials() == 2);
    for _ in 0..50 {
        bed.round();
    }
    assert_eq!(bed.trials(), 2);
    assert!(bed.is("Accepted", "True", "RoomJoined"));
}

#[test]
fn a_trial_that_fails_is_said_and_repeated_ever_more_seldom() {
    let bed = Bed::new();
    *bed.said.failure.lock().unwrap() = Some("through m1, port 7880: no".to_owned());
    bed.until("it is said", |bed| {
        bed.is("Accepted", "False", "RoomNotJoined")
    });
    let began = bed.clock.wall();
    while bed.clock.wall().0 - began.0 < 600_000 {
        bed.round();
    }
    // 10, 20, 40, 80, 160 and 300 seconds apart.
    assert!((5..=7).contains(&bed.trials()), "{}", bed.trials());
    *bed.said.failure.lock().unwrap() = None;
    bed.until("it is accepted", |bed| {
        bed.is("Accepted", "True", "RoomJoined")
    });
}

#[test]
fn a_node_stands_where_it_says_itself() {
    let bed = Bed::new();
    bed.until("it is ready", |bed| bed.is("Ready", "True", "AsDeclared"));
    let node = bed.serving().into_iter().next().unwrap();
    let say = |state| {
        let mut states = bed.said.states.lock().unwrap();
        states.insert(node.clone(), state);
    };
    // Somebody else closed it: it is drained as if we had, and takes no more part.
    say(MediaState::Closed);
    bed.until("it counts as closed", |bed| !bed.serving().contains(&node));
    assert!(bed.said.trials.load(Ordering::SeqCst) <= 1);
    let records = bed.store.records();
    let record = records.iter().find(|n| *n.spec.machine == *node.0).unwrap();
    let drain = record
        .status
        .as_ref()
        .and_then(|s| s.drain.clone())
        .unwrap();
    assert_eq!(drain.cause, ovo_api::node::DrainCause::Foreign);
}

#[test]
fn nothing_is_closed_while_the_shared_store_changes_hands() {
    let bed = Bed::new();
    bed.until("it is ready", |bed| bed.is("Ready", "True", "AsDeclared"));
    let before = bed.serving().len();
    *bed.said.shared_store.lock().unwrap() = Some(SharedStore::Changing {
        why: "the sentinel of m2 leads a failover".into(),
    });
    let mut document = serde_json::to_value(&*bed.store.stored().unwrap()).unwrap();
    document["spec"]["media"]["replicas"] = 1.into();
    document["metadata"] = serde_json::json!({"name": "demo", "namespace": "video"});
    bed.store.apply_manifest(document);
    let began = bed.clock.wall();
    while bed.clock.wall().0 - began.0 < 600_000 {
        let report = bed.round();
        assert!(
            report
                .executed
                .iter()
                .all(|done| !done.step.is_destructive()),
            "{:?}",
            report.executed
        );
    }
    assert!(bed.is("RedisReady", "False", "FailoverInProgress"));
    *bed.said.shared_store.lock().unwrap() = Some(SharedStore::Steady {
        primary: "m2".into(),
        voices: 4,
        of: 4,
    });
    bed.until("it shrinks then", |bed| bed.serving().len() < before);
    bed.until("it is said", |bed| {
        bed.is("RedisReady", "True", "PrimaryKnown")
    });
}
