//! One cluster, one world, one operator that may die and come back.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ovo_api::OpenViduCluster;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::node::SignalState;
use ovo_engine::{Engine, Options, Report};
use ovo_model::{Millis, NodeName, Wall};
use ovo_planner::bugs::Bugs;
use ovo_provider_sim::{Interceptor, SimDoor, SimMedia, SimProvider};
use ovo_store::{Embedded, ObjectKey, SecretObject};
use ovo_world::{Deployment, Script, World, WorldConfig};
use serde_json::Value;

use crate::clock::SimClock;
use crate::gate::Gate;
use crate::home::Home;
use crate::manifests::{Shape, Size, manifest};

/// The operator of these tests.
pub type SimEngine<H> = Engine<<H as Home>::Store, SimProvider, SimMedia, SimClock>;

/// How long a dead operator stays dead, in milliseconds.
const RESTART_MS: Millis = 3_000;
/// How often a person looks whether something waits for a decision, in milliseconds.
const PERSON_EVERY_MS: Millis = 600_000;
/// The shortest time between two rounds, in milliseconds.
const PAUSE_MS: Millis = 100;

/// A run is made up of this.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Profile.
    pub shape: Shape,
    /// Sizes.
    pub size: Size,
    /// How the world is made up.
    pub world: WorldConfig,
    /// Seed of the world and of the operator.
    pub seed: u64,
    /// Settings of the operator.
    pub options: Options,
}

impl Setup {
    /// A quiet world and an operator without planted bugs.
    pub fn quiet(shape: Shape) -> Self {
        Self {
            shape,
            size: Size::default(),
            world: WorldConfig::demo(),
            seed: 1,
            options: Options {
                seed: 7,
                simulated: true,
                ..Options::default()
            },
        }
    }

    /// With these bugs planted.
    #[must_use]
    pub const fn bugs(mut self, bugs: Bugs) -> Self {
        self.options.bugs = bugs;
        self
    }
}

/// What rounds added up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rounds.
    pub rounds: u64,
    /// Deaths of the operator.
    pub deaths: u64,
    /// Plans that the checker refused.
    pub plans_refused: u64,
    /// Why it refused the first ones.
    pub refusals: Vec<String>,
    /// Steps that the live read stopped.
    pub steps_refused: u64,
    /// Ends among them.
    pub ends_refused: u64,
    /// Steps that were answered with Done or InProgress.
    pub steps: u64,
    /// Writes to the store.
    pub writes: u64,
    /// Rules by which plans or steps were refused, with the last words of each.
    pub rules: std::collections::BTreeMap<String, String>,
}

/// One cluster under one operator.
pub struct Bed<H: Home = Embedded> {
    setup: Setup,
    /// The store, past all gates: what a person uses.
    pub store: H,
    /// The world's door.
    pub door: SimDoor,
    /// The one clock.
    pub clock: SimClock,
    /// Where things go wrong.
    pub gate: Gate,
    engine: SimEngine<H>,
    due: Wall,
    person_at: Wall,
    /// What rounds added up to.
    pub tally: Tally,
    /// The last round.
    pub last: Report,
}

/// The cluster's key.
pub fn key() -> ObjectKey {
    ObjectKey::new("video", "demo")
}

/// The answer of a future that never has to wait; `None`: it would wait for ever.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl Bed<Embedded> {
    /// A cluster that was just written down. The gate stands before the store and the world.
    pub fn new(setup: &Setup, gate: &Gate) -> Self {
        Self::intercepted(setup, gate, Arc::new(gate.clone()))
    }

    /// The same with another interceptor before the world.
    pub fn intercepted(setup: &Setup, gate: &Gate, interceptor: Arc<dyn Interceptor>) -> Self {
        let clock = SimClock::new(setup.world.start);
        let store = Embedded::in_memory(clock.clone(), setup.seed);
        Self::over(store, setup, gate, interceptor, clock)
    }
}

impl<H: Home> Bed<H> {
    /// A cluster that was just written down in this store. The gate stands where the store puts it.
    pub fn over(
        store: H,
        setup: &Setup,
        gate: &Gate,
        interceptor: Arc<dyn Interceptor>,
        clock: SimClock,
    ) -> Self {
        let door = SimDoor::new(World::new(setup.seed, setup.world.clone()));
        door.intercept(Some(interceptor));
        for (name, keys) in [("openvidu", ["license"]), ("ssh", ["id"])] {
            let namespace = store.key().namespace;
            let mut secret = SecretObject::named(&ObjectKey::new(namespace, name));
            for k in keys {
                secret.data.insert(k.to_owned(), "a-value".into());
            }
            store.create(secret);
        }
        let engine = Self::engine(setup, &store, &door, &clock, gate);
        let due = setup.world.start;
        let mut bed = Self {
            setup: setup.clone(),
            store,
            door,
            clock,
            gate: gate.clone(),
            engine,
            due,
            person_at: due,
            tally: Tally::default(),
            last: Report::default(),
        };
        bed.apply(manifest(setup.shape, setup.size));
        bed
    }

