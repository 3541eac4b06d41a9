//! The port over an API server.

use std::sync::Arc;

use kube::ResourceExt as _;
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde_json::{Map, Value, json};

use super::KubernetesStore;
use super::kind::Kind;
use super::objects::Objects;
use crate::error::StoreError;
use crate::event::ClusterEvent;
use crate::hints::Hints;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};
use crate::secret::SecretObject;

impl Store for KubernetesStore {
    type Hints = Hints;

    async fn clusters(&self) -> Result<Vec<ObjectKey>, StoreError> {
        let clusters = &self.parts.clusters;
        clusters.synced.wait().await?;
        let keys = clusters.cache().keys();
        Ok(keys.into_iter().collect())
    }

    async fn cluster(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        self.parts.clusters.get(key, freshness).await
    }

    async fn nodes(
        &self,
        cluster: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Vec<Arc<OpenViduNode>>, StoreError> {
        self.parts.nodes.members(cluster, freshness).await
    }

    async fn create_node(&self, node: OpenViduNode) -> Result<Arc<OpenViduNode>, StoreError> {
        ObjectKey::of(&node).check("OpenViduNode")?;
        self.parts.nodes.create(node).await
    }

    async fn replace_node_status(
        &self,
        node: &OpenViduNode,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        self.parts.nodes.replace_status(node).await
    }

    async fn delete_node(&self, node: &ObjectKey) -> Result<(), StoreError> {
        self.parts.nodes.delete(node).await
    }

    async fn set_node_finalizers(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        set_finalizers(&self.parts.nodes, node, resource_version, finalizers).await
    }

    async fn remove_node_annotation(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        annotation: &str,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let nodes = &self.parts.nodes;
        let base = nodes.base(node, Some(resource_version), None).await?;
        if !base.annotations().contains_key(annotation) {
            return nodes.unchanged(&base).await;
        }
        let annotations = json!({annotation: Value::Null});
        let change = Map::from_iter([("annotations".to_owned(), annotations)]);
        nodes.patch_metadata(&base, change).await
    }

    async fn replace_cluster_status(
        &self,
        cluster: &OpenViduCluster,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        self.parts.clusters.replace_status(cluster).await
    }

    async fn adopt_cluster(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizer: &str,
        annotation: &str,
        value: &str,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let clusters = &self.parts.clusters;
        let base = clusters.base(cluster, Some(resource_version), None).await?;
        let mut finalizers = base.metadata.finalizers.clone().unwrap_or_default();
        let mut change = Map::new();
        if !finalizers.iter().any(|there| there == finalizer) {
            finalizers.push(finalizer.to_owned());
            change.insert("finalizers".to_owned(), json!(finalizers));
        }
        if base.annotations().get(annotation).map(String::as_str) != Some(value) {
            change.insert("annotations".to_owned(), json!({annotation: value}));
        }
        if change.is_empty() {
            return clusters.unchanged(&base).await;
        }
        clusters.patch_metadata(&base, change).await
    }

    async fn set_cluster_finalizers(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        set_finalizers(&self.parts.clusters, cluster, resource_version, finalizers).await
    }

    async fn secret(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<SecretObject>>, StoreError> {
        self.parts.secrets.get(key, freshness).await
    }

    async fn create_secret(&self, secret: SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        let made = self.parts.secrets.create(secret).await?;
        self.parts.tell_secret(&made.key());
        Ok(made)
    }

    async fn update_secret(&self, secret: &SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        let before = secret.metadata.resource_version.clone();
        let written = self.parts.secrets.update(secret).await?;
        if written.metadata.resource_version != before {
            self.parts.tell_secret(&written.key());
        }
        Ok(written)
    }

    async fn record_event(&self, event: ClusterEvent) -> Result<(), StoreError> {
        self.parts.events.record(event);
        Ok(())
    }

    fn watch(&self) -> Hints {
        let parts = &self.parts;
        parts
            .hub
            .listen(|| parts.clusters.cache().keys().into_iter().collect())
    }
}

async fn set_finalizers<K: Kind>(
    objects: &Objects<K>,
    key: &ObjectKey,
    resource_version: &str,
    finalizers: Vec<String>,
) -> Result<Arc<K>, StoreError> {
    let base = objects.base(key, Some(resource_version), None).await?;
    if base.meta().finalizers.as_deref().unwrap_or_default() == finalizers {
        return objects.unchanged(&base).await;
    }
    let change = Map::from_iter([("finalizers".to_owned(), json!(finalizers))]);
    objects.patch_metadata(&base, change).await
}
