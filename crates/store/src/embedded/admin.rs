//! What people do to an embedded store: look, annotate, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use ovo_api::{OpenViduCluster, OpenViduNode};

use crate::embedded::Embedded;
use crate::embedded::events::RecordedEvent;
use crate::embedded::object::{self, Object};
use crate::error::StoreError;
use crate::key::ObjectKey;

/// A cluster with what only the store knows of it.
#[derive(Clone, Debug)]
pub struct ClusterView {
    /// The object.
    pub cluster: Arc<OpenViduCluster>,
    /// The file of its manifest, as it was named when last applied.
    pub file: Option<String>,
    /// Whether the manifest has vanished, so that nothing of the cluster is written.
    pub unmanaged: bool,
}

// === impl Embedded ===

impl Embedded {
    /// All clusters that can be read, by namespace and name.
    pub fn list_clusters(&self) -> Vec<ClusterView> {
        let image = self.core.image();
        let view = |(key, cluster): (&ObjectKey, &Arc<OpenViduCluster>)| ClusterView {
            cluster: cluster.clone(),
            file: image.origins.get(key).map(|origin| origin.file.clone()),
            unmanaged: image.is_unmanaged(key),
        };
        image.clusters.iter().map(view).collect()
    }

    /// All node records that can be read, by namespace and name.
    pub fn list_nodes(&self) -> Vec<Arc<OpenViduNode>> {
        self.core.image().nodes.values().cloned().collect()
    }

    /// A cluster.
    pub fn get_cluster(&self, key: &ObjectKey) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        Ok(self.core.image().cluster(key)?.cloned())
    }

    /// A node record.
    pub fn get_node(&self, key: &ObjectKey) -> Result<Option<Arc<OpenViduNode>>, StoreError> {
        Ok(self.core.image().node(key)?.cloned())
    }

    /// The events about a cluster or a node (`kind`), oldest first.
    pub fn events(&self, key: &ObjectKey, kind: &str) -> Vec<RecordedEvent> {
        self.core.image().events.about(key, kind)
    }

    /// All events that are kept, also about objects that are gone, oldest first.
    pub fn all_events(&self) -> Vec<RecordedEvent> {
        self.core.image().events.all()
    }

    /// Where clusters come from: what was applied, from which file, and which manifests vanished.
    pub fn origins(&self) -> BTreeMap<ObjectKey, Arc<super::Origin>> {
        self.core.image().origins.clone()
    }

    /// Why entries of the database cannot be read. Everything else goes on without them.
    pub fn unreadable(&self) -> Vec<String> {
        self.core.image().broken.values().cloned().collect()
    }

    /// Sets an annotation of a cluster, or removes it with `None`.
    pub async fn set_cluster_annotation(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let key = key.clone();
        let (annotation, value) = (annotation.to_owned(), value.map(str::to_owned));
        self.write(move |tx| {
            let stored = tx.stored_cluster(&key)?;
            match annotated::<OpenViduCluster>(stored, annotation, value) {
                Some(next) => tx.put_cluster(next),
                None => Ok(stored.clone()),
            }
        })
        .await
    }

    /// Sets an annotation of a node, or removes it with `None`.
    pub async fn set_node_annotation(
        &self,
        key: &ObjectKey,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let key = key.clone();
        let (annotation, value) = (annotation.to_owned(), value.map(str::to_owned));
        self.write(move |tx| {
            let stored = tx.stored_node(&key)?;
            match annotated::<OpenViduNode>(stored, annotation, value) {
                Some(next) => tx.put_node(next),
                None => Ok(stored.clone()),
            }
        })
        .await
    }

    /// Deletes a cluster: it gets a deletionTimestamp and goes when its last finalizer goes. The only way to
    /// delete one, also for one whose manifest has vanished.
    pub async fn delete_cluster(
        &self,
        key: &ObjectKey,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let key = key.clone();
        self.write(move |tx| {
            let stored = tx.stored_cluster(&key)?;
            if stored.metadata.deletion_timestamp.is_some() {
                return Ok(stored.clone());
            }
            let mut next = OpenViduCluster::clone(stored);
            object::mark_deleted(&mut next.metadata, tx.now.clone());
            tx.put_cluster(next)
        })
        .await
    }
}

/// `stored` with the annotation, or `None` where nothing changes.
fn annotated<K: Object>(stored: &K, annotation: String, value: Option<String>) -> Option<K> {
    let present = stored
        .meta()
        .annotations
        .as_ref()
        .and_then(|map| map.get(&annotation));
    if present == value.as_ref() {
        return None;
    }
    let mut next = stored.clone();
    let meta: &mut ObjectMeta = next.meta_mut();
    let annotations = meta.annotations.get_or_insert_default();
    match value {
        Some(value) => annotations.insert(annotation, value),
        None => annotations.remove(&annotation),
    };
    object::tidy(meta);
    Some(next)
}
