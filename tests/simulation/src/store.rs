//! The embedded store, with points at which calls go wrong.

use std::future::pending;
use std::sync::Arc;

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_provider_sim::Moment;
use ovo_store::{
    ClusterEvent, Embedded, Freshness, Hints, ObjectKey, SecretObject, Store, StoreError,
};

use crate::gate::{Class, Fault, Gate};

/// A store in which one call can go wrong.
#[derive(Clone)]
pub struct GatedStore {
    inner: Embedded,
    gate: Gate,
}

impl GatedStore {
    /// This store behind this gate.
    pub const fn new(inner: Embedded, gate: Gate) -> Self {
        Self { inner, gate }
    }

    async fn write<T>(
        &self,
        what: &'static str,
        object: String,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.gate.pass(Class::StoreWrite, Moment::Before, || {
            format!("{what} {object}")
        }) {
            None => {}
            Some(Fault::Crash) => pending::<()>().await,
            Some(Fault::Conflict) => {
                return Err(StoreError::Conflict {
                    object,
                    given: "0".to_owned(),
                    current: "1".to_owned(),
                });
            }
            Some(_) => return Err(StoreError::Unavailable("injected".to_owned())),
        }
        let answer = call.await;
        match self.gate.pass(Class::StoreWrite, Moment::After, || {
            format!("{what} {object}")
        }) {
            None => answer,
            Some(Fault::Crash) => pending().await,
            Some(_) => Err(StoreError::Unavailable("injected: answer lost".to_owned())),
        }
    }

    async fn read<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self
            .gate
            .pass(Class::StoreRead, Moment::Before, || what.to_owned())
        {
            None => call.await,
            Some(Fault::Crash) => pending().await,
            Some(_) => Err(StoreError::Unavailable("injected".to_owned())),
        }
    }
}

fn name(what: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> String {
    what.name.clone().unwrap_or_default()
}

impl Store for GatedStore {
    type Hints = Hints;

    async fn clusters(&self) -> Result<Vec<ObjectKey>, StoreError> {
        self.inner.clusters().await
    }

    async fn cluster(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
        let what = if freshness == Freshness::Live {
            "get cluster live"
        } else {
            "get cluster"
        };
        self.read(what, self.inner.cluster(key, freshness)).await
    }

    async fn nodes(
        &self,
        cluster: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Vec<Arc<OpenViduNode>>, StoreError> {
        let what = if freshness == Freshness::Live {
            "list nodes live"
        } else {
            "list nodes"
        };
        self.read(what, self.inner.nodes(cluster, freshness)).await
    }

    async fn create_node(&self, node: OpenViduNode) -> Result<Arc<OpenViduNode>, StoreError> {
        let object = name(&node.metadata);
        self.write("create node", object, self.inner.create_node(node))
            .await
    }

    async fn replace_node_status(
        &self,
        node: &OpenViduNode,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        self.write(
            "write node status",
            name(&node.metadata),
            self.inner.replace_node_status(node),
        )
        .await
    }

    async fn delete_node(&self, node: &ObjectKey) -> Result<(), StoreError> {
        self.write(
            "delete node",
            node.name.clone(),
            self.inner.delete_node(node),
        )
        .await
    }

    async fn set_node_finalizers(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let call = self
            .inner
            .set_node_finalizers(node, resource_version, finalizers);
        self.write("set node finalizers", node.name.clone(), call)
            .await
    }

    async fn remove_node_annotation(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        annotation: &str,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let call = self
            .inner
            .remove_node_annotation(node, resource_version, annotation);
        self.write("remove node annotation", node.name.clone(), call)
            .await
    }

    async fn replace_cluster_status(
        &self,
        cluster: &OpenViduCluster,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        self.write(
            "write status",
            name(&cluster.metadata),
            self.inner.replace_cluster_status(cluster),
        )
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
        let call =
            self.inner
                .adopt_cluster(cluster, resource_version, finalizer, annotation, value);
        self.write("adopt cluster", cluster.name.clone(), call)
            .await
    }

    async fn set_cluster_finalizers(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let call = self
            .inner
            .set_cluster_finalizers(cluster, resource_version, finalizers);
        self.write("set cluster finalizers", cluster.name.clone(), call)
            .await
    }

    async fn secret(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<SecretObject>>, StoreError> {
        self.read("get secret", self.inner.secret(key, freshness))
            .await
    }

    async fn create_secret(&self, secret: SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        let object = name(&secret.metadata);
        self.write("create secret", object, self.inner.create_secret(secret))
            .await
    }

    async fn update_secret(&self, secret: &SecretObject) -> Result<Arc<SecretObject>, StoreError> {
        self.write(
            "update secret",
            name(&secret.metadata),
            self.inner.update_secret(secret),
        )
        .await
    }

    async fn record_event(&self, event: ClusterEvent) -> Result<(), StoreError> {
        self.inner.record_event(event).await
    }

    fn watch(&self) -> Hints {
        self.inner.watch()
    }
}
