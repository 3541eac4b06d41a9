//! The objects of a simulated cluster, in a namespace of a real API server.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_provider_sim::{CallInfo, Interceptor, Verdict};
use ovo_simulation::gate::Gate;
use ovo_simulation::home::Home;
use ovo_store::kubernetes::bugs::Bugs;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, Limits, Scope};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::wire::Wire;

/// How long the first lists may take, a watch to bring what a person did, and events to be written, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// A namespace, the operator that serves it, and the people who use it.
pub struct KubernetesHome {
    runtime: Handle,
    /// The operator's, with its rights.
    operator: Client,
    /// The administrator's.
    people: Client,
    namespace: String,
    wire: Wire,
    bugs: Bugs,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    store: Option<KubernetesStore>,
    cluster: Seen<Option<Arc<OpenViduCluster>>>,
    nodes: Seen<Vec<Arc<OpenViduNode>>>,
}

/// What a person saw last, and how many changes had been begun or ended by then.
type Seen<T> = Option<(u64, T)>;

/// The gate before the world: whoever dies at it is dead for the API server too.
pub struct WorldGate {
    pub gate: Gate,
    pub wire: Wire,
}

impl Interceptor for WorldGate {
    fn verdict(&self, call: &CallInfo) -> Verdict {
        let verdict = self.gate.verdict(call);
        if verdict == Verdict::Crash {
            self.wire.kill();
        }
        verdict
    }

    fn wants_history(&self) -> bool {
        self.gate.wants_history()
    }
}

// === impl KubernetesHome ===

