//! The port over the embedded store.

use std::sync::Arc;

use ovo_api::node::NODE_FORMAT_VERSION;
use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_api::{OpenViduCluster, OpenViduNode};

use crate::embedded::Embedded;
use crate::embedded::admission;
use crate::embedded::object::{self, Object, describe};
use crate::error::StoreError;
use crate::event::ClusterEvent;
use crate::hints::Hints;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};
use crate::secret::SecretObject;

impl Store for Embedded {
    type Hints = Hints;

    async fn clusters(&self) -> Result<Vec<ObjectKey>, StoreError> {
        let image = self.core.image();
        let managed = |key: &&ObjectKey| !image.is_unmanaged(key);
        Ok(image
            .cluster_keys()
            .iter()
            .filter(managed)
            .cloned()
            .collect())
    }

    async fn cluster(
        &self,
        key: &ObjectKey,
        _freshness: Freshness,
    ) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        Ok(self.core.image().cluster(key)?.cloned())
    }

    async fn nodes(
        &self,
        cluster: &ObjectKey,
        _freshness: Freshness,
    ) -> Result<Vec<Arc<OpenViduNode>>, StoreError> {
        Ok(self.core.image().members(cluster)?.cloned().collect())
    }

    async fn create_node(&self, mut node: OpenViduNode) -> Result<Arc<OpenViduNode>, StoreError> {
        self.write(move |tx| {
            let key = ObjectKey::of(&node);
            key.check(OpenViduNode::KIND)?;
            tx.check_managed(&key.sibling(node.spec.cluster.clone()))?;
            if tx.image.node(&key)?.is_some() {
                return Err(StoreError::AlreadyExists(describe(
                    OpenViduNode::KIND,
                    &key,
                )));
            }
            let uid = tx.uid()?;
            object::initialize(&mut node.metadata, &key, uid, tx.now.clone());
            admission::node(&node)?;
            tx.put_node(node)
        })
        .await
    }

    async fn replace_node_status(
        &self,
        node: &OpenViduNode,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let request = node.clone();
        self.write(move |tx| {
            let key = ObjectKey::of(&request);
            let stored = tx.stored_node(&key)?;
            tx.check_managed(&key.sibling(stored.spec.cluster.clone()))?;
            object::check_format(
                OpenViduNode::KIND,
                &key,
                stored
                    .status
                    .as_ref()
                    .map_or(0, |status| status.format_version),
                NODE_FORMAT_VERSION,
            )?;
            check_current(&**stored, &request)?;
            match object::with_status(&**stored, request) {
                Some(next) => {
                    if tx.is_exact() {
                        admission::node_status(&next, stored)?;
                    }
                    tx.put_node(next)
                }
                None => Ok(stored.clone()),
            }
        })
        .await
    }

    async fn delete_node(&self, node: &ObjectKey) -> Result<(), StoreError> {
        let key = node.clone();
        self.write(move |tx| {
            let stored = tx.stored_node(&key)?;
            tx.check_managed(&key.sibling(stored.spec.cluster.clone()))?;
            tx.delete_node(stored)
        })
        .await
    }

    async fn set_node_finalizers(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let (key, version) = (node.clone(), resource_version.to_owned());
        self.write(move |tx| {
            let stored = tx.stored_node(&key)?;
            tx.check_managed(&key.sibling(stored.spec.cluster.clone()))?;
            object::check_version(OpenViduNode::KIND, &key, &stored.metadata, Some(&version))?;
            object::check_finalizers(OpenViduNode::KIND, &key, &stored.metadata, &finalizers)?;
            let mut next = OpenViduNode::clone(stored);
            next.metadata.finalizers = Some(finalizers);
            object::tidy(&mut next.metadata);
            if next.metadata == stored.metadata {
                return Ok(stored.clone());
            }
            tx.put_node(next)
        })
        .await
    }

    async fn remove_node_annotation(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        annotation: &str,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let (key, version) = (node.clone(), resource_version.to_owned());
        let annotation = annotation.to_owned();
        self.write(move |tx| {
            let stored = tx.stored_node(&key)?;
            tx.check_managed(&key.sibling(stored.spec.cluster.clone()))?;
            object::check_version(OpenViduNode::KIND, &key, &stored.metadata, Some(&version))?;
            let mut next = OpenViduNode::clone(stored);
            let removed = next
                .metadata
                .annotations
                .as_mut()
                .and_then(|map| map.remove(&annotation));
            if removed.is_none() {
                return Ok(stored.clone());
            }
            object::tidy(&mut next.metadata);
            tx.put_node(next)
        })
        .await
    }

    async fn replace_cluster_status(
        &self,
        cluster: &OpenViduCluster,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let request = cluster.clone();
        self.write(move |tx| {
            let key = ObjectKey::of(&request);
            let stored = tx.stored_cluster(&key)?;
            tx.check_managed(&key)?;
            let intent = stored
                .status
                .as_ref()
                .and_then(|status| status.intent.as_ref());
            object::check_format(
                OpenViduCluster::KIND,
                &key,
                intent.map_or(0, |intent| intent.format_version),
                INTENT_FORMAT_VERSION,
            )?;
            check_current(&**stored, &request)?;
            match object::with_status(&**stored, request) {
                Some(next) => {
                    if tx.is_exact() {
                        admission::cluster_status(&next)?;
                    }
                    tx.put_cluster(next)
                }
                None => Ok(stored.clone()),
            }
        })
        .await
    }

    async fn adopt_cluster(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizer: &str,
        annotation: &str,
        value: &str,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let (key, version) = (cluster.clone(), resource_version.to_owned());
        let finalizer = finalizer.to_owned();
        let (annotation, value) = (annotation.to_owned(), value.to_owned());
        self.write(move |tx| {
            let stored = tx.stored_cluster(&key)?;
            tx.check_managed(&key)?;
            let meta = &stored.metadata;
            object::check_version(OpenViduCluster::KIND, &key, meta, Some(&version))?;
            let mut next = OpenViduCluster::clone(stored);
            let finalizers = next.metadata.finalizers.get_or_insert_default();
            if !finalizers.contains(&finalizer) {
                finalizers.push(finalizer);
            }
            object::check_finalizers(OpenViduCluster::KIND, &key, meta, finalizers)?;
            let annotations = next.metadata.annotations.get_or_insert_default();
            annotations.insert(annotation, value);
            if next.metadata == *meta {
                return Ok(stored.clone());
            }
            tx.put_cluster(next)
        })
        .await
    }

    async fn set_cluster_finalizers(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let (key, version) = (cluster.clone(), resource_version.to_owned());
        self.write(move |tx| {
            let stored = tx.stored_cluster(&key)?;
            tx.check_managed(&key)?;
            let meta = &stored.metadata;
            object::check_version(OpenViduCluster::KIND, &key, meta, Some(&version))?;
            object::check_finalizers(OpenViduCluster::KIND, &key, meta, &finalizers)?;
            let mut next = OpenViduCluster::clone(stored);
            next.metadata.finalizers = Some(finalizers);
            object::tidy(&mut next.metadata);
            if next.metadata == stored.metadata {
                return Ok(stored.clone());
            }
            tx.put_cluster(next)
        })
        .await
    }

    async fn secret(
        &self,
        key: &ObjectKey,
        _freshness: Freshness,
    ) -> Result<Option<Arc<SecretObject>>, StoreError> {
        Ok(self.core.image().secret(key)?.cloned())
    }

    async fn create_secret(&self, secret: SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        self.insert_secret(secret).await
    }

    async fn update_secret(&self, secret: &SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        self.replace_secret(secret.clone()).await
    }

    async fn record_event(&self, event: ClusterEvent) -> Result<(), StoreError> {
        self.write(move |tx| tx.put_event(event)).await
    }

    fn watch(&self) -> Hints {
        self.core.hub().listen(|| self.core.image().cluster_keys())
    }
}

/// Version and, where the caller names one, uid.
fn check_current<K: Object>(stored: &K, request: &K) -> Result<(), StoreError> {
    let (key, given) = (ObjectKey::of(stored), request.meta());
    object::check_uid(K::KIND, &key, stored.meta(), given.uid.as_deref())?;
    object::check_version(
        K::KIND,
        &key,
        stored.meta(),
        given.resource_version.as_deref(),
    )
}
