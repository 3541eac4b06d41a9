//! The Kubernetes adapter: objects in an API server.
//!
//! Reads are answered from watches, or live by a quorum read. Every write compares `resourceVersion` and is sent at
//! most once. What this process wrote is remembered until the watch has delivered it, so nothing that is answered from
//! the cache is older than our own writes.

mod ahead;
mod backoff;
pub mod bugs;
mod cache;
#[cfg(test)]
mod cache_history;
mod call;
mod client;
mod definitions;
mod desk;
mod error;
mod events;
mod gate;
mod health;
mod kind;
mod lease;
mod limits;
mod lookup;
mod objects;
mod options;
mod packed;
mod secret_cache;
mod secret_wire;
mod secrets;
mod series;
mod store;
mod subject;
mod synced;
mod tolerant;
mod transport;
mod version;
mod watching;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
pub use kube::Client;
use kube::core::PartialObjectMeta;
use kube::{Api, Resource};
use ovo_api::credentials::GENERATED_SUFFIX;
use ovo_api::{OpenViduCluster, OpenViduNode};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use client::{client, infer};
pub use definitions::{Lacking, lacking};
pub use desk::{Desk, DeskOptions, recorded};
pub use gate::{AlwaysOpen, Gate};
pub use health::{Health, STALLED_AFTER, WatchState};
pub use lease::{Elector, Leadership, LeaseOptions};
pub use limits::Limits;
pub use options::{CALL_TIMEOUT, FIELD_MANAGER, KubernetesOptions, Scope, SecretAccess};
pub use tolerant::Malformed;

use events::Events;
use health::WatchHealth;
use kind::Kind;
use objects::Objects;
use secrets::Secrets;
use subject::Subject;
use tolerant::Tolerant;
use transport::Transport;
use watching::follow;

use crate::hints::Hub;
use crate::key::ObjectKey;

/// Objects in an API server. Clones share the watches, which end with the last of them.
#[derive(Clone)]
pub struct KubernetesStore {
    parts: Arc<Parts>,
    health: Health,
    _tasks: Arc<JoinSet<()>>,
}

struct Parts {
    clusters: Objects<OpenViduCluster>,
    nodes: Objects<OpenViduNode>,
    secrets: Secrets,
    events: Events,
    hub: Hub,
}

// === impl KubernetesStore ===

impl KubernetesStore {
    /// Begins to watch. Must be called on a tokio runtime.
    ///
    /// `client` is any client, see [`client`] and [`infer`]; a test may put faults into it. `gate` is asked before
    /// each change is sent.
    pub fn start(client: Client, options: &KubernetesOptions, gate: impl Gate) -> Self {
        let transport = Transport::new(client, options, Arc::new(gate));
        let (clusters, nodes) = (health_of::<OpenViduCluster>(), health_of::<OpenViduNode>());
        let secrets = match options.secrets {
            SecretAccess::Watch => Some(health_of::<Secret>()),
            SecretAccess::Get => None,
        };
        let parts = Arc::new(Parts {
            clusters: Objects::new(transport.clone(), options),
            nodes: Objects::new(transport.clone(), options),
            secrets: Secrets::new(transport.clone(), options, secrets.clone()),
            events: Events::new(transport.clone(), &options.instance),
            hub: Hub::default(),
        });
        let mut tasks = JoinSet::new();
        let watch = Watch {
            transport: &transport,
            options,
            parts: &parts,
        };
        watch.objects(&mut tasks, &clusters, |parts| &parts.clusters);
        watch.objects(&mut tasks, &nodes, |parts| &parts.nodes);
        if let Some(secrets) = &secrets {
            watch.secrets(&mut tasks, secrets);
        }
        let writer = parts.clone();
        tasks.spawn(async move { writer.events.run().await });
        Self {
            parts,
            health: Health::of([clusters, nodes].into_iter().chain(secrets).collect()),
            _tasks: Arc::new(tasks),
        }
    }