    fn engine(
        setup: &Setup,
        store: &H,
        door: &SimDoor,
        clock: &SimClock,
        gate: &Gate,
    ) -> SimEngine<H> {
        Engine::new(
            store.operator(gate),
            SimProvider::new(door.clone()),
            SimMedia::new(door.clone()),
            clock.clone(),
            setup.options.clone(),
        )
    }

    /// From now on points are counted: what comes before is the same for all runs.
    pub fn arm(&self) {
        self.gate.arm();
        self.store.arm();
    }

    /// What a person does with `kubectl apply`.
    pub fn apply(&mut self, document: Value) {
        self.store.apply_manifest(document);
        self.wake();
    }

    /// Changes the spec in place, as a person does.
    #[expect(
        clippy::expect_used,
        reason = "a manifest that is refused fails its test"
    )]
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let cluster = self.cluster().expect("a cluster to edit");
        let mut document = serde_json::to_value(&*cluster).expect("JSON");
        change(&mut document["spec"]);
        let metadata = serde_json::json!({"name": "demo", "namespace": "video"});
        document["metadata"] = metadata;
        self.apply(document);
    }

    /// What a person does with `kubectl delete`.
    pub fn delete(&mut self) {
        self.store.delete();
        self.wake();
    }

    /// What a person does with `kubectl delete` to the object of this node; its uid, if there is one.
    pub fn delete_node(&mut self, node: &NodeName) -> Option<Option<String>> {
        let records = self.store.records();
        let record = records.iter().find(|n| *n.spec.machine == *node.0)?;
        let meta = &record.metadata;
        self.store.delete_record(meta.name.as_deref()?);
        self.wake();
        Some(meta.uid.clone())
    }

    /// The cluster as it is stored.
    pub fn cluster(&self) -> Option<Arc<OpenViduCluster>> {
        self.store.stored()
    }

    /// Something that a person or fate does in the world.
    #[expect(clippy::expect_used, reason = "nothing is written down in these tests")]
    pub fn script(&self, script: Script) {
        let id = self.infrastructure_id();
        self.door.script(&id, script).expect("no journal to fail");
    }

    /// The infrastructure id of the cluster.
    pub fn infrastructure_id(&self) -> String {
        self.cluster()
            .and_then(|c| {
                c.metadata
                    .annotations
                    .as_ref()?
                    .get(INFRASTRUCTURE_ID)
                    .cloned()
            })
            .unwrap_or_default()
    }

    /// Looks at the deployment in the world.
    pub fn deployment<T>(&self, look: impl FnOnce(&Deployment) -> T) -> Option<T> {
        let id = self.infrastructure_id();
        self.door
            .look(|world| world.find(&id).map(|dep| look(world.deployment(dep))))
    }

    /// A round is due now.
    pub fn wake(&mut self) {
        self.due = self.clock.wall();
    }

    /// The operator dies now and comes back a little later, remembering nothing.
    pub fn kill(&mut self) {
        self.engine = Self::engine(
            &self.setup,
            &self.store,
            &self.door,
            &self.clock,
            &self.gate,
        );
        self.tally.deaths += 1;
        self.due = Wall(self.clock.wall().0 + RESTART_MS);
    }

    /// Moves time to the next round and lets it happen.
    pub fn round(&mut self) {
        self.clock.set(self.due);
        self.door.advance_to(self.clock.wall());
        if self.clock.wall() >= self.person_at {
            self.person_at = Wall(self.clock.wall().0 + PERSON_EVERY_MS);
            self.person_decides();
        }
        let key = self.store.key();
        let report = self.store.drive(self.engine.reconcile(&key));
        match report {
            None => {
                assert!(
                    self.gate.take_dead() || self.store.take_dead(),
                    "a call waited for something that never comes"
                );
                self.kill();
            }
            Some(report) => {
                self.count(&report);
                let pause = report.look_again_in.max(PAUSE_MS);
                self.due = Wall(self.clock.wall().0 + pause);
                self.last = report;
            }
        }
    }

    /// A person who reads `DrainUnconfirmed`, looks at the container's log, finds that no signal arrived, and
    /// sends it by hand.
    fn person_decides(&self) {
        for node in self.store.records() {
            let drain = node.status.as_ref().and_then(|s| s.drain.as_ref());
            for signal in drain.iter().flat_map(|d| &d.signals) {
                let name = NodeName::from(node.spec.machine.as_str());
                let unheard = self
                    .deployment(|d| {
                        d.nodes
                            .get(&name)
                            .and_then(|n| n.machine()?.process(&signal.container))
                            .is_some_and(|p| {
                                p.running && !p.closing && p.is.started_at == signal.started_at
                            })
                    })
                    .unwrap_or(false);
                if signal.state == SignalState::Unconfirmed && unheard {
                    let container = signal.container.clone();
                    self.script(Script::SignalByHand {
                        node: name,
                        container,
                    });
                }
            }
        }
    }

    fn count(&mut self, report: &Report) {
        use ovo_engine::StepResult;
        let tally = &mut self.tally;
        tally.rounds += 1;
        tally.writes += u64::from(report.writes);
        tally.plans_refused += u64::from(!report.refused.is_empty());
        tally.ends_refused += u64::try_from(report.ends_refused()).unwrap_or(0);
        for refusal in &report.refused {
            if tally.refusals.len() < 8 {
                tally.refusals.push(refusal.to_string());
            }
            tally
                .rules
                .insert(format!("{:?}", refusal.rule), refusal.to_string());
        }
        for executed in &report.executed {
            match &executed.result {
                StepResult::Answered(_) => tally.steps += 1,
                StepResult::Refused(refusals) => {
                    tally.steps_refused += 1;
                    for refusal in refusals {
                        tally
                            .rules
                            .insert(format!("{:?}", refusal.rule), refusal.to_string());
                    }
                }
                StepResult::Failed(_) | StepResult::Held => {}
            }
        }
    }

    /// Rounds until the condition holds; whether it did within so many milliseconds of the world's time.
    pub fn until(&mut self, within: Millis, done: impl Fn(&Self) -> bool) -> bool {
        let deadline = Wall(self.clock.wall().0 + within);
        loop {
            if done(self) {
                return true;
            }
            if self.due > deadline {
                self.clock.set(deadline);
                self.door.advance_to(deadline);
                return done(self);
            }
            self.round();
        }
    }

    /// Rounds for so many milliseconds of the world's time.
    pub fn pass(&mut self, millis: Millis) {
        self.until(millis, |_| false);
    }

    /// Whether a condition of the cluster has this status.
    pub fn condition(&self, type_: &str, status: &str) -> bool {
        self.cluster().is_some_and(|c| {
            c.status
                .iter()
                .flat_map(|s| &s.conditions)
                .any(|c| c.type_ == type_ && c.status == status)
        })
    }

    /// Whether the cluster is as declared, and the status says so of the latest spec.
    pub fn ready(&self) -> bool {
        self.condition("Ready", "True")
            && self.cluster().is_some_and(|c| {
                c.status.as_ref().and_then(|s| s.observed_generation) == c.metadata.generation
            })
    }

    /// Whether the object is gone.
    pub fn gone(&self) -> bool {
        self.cluster().is_none()
    }

    /// What stands in the way, in words for a failing test.
    pub fn words(&self) -> String {
        let cluster = self.cluster();
        let status = cluster
            .as_ref()
            .and_then(|c| c.status.clone())
            .unwrap_or_default();
        let conditions: Vec<String> = status
            .conditions
            .iter()
            .map(|c| format!("  {}={} {} {}", c.type_, c.status, c.reason, c.message))
            .collect();
        let pending: Vec<String> = status
            .pending
            .iter()
            .map(|p| format!("  {} waits for {}", p.step, p.waits_for))
            .collect();
        let nodes: Vec<String> = self
            .store
            .records()
            .iter()
            .map(|n| {
                let status = n.status.clone().unwrap_or_default();
                format!("  {} {:?} {}", n.spec.machine, status.phase, status.reason)
            })
            .collect();
        let steps: Vec<String> = self
            .last
            .executed
            .iter()
            .map(|e| format!("  {}: {:?}", e.step.id, e.result))
            .collect();
        format!(
            "{:?}\n{}\npending:\n{}\nnodes:\n{}\nlast steps:\n{}\nrefused: {:#?}\nerror: {:?}\ntally: {:?}\n{:?}",
            status.phase,
            conditions.join("\n"),
            pending.join("\n"),
            nodes.join("\n"),
            steps.join("\n"),
            self.last.refused,
            self.last.error,
            self.tally,
            self.door.look(|w| w.ledger().clone()),
        )
    }
}
