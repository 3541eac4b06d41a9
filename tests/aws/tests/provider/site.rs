//! A cluster under the real engine, planner, checker and store, over the simulated account.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use ovo_api::profile::OccupancySource;
use ovo_engine::{Engine, Options, Report};
use ovo_model::{
    Millis, Mono, Now, Observation, ObservedNode, ObservedResource, Occupancy, Outcome,
    ProviderError, ResourceId, Scalar, Step, Wall,
};
use ovo_provider::{
    Answers, Call, Media, NodeAnswers, Provider, ScopeChoice, SecretSource, SourceAnswer, Target,
};
use ovo_provider_aws::AwsProvider;
use ovo_store::embedded::Manifest;
use ovo_store::{Embedded, ObjectKey, SecretObject, Store};
use serde_json::Value as Json;

use crate::account::{Account, Canaries};

/// The account's time, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl ovo_engine::Clock for Clock {
    fn now(&self) -> Now {
        let now = self.0.load(Ordering::SeqCst);
        Now {
            mono: Mono(now),
            wall: Wall(now),
        }
    }

    fn sleep(&self, _millis: Millis) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

impl ovo_store::Clock for Clock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A model of what OpenVidu's masters say of media nodes: nothing, or that nobody is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masters {
    pub(crate) say_idle: Arc<AtomicBool>,
}

impl Media for Masters {
    async fn read(
        &self,
        _target: &Target,
        nodes: &[&ObservedNode],
        _secrets: &dyn SecretSource,
    ) -> Answers {
        let idle = SourceAnswer {
            occupancy: Occupancy::default(),
            load_permille: Some(0),
        };
        let answer = NodeAnswers::from([(OccupancySource::MediaNodes, Ok(idle))]);
        let say = self.say_idle.load(Ordering::SeqCst);
        let nodes = nodes.iter().filter(|_| say);
        Answers::of_nodes(nodes.map(|n| (n.name.clone(), answer.clone())).collect())
    }

    async fn execute(
        &self,
        _target: &Target,
        step: &Step,
        _call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        Err(ProviderError::Denied(step.id.to_string()))
    }
}

/// One cluster, its account, and its operator.
pub(crate) struct Site {
    pub(crate) account: Account,
    pub(crate) masters: Masters,
    clock: Clock,
    engine: Operator,
    store: Embedded,
}

type Operator = Engine<Embedded, AwsProvider, Masters, Clock>;

/// An operator that begins now and remembers nothing.
fn operator(store: &Embedded, account: &Account, masters: &Masters, clock: &Clock) -> Operator {
    Engine::new(
        store.clone(),
        account.provider(),
        masters.clone(),
        clock.clone(),
        Options::default(),
    )
}

fn key() -> ObjectKey {
    ObjectKey::new("video", "openvidu-multimaster")
}

impl Site {
    /// A cluster that was just written down.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another spec.
    pub(crate) async fn with(change: impl FnOnce(&mut Json)) -> Self {
        let account = Account::start();
        let clock = Clock(Arc::new(AtomicI64::new(
            account.bed.aws.now().as_millisecond(),
        )));
        let store = Embedded::in_memory(clock.clone(), 1);
        for (name, key) in [
            ("openvidu", "license"),
            ("openvidu-credentials", "OPENVIDU_SECRET"),
            ("elastic", "username"),
            ("elastic", "password"),
            ("hooks", "headers"),
        ] {
            let at = ovo_model::SecretKey {
                secret: name.to_owned(),
                key: key.to_owned(),
            };
            let place = ObjectKey::new("video", name);
            let old = store.secret(&place, ovo_store::Freshness::Live).await;
            let value = Canaries::value(&at);
            if let Some(old) = old.unwrap() {
                let mut secret = (*old).clone();
                secret.data.insert(key.to_owned(), value.as_str().into());
                store.update_secret(&secret).await.unwrap();
            } else {
                let mut secret = SecretObject::named(&place);
                secret.data.insert(key.to_owned(), value.as_str().into());
                store.create_secret(secret).await.unwrap();
            }
        }
        let masters = Masters::default();
        let engine = operator(&store, &account, &masters, &clock);
        let mut site = Self {
            account,
            masters,
            clock,
            engine,
            store,
        };
        let mut manifest = site.account.manifest.clone();
        change(&mut manifest["spec"]);
        site.apply(manifest).await;
        site
    }

    /// What a person does with `kubectl apply`.
    pub(crate) async fn apply(&mut self, manifest: Json) {
        self.account.cluster = Arc::new(serde_json::from_value(manifest.clone()).unwrap());
        self.account.manifest = manifest.clone();
        let manifest = Manifest {
            key: key(),
            document: manifest,
            file: "cluster.yaml".to_owned(),
        };
        self.store.apply(manifest).await.unwrap();
    }

    /// The operator dies and comes back.
    pub(crate) fn restart(&mut self) {
        self.engine = operator(&self.store, &self.account, &self.masters, &self.clock);
    }

    /// Lets so many seconds pass.
    pub(crate) fn pass(&self, seconds: u64) {
        self.account.bed.aws.advance(Duration::from_secs(seconds));
        let now = self.account.bed.aws.now().as_millisecond();
        self.clock.0.store(now, Ordering::SeqCst);
    }

    /// One round, and a second.
    pub(crate) async fn round(&mut self) -> Report {
        let report = self.engine.reconcile(&key()).await;
        assert!(report.refused.is_empty(), "{:?}", report.refused);
        assert!(report.error.is_none(), "{:?}", report.error);
        self.pass(1);
        report
    }

    /// Rounds until one has nothing to do and nothing to wait for but what `but` names; the last one.
    pub(crate) async fn settle_but(&mut self, but: &str) -> Report {
        for _ in 0..200 {
            let report = self.round().await;
            let plan = report.plan.as_ref().expect("a plan");
            let waits = plan.waiting.iter().any(|w| !w.for_what.contains(but));
            if plan.steps.is_empty() && !waits {
                return report;
            }
            self.pass(4);
        }
        let report = self.round().await;
        let plan = report.plan.unwrap();
        panic!("does not settle: {:?}\n{:?}", plan.steps, plan.waiting);
    }

    /// Rounds until one has nothing to do and nothing to wait for; the last one.
    pub(crate) async fn settle(&mut self) -> Report {
        self.settle_but("nothing at all").await
    }

    /// Everything as a provider sees it that has just begun.
    pub(crate) async fn seen(&self) -> BTreeMap<ResourceId, ObservedResource> {
        let (provider, target) = (self.account.provider(), self.account.target());
        let seen = provider.observe(&target, &ScopeChoice::All).await;
        let mut all = BTreeMap::new();
        for (scope, observation) in seen {
            match observation {
                Observation::Known { resources, .. } => all.extend(resources),
                Observation::Unknown { reason } => panic!("{}: {reason}", scope.0),
            }
        }
        all
    }

    /// One property as it is.
    pub(crate) async fn property(&self, id: &ResourceId, name: &str) -> Option<Scalar> {
        let seen = self.seen().await;
        seen.get(id)?.properties.get(name).cloned()
    }

    /// One output as it is.
    pub(crate) async fn output(&self, id: &ResourceId, name: &str) -> String {
        match self.seen().await.get(id).and_then(|r| r.outputs.get(name)) {
            Some(Scalar::Text(text)) => text.clone(),
            other => panic!("{id} tells no {name}: {other:?}"),
        }
    }
}

impl Site {
    /// What a person does with `kubectl delete`.
    pub(crate) async fn delete(&self) {
        self.store.delete_cluster(&key()).await.unwrap();
    }
}
