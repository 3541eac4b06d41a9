//! The conformance suite finds what it is there to find: each bug planted in a store fails the case that is named.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::EmbeddedBed;
use futures::stream::{self, BoxStream, StreamExt as _};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::conformance::{Bed, SeenEvent, failures};
use ovo_store::{
    ClusterEvent, Embedded, Freshness, ObjectKey, SecretObject, Store, StoreError, SystemClock,
};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    /// Writes a status whatever version the caller knew.
    NoCompare,
    /// Takes finalizers off instead of waiting for them.
    NoFinalizers,
    /// Answers cached reads from before the last write.
    LaggingCache,
    /// Answers live reads from before the last write.
    LaggingLive,
    /// Lists nodes by the beginning of their names.
    NodesByPrefix,
    /// Makes a Secret over one that is there.
    SecretOverwritten,
    /// Makes an event of every repeat.
    NoSeries,
    /// Never hints.
    Deaf,
    /// Hints of changes, not of what is there.
    NoBeginning,
    /// Makes node records without their status.
    NoStatus,
}

struct Sabotaged {
    inner: Embedded,
    bug: Bug,
    calls: AtomicUsize,
}

impl Sabotaged {
    fn is(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn lags(&self, freshness: Freshness) -> bool {
        let bug = match freshness {
            Freshness::Cached => Bug::LaggingCache,
            Freshness::Live => Bug::LaggingLive,
        };
        self.is(bug)
    }
}

impl Store for Sabotaged {
    type Hints = BoxStream<'static, ObjectKey>;

    async fn clusters(&self) -> Result<Vec<ObjectKey>, StoreError> {
        self.inner.clusters().await
    }

    async fn cluster(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        let read = self.inner.cluster(key, freshness).await?;
        if !self.lags(freshness) {
            return Ok(read);
        }
        Ok(read.map(|cluster| {
            let mut old = OpenViduCluster::clone(&cluster);
            old.status = None;
            Arc::new(old)
        }))
    }

