//! The port: all that the engine may ask of a store.

use std::future::Future;
use std::sync::Arc;

use futures::Stream;
use ovo_api::{OpenViduCluster, OpenViduNode};

use crate::error::StoreError;
use crate::event::ClusterEvent;
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// From a cache that follows the store. Never older than what this process wrote and got an answer for.
    Cached,
    /// From the store itself, now. Asked for right before anything destructive.
    Live,
}

/// Where objects are kept.
///
/// Every write compares `metadata.resourceVersion` with what is stored and answers [`StoreError::Conflict`] when
/// they differ; an absent version is a conflict too. A write that changes nothing succeeds, keeps the version
/// and tells nobody. Each returns the object as it is stored afterwards.
///
/// [`StoreError::Unavailable`] leaves open whether the write took effect; every other error means that it did not.
pub trait Store: Send + Sync + 'static {
    /// See [`Store::watch`].
    type Hints: Stream<Item = ObjectKey> + Send + Unpin + 'static;

    /// The clusters that are to be reconciled, in order. One whose manifest has vanished is not among them
    /// unless it is being deleted.
    fn clusters(&self) -> impl Future<Output = Result<Vec<ObjectKey>, StoreError>> + Send;

    /// A cluster, or `None` where it does not exist.
    fn cluster(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Option<Arc<OpenViduCluster>>, StoreError>> + Send;

    /// The node records of a cluster (those in its namespace whose `spec.cluster` names it), by name.
    fn nodes(
        &self,
        cluster: &ObjectKey,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Vec<Arc<OpenViduNode>>, StoreError>> + Send;

    /// Makes a node record, status included. On Kubernetes these are two calls: a crash between them leaves a
    /// record in phase Pending, which is harmless and is taken up again.
    fn create_node(
        &self,
        node: OpenViduNode,
    ) -> impl Future<Output = Result<Arc<OpenViduNode>, StoreError>> + Send;

    /// Writes a node's status; spec and metadata stay as stored.
    fn replace_node_status(
        &self,
        node: &OpenViduNode,
    ) -> impl Future<Output = Result<Arc<OpenViduNode>, StoreError>> + Send;

    /// Deletes a node record: it gets a deletionTimestamp and goes when its last finalizer goes, at once where
    /// it has none. Deleting what is being deleted changes nothing.
    fn delete_node(&self, node: &ObjectKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sets the finalizers of a node record. While it is being deleted none can be added.
    fn set_node_finalizers(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> impl Future<Output = Result<Arc<OpenViduNode>, StoreError>> + Send;

    /// Removes an annotation of a node that was obeyed (`openvidu.io/force`); one that is not there is no error.
    fn remove_node_annotation(
        &self,
        node: &ObjectKey,
        resource_version: &str,
        annotation: &str,
    ) -> impl Future<Output = Result<Arc<OpenViduNode>, StoreError>> + Send;

    /// Writes a cluster's status; spec and metadata stay as stored. The only commit point: the intent is in it.
    fn replace_cluster_status(
        &self,
        cluster: &OpenViduCluster,
    ) -> impl Future<Output = Result<Arc<OpenViduCluster>, StoreError>> + Send;

    /// Makes a cluster ours, in one write: adds a finalizer where it is not there yet, and sets an annotation (the
    /// infrastructure id). A cluster that is being deleted takes no new finalizer.
    fn adopt_cluster(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizer: &str,
        annotation: &str,
        value: &str,
    ) -> impl Future<Output = Result<Arc<OpenViduCluster>, StoreError>> + Send;

    /// Sets the finalizers of a cluster. While it is being deleted none can be added; with the last one a
    /// deleted cluster goes, and what is returned is how it was last.
    fn set_cluster_finalizers(
        &self,
        cluster: &ObjectKey,
        resource_version: &str,
        finalizers: Vec<String>,
    ) -> impl Future<Output = Result<Arc<OpenViduCluster>, StoreError>> + Send;

    /// A Secret with its values, or `None` where it does not exist.
    fn secret(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Option<Arc<SecretObject>>, StoreError>> + Send;

    /// Makes a Secret. When one is there, [`StoreError::AlreadyExists`]: read it, never generate again.
    fn create_secret(
        &self,
        secret: SecretObject,
    ) -> impl Future<Output = Result<Arc<SecretObject>, StoreError>> + Send;

    /// Writes a Secret's values, labels, annotations and finalizers.
    fn update_secret(
        &self,
        secret: &SecretObject,
    ) -> impl Future<Output = Result<Arc<SecretObject>, StoreError>> + Send;

    /// Records an event. Repeats join a series instead of making another event.
    fn record_event(
        &self,
        event: ClusterEvent,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Clusters to look at: first each one that is there, then each time a cluster, one of its nodes or a Secret
    /// in its namespace may have changed. Hints only: repeats are merged, and losing all of them costs only time.
    fn watch(&self) -> Self::Hints;
}
