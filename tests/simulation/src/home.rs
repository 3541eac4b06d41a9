//! Where the objects of a bed are kept: the operator's way to them, and a person's.

use std::future::Future;
use std::sync::Arc;

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::embedded::Manifest;
use ovo_store::{Embedded, ObjectKey, SecretObject, Store};
use serde_json::Value;

use crate::bed::{key, now_or_never};
use crate::gate::Gate;
use crate::store::GatedStore;

/// A place for the objects of one cluster. What a person does is done when the call returns, and the operator knows.
pub trait Home {
    /// What the operator is given.
    type Store: Store;

    /// The store of an operator that begins now and remembers nothing.
    fn operator(&self, gate: &Gate) -> Self::Store;

    /// The answer of the operator; `None`: it died on the way.
    fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T>;

    /// Points of this place count from now on.
    fn arm(&self) {}

    /// Whether the operator died at a point of this place; asking brings it back to life.
    fn take_dead(&self) -> bool {
        false
    }

    /// The cluster's key.
    fn key(&self) -> ObjectKey;

    /// A person makes a Secret.
    fn create(&self, secret: SecretObject);

    /// A person applies a manifest; its name and namespace are those of [`Home::key`].
    fn apply_manifest(&self, document: Value);

    /// A person deletes the cluster.
    fn delete(&self);

    /// A person deletes a node's object.
    fn delete_record(&self, name: &str);

    /// The cluster as it is stored.
    fn stored(&self) -> Option<Arc<OpenViduCluster>>;

    /// The node records as they are stored.
    fn records(&self) -> Vec<Arc<OpenViduNode>>;
}

#[expect(
    clippy::expect_used,
    reason = "memory does not fail, and a manifest that is refused fails its test"
)]
impl Home for Embedded {
    type Store = GatedStore;

    fn operator(&self, gate: &Gate) -> GatedStore {
        GatedStore::new(self.clone(), gate.clone())
    }

    fn drive<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        now_or_never(work)
    }

    fn key(&self) -> ObjectKey {
        key()
    }

    fn create(&self, secret: SecretObject) {
        now_or_never(self.create_secret(secret))
            .expect("at once")
            .expect("a new Secret");
    }

    fn apply_manifest(&self, document: Value) {
        let manifest = Manifest {
            key: key(),
            document,
            file: "demo.yaml".to_owned(),
        };
        now_or_never(self.apply(manifest))
            .expect("at once")
            .expect("a valid manifest");
    }

    fn delete(&self) {
        now_or_never(self.delete_cluster(&key()))
            .expect("at once")
            .expect("a cluster to delete");
    }

    fn delete_record(&self, name: &str) {
        now_or_never(self.delete_node(&key().sibling(name)))
            .expect("at once")
            .expect("a node to delete");
    }

    fn stored(&self) -> Option<Arc<OpenViduCluster>> {
        self.get_cluster(&key()).expect("memory")
    }

    fn records(&self) -> Vec<Arc<OpenViduNode>> {
        self.list_nodes()
    }
}