    async fn nodes(
        &self,
        cluster: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Vec<Arc<OpenViduNode>>, StoreError> {
        if self.is(Bug::NodesByPrefix) {
            let mut nodes = self.inner.list_nodes();
            nodes.retain(|node| {
                let key = ObjectKey::of(&**node);
                key.namespace == cluster.namespace && key.name.starts_with(&cluster.name)
            });
            return Ok(nodes);
        }
        let nodes = self.inner.nodes(cluster, freshness).await?;
        Ok(if self.lags(freshness) {
            Vec::new()
        } else {
            nodes
        })
    }

    async fn create_node(&self, mut node: OpenViduNode) -> Result<Arc<OpenViduNode>, StoreError> {
        if self.is(Bug::NoStatus) {
            node.status = None;
        }
        self.inner.create_node(node).await
    }

    async fn replace_node_status(
        &self,
        node: &OpenViduNode,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let mut node = node.clone();
        if self.is(Bug::NoCompare)
            && let Some(stored) = self.inner.get_node(&ObjectKey::of(&node))?
        {
            node.metadata = stored.metadata.clone();
        }
        self.inner.replace_node_status(&node).await
    }

    async fn delete_node(&self, node: &ObjectKey) -> Result<(), StoreError> {
        if self.is(Bug::NoFinalizers)
            && let Some(stored) = self.inner.get_node(node)?
        {
            let version = stored.metadata.resource_version.clone().unwrap();
            self.inner
                .set_node_finalizers(node, &version, Vec::new())
                .await?;
        }
        self.inner.delete_node(node).await
    }

    async fn set_node_finalizers(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        self.inner
            .set_node_finalizers(node, resource_version, finalizers)
            .await
    }

    async fn remove_node_annotation(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        annotation: &str,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        self.inner
            .remove_node_annotation(node, resource_version, annotation)
            .await
    }

    async fn replace_cluster_status(
        &self,
        cluster: &OpenViduCluster,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let mut cluster = cluster.clone();
        if self.is(Bug::NoCompare)
            && let Some(stored) = self.inner.get_cluster(&ObjectKey::of(&cluster))?
        {
            cluster.metadata = stored.metadata.clone();
        }
        self.inner.replace_cluster_status(&cluster).await
    }

    async fn adopt_cluster(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizer: &str,
        annotation: &str,
        value: &str,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        self.inner
            .adopt_cluster(cluster, resource_version, finalizer, annotation, value)
            .await
    }

    async fn set_cluster_finalizers(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        self.inner
            .set_cluster_finalizers(cluster, resource_version, finalizers)
            .await
    }

    async fn secret(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<SecretObject>>, StoreError> {
        self.inner.secret(key, freshness).await
    }

    async fn create_secret(
        &self,
        mut secret: SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        if self.is(Bug::SecretOverwritten)
            && let Some(stored) = self.inner.secret(&secret.key(), Freshness::Live).await?
        {
            secret.metadata = stored.metadata.clone();
            return self.inner.update_secret(&secret).await;
        }
        self.inner.create_secret(secret).await
    }

    async fn update_secret(&self, secret: &SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        self.inner.update_secret(secret).await
    }

    async fn record_event(&self, mut event: ClusterEvent) -> Result<(), StoreError> {
        if self.is(Bug::NoSeries) {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            event.reason = format!("{}{call}", event.reason);
        }
        self.inner.record_event(event).await
    }

    fn watch(&self) -> Self::Hints {
        let hints = self.inner.watch();
        match self.bug {
            Bug::Deaf => stream::empty().boxed(),
            Bug::NoBeginning => {
                let present = self.inner.list_clusters().len();
                // Ends where a real one would go silent, so that the case need not wait.
                hints.skip(present).take(0).boxed()
            }
            _ => hints.boxed(),
        }
    }
}

struct SabotagedBed {
    store: Sabotaged,
    people: EmbeddedBed,
}

impl Bed for SabotagedBed {
    type Store = Sabotaged;

    fn store(&self) -> &Sabotaged {
        &self.store
    }

    async fn namespace(&self, name: &str) -> String {
        self.people.namespace(name).await
    }

    async fn apply(&self, document: Value) -> Result<Arc<OpenViduCluster>, StoreError> {
        self.people.apply(document).await
    }

    async fn delete_cluster(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.people.delete_cluster(key).await
    }

    async fn annotate_cluster(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.people.annotate_cluster(key, annotation, value).await
    }

    async fn annotate_node(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.people.annotate_node(key, annotation, value).await
    }

    async fn events(&self, key: &ObjectKey, kind: &str) -> Vec<SeenEvent> {
        self.people.events(key, kind).await
    }
}

async fn found(bug: Bug) -> Vec<&'static str> {
    let inner = Embedded::in_memory(SystemClock, 1);
    let store = Sabotaged {
        inner: inner.clone(),
        bug,
        calls: AtomicUsize::new(0),
    };
    let people = EmbeddedBed::new(inner);
    let bed = SabotagedBed { store, people };
    failures(&bed)
        .await
        .into_iter()
        .map(|failure| failure.case)
        .collect()
}

// The clock stands still: what a bug keeps from ever happening is waited for in no time.
#[tokio::test(start_paused = true)]
async fn every_planted_bug_is_found() {
    assert_eq!(found(Bug::None).await, [""; 0]);
    for (bug, case) in [
        (Bug::NoCompare, "clusters::an_old_version_is_a_conflict"),
        (Bug::NoCompare, "clusters::racing_writers_lose_nothing"),
        (Bug::NoCompare, "nodes::a_status_write_changes_nothing_else"),
        (Bug::NoFinalizers, "deletion::finalizers_hold_a_record"),
        (
            Bug::LaggingCache,
            "clusters::reads_never_lag_behind_own_writes",
        ),
        (
            Bug::LaggingLive,
            "clusters::a_status_write_changes_nothing_else",
        ),
        (Bug::NodesByPrefix, "nodes::records_are_listed_by_cluster"),
        (Bug::SecretOverwritten, "secrets::a_second_one_is_refused"),
        (Bug::NoSeries, "events::repeats_join_a_series"),
        (Bug::Deaf, "watch::every_kind_of_change_is_hinted"),
        (Bug::NoBeginning, "watch::all_that_is_there_comes_first"),
        (Bug::NoStatus, "nodes::a_record_is_made_with_its_status"),
    ] {
        let found = found(bug).await;
        assert!(found.contains(&case), "{bug:?}: {found:?}");
    }
}