    /// How the watches fare. Readiness is [`Health::check`].
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Waits until everything has been listed once.
    pub async fn synced(&self) {
        loop {
            let (clusters, nodes) = (&self.parts.clusters.synced, &self.parts.nodes.synced);
            if clusters.wait().await.is_ok() && nodes.wait().await.is_ok() {
                return;
            }
        }
    }

    /// Objects that cannot be read, of both kinds. Their clusters stand still; all others go on.
    pub fn malformed(&self) -> Vec<Malformed> {
        let mut malformed = self.parts.clusters.cache().malformed();
        malformed.extend(self.parts.nodes.cache().malformed());
        malformed
    }

    /// Waits until the events that were recorded are written, at most this long. For the end of the process.
    pub async fn flush_events(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.parts.events.flush())
            .await
            .is_err()
        {
            tracing::warn!("some events were not written before the end");
        }
    }
}

impl fmt::Debug for KubernetesStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesStore")
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

// === impl Parts ===

impl Parts {
    /// This Secret changed: whoever may use it is to be looked at. One that was generated for a cluster is that
    /// cluster's alone: else a thousand new clusters in one namespace would be a million looks.
    fn tell_secret(&self, secret: &ObjectKey) {
        let mut keys = self.clusters.cache().keys();
        let generated_for = secret.name.strip_suffix(GENERATED_SUFFIX);
        match generated_for.map(|cluster| secret.sibling(cluster)) {
            Some(cluster) if keys.contains(&cluster) => keys = [cluster].into(),
            _ => keys.retain(|key| key.namespace == secret.namespace),
        }
        self.hub.tell(&keys);
    }
}

/// What the tasks of the watches are made from.
struct Watch<'a> {
    transport: &'a Arc<Transport>,
    options: &'a KubernetesOptions,
    parts: &'a Arc<Parts>,
}

// === impl Watch ===

impl Watch<'_> {
    fn objects<K: Kind>(
        &self,
        tasks: &mut JoinSet<()>,
        health: &Arc<WatchHealth>,
        of: fn(&Parts) -> &Objects<K>,
    ) {
        let parts = self.parts.clone();
        let take = move |event| {
            let objects = of(&parts);
            let changes = objects.cache().take(event, Instant::now());
            if let Some(malformed) = changes.malformed {
                tracing::error!("{malformed}");
            }
            if changes.listed {
                objects.synced.set();
            }
            parts.hub.tell(&changes.clusters);
        };
        let (api, subject) = self.api::<Tolerant<K>>(health, |_| Ok(()));
        tasks.spawn(follow(
            api,
            subject,
            self.options.watch_timeout,
            health.clone(),
            take,
        ));
    }

    fn secrets(&self, tasks: &mut JoinSet<()>, health: &Arc<WatchHealth>) {
        let parts = self.parts.clone();
        let take = move |event| {
            for secret in parts.secrets.take(event) {
                parts.tell_secret(&secret);
            }
        };
        let (api, subject) = self.api::<PartialObjectMeta<Secret>>(health, secret_wire::readable);
        tasks.spawn(follow(
            api,
            subject,
            self.options.watch_timeout,
            health.clone(),
            take,
        ));
    }

    fn api<K>(
        &self,
        health: &Arc<WatchHealth>,
        readable: fn(&[u8]) -> Result<(), String>,
    ) -> (Api<K>, Subject)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let client = self.transport.watching(health, readable);
        match &self.options.scope {
            Scope::Namespace(namespace) => (
                Api::namespaced(client, namespace),
                Subject::all::<K>("watch", Some(namespace.clone())),
            ),
            Scope::AllNamespaces => (Api::all(client), Subject::all::<K>("watch", None)),
        }
    }
}

fn health_of<K: Resource<DynamicType = ()>>() -> Arc<WatchHealth> {
    WatchHealth::new(K::plural(&()).into_owned())
}
