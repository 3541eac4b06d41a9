//! What the tests of the embedded store share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_store::conformance::{Bed, SeenEvent};
use ovo_store::embedded::{Applied, Manifest};
use ovo_store::key::DEFAULT_NAMESPACE;
use ovo_store::{Embedded, ObjectKey, StoreError};
use serde_json::Value;

/// The embedded store under the conformance suite.
pub struct EmbeddedBed {
    store: Embedded,
}

impl EmbeddedBed {
    pub fn new(store: Embedded) -> Self {
        Self { store }
    }
}

/// A manifest of a document.
pub fn manifest(document: Value) -> Manifest {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    Manifest {
        key: ObjectKey::new(
            text("/metadata/namespace").unwrap_or(DEFAULT_NAMESPACE),
            text("/metadata/name").unwrap_or_default(),
        ),
        file: "cluster.yaml".to_owned(),
        document,
    }
}

/// Applies a document and returns the cluster as it is stored.
pub async fn apply(store: &Embedded, document: Value) -> Result<Arc<OpenViduCluster>, StoreError> {
    let manifest = manifest(document);
    let key = manifest.key.clone();
    match store.apply(manifest).await? {
        Applied::Created(cluster) | Applied::Changed(cluster) => Ok(cluster),
        Applied::Unchanged | Applied::DeletedBefore => Ok(store.get_cluster(&key)?.unwrap()),
    }
}

impl Bed for EmbeddedBed {
    type Store = Embedded;

    fn store(&self) -> &Embedded {
        &self.store
    }

    async fn namespace(&self, name: &str) -> String {
        name.chars()
            .take(63)
            .collect::<String>()
            .trim_end_matches('-')
            .to_owned()
    }

    async fn apply(&self, document: Value) -> Result<Arc<OpenViduCluster>, StoreError> {
        // A person who deleted a cluster and applies its manifest again wants it back.
        let key = manifest(document.clone()).key;
        if self.store.get_cluster(&key)?.is_none() {
            self.store.mark_vanished(&key).await?;
        }
        apply(&self.store, document).await
    }

    async fn delete_cluster(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.store.delete_cluster(key).await.map(drop)
    }

    async fn annotate_cluster(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        let write = self
            .store
            .set_cluster_annotation(key, annotation, Some(value));
        write.await.map(drop)
    }

    async fn annotate_node(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        let write = self.store.set_node_annotation(key, annotation, Some(value));
        write.await.map(drop)
    }

    async fn events(&self, key: &ObjectKey, kind: &str) -> Vec<SeenEvent> {
        let seen = self.store.events(key, kind).into_iter();
        seen.map(|event| SeenEvent {
            reason: event.event.reason,
            note: event.event.note,
            count: event.count,
        })
        .collect()
    }
}