impl KubernetesHome {
    /// A home in this namespace, which is there and empty, of an operator whose store has these bugs.
    pub fn new(
        runtime: Handle,
        operator: Client,
        people: Client,
        namespace: String,
        wire: Wire,
        bugs: Bugs,
    ) -> Self {
        Self {
            runtime,
            operator,
            people,
            namespace,
            wire,
            bugs,
            now: Mutex::default(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap()
    }

    fn clusters(&self) -> Api<OpenViduCluster> {
        Api::namespaced(self.people.clone(), &self.namespace)
    }

    fn nodes(&self) -> Api<OpenViduNode> {
        Api::namespaced(self.people.clone(), &self.namespace)
    }

    /// Waits until the operator knows what a person did: runs would differ by whether the watch was fast.
    fn told<F>(&self, knows: impl Fn(KubernetesStore) -> F)
    where
        F: Future<Output = Result<bool, StoreError>>,
    {
        let store = self.now().store.clone();
        *self.now() = Now {
            store: store.clone(),
            ..Now::default()
        };
        let Some(store) = store else {
            return;
        };
        self.wire.catch_up();
        let began = Instant::now();
        self.runtime.block_on(async {
            while !matches!(knows(store.clone()).await, Ok(true)) {
                assert!(began.elapsed() < PATIENCE, "the watch brings nothing");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }

    /// What is stored. Nobody but the operator and the person writes here, so it is asked for anew only after a change.
    fn seen<T: Clone>(
        &self,
        seen: fn(&mut Now) -> &mut Seen<T>,
        ask: impl Future<Output = kube::Result<T>>,
    ) -> T {
        let changes = self.wire.changes();
        if let Some((then, seen)) = seen(&mut self.now())
            && *then == changes
        {
            return seen.clone();
        }
        let asked = self.runtime.block_on(ask).expect("an answer");
        *seen(&mut self.now()) = Some((changes, asked.clone()));
        asked
    }
}

impl Home for KubernetesHome {
    type Store = KubernetesStore;

    fn operator(&self, _gate: &Gate) -> KubernetesStore {
        let _runtime = self.runtime.enter();
        let client = self.wire.operator(self.operator.clone());
        let scope = Scope::Namespace(self.namespace.clone());
        let options = KubernetesOptions {
            // Simulated hours pass in a second; the operator of them would not come near its limits.
            limits: Limits {
                per_second: 10_000,
                ..Limits::default()
            },
            bugs: self.bugs,
            ..KubernetesOptions::new(scope, "test")
        };
        let store = self.runtime.block_on(async {
            let store = KubernetesStore::start(client, &options, AlwaysOpen);
            let synced = tokio::time::timeout(PATIENCE, store.synced()).await;
            synced.expect("the first lists");
            store
        });
        *self.now() = Now {
            store: Some(store.clone()),
            ..Now::default()
        };
        store
    }

    /// Events are written between rounds: else how many of a run come to be written would depend on the machine.
    fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (life, store) = (self.wire.life(), self.now().store.clone());
        let round = async {
            let answer = work.await;
            if let Some(store) = store {
                store.flush_events(PATIENCE).await;
            }
            answer
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = life.over() => None,
                answer = round => Some(answer),
            }
        })
    }

    fn arm(&self) {
        self.wire.arm();
    }

    fn take_dead(&self) -> bool {
        self.wire.life().ended()
    }

    fn key(&self) -> ObjectKey {
        ObjectKey::new(self.namespace.clone(), "demo")
    }

    fn create(&self, secret: SecretObject) {
        let data = secret.data.iter();
        let data = data.map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())));
        let secret = Secret {
            metadata: secret.metadata.clone(),
            data: Some(data.collect()),
            ..Secret::default()
        };
        let secrets: Api<Secret> = Api::namespaced(self.people.clone(), &self.namespace);
        let params = PostParams::default();
        let made = self.runtime.block_on(secrets.create(&params, &secret));
        made.expect("a new Secret");
    }

    fn apply_manifest(&self, mut document: Value) {
        let key = self.key();
        document["metadata"] = json!({"name": key.name, "namespace": key.namespace});
        document.as_object_mut().unwrap().remove("status");
        let params = PatchParams::apply("person").force();
        let clusters = self.clusters();
        let document = Patch::Apply(document);
        let applied = clusters.patch(&key.name, &params, &document);
        let applied = self.runtime.block_on(applied).expect("a valid manifest");
        self.told(|store| {
            let key = self.key();
            async move {
                let cluster = store.cluster(&key, Freshness::Cached).await?;
                let newest =
                    |c: Arc<OpenViduCluster>| c.metadata.generation >= applied.metadata.generation;
                Ok(cluster.is_some_and(newest))
            }
        });
    }

    fn delete(&self) {
        let (clusters, name) = (self.clusters(), self.key().name);
        let background = DeleteParams::background();
        let deleted = clusters.delete(&name, &background);
        self.runtime.block_on(deleted).expect("a cluster to delete");
        self.told(|store| {
            let key = self.key();
            async move {
                let cluster = store.cluster(&key, Freshness::Cached).await?;
                Ok(cluster.is_none_or(|c| c.metadata.deletion_timestamp.is_some()))
            }
        });
    }

    fn delete_record(&self, name: &str) {
        let (nodes, background) = (self.nodes(), DeleteParams::background());
        let deleted = nodes.delete(name, &background);
        self.runtime.block_on(deleted).expect("a node to delete");
        self.told(|store| {
            let key = self.key();
            async move {
                let nodes = store.nodes(&key, Freshness::Cached).await?;
                let node = nodes.iter().find(|n| n.name_any() == name);
                Ok(node.is_none_or(|n| n.metadata.deletion_timestamp.is_some()))
            }
        });
    }

    fn stored(&self) -> Option<Arc<OpenViduCluster>> {
        let (clusters, name) = (self.clusters(), self.key().name);
        self.seen(|now| &mut now.cluster, async {
            Ok(clusters.get_opt(&name).await?.map(Arc::new))
        })
    }

    fn records(&self) -> Vec<Arc<OpenViduNode>> {
        let nodes = self.nodes();
        self.seen(|now| &mut now.nodes, async {
            let nodes = nodes.list(&ListParams::default()).await?;
            Ok(nodes.items.into_iter().map(Arc::new).collect())
        })
    }
}
