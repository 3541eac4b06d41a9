//! One write: it reads the image, collects changes, and has no effect until they are committed.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::embedded::ids::Ids;
use crate::embedded::image::{Change, Image, Origin, SecretRecord};
use crate::embedded::object::{self, Object, describe};
use crate::error::StoreError;
use crate::event::ClusterEvent;
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// The limit of one object in bytes of JSON: etcd's default request limit (1.5 MiB), which is what stops an
/// object on a real API server.
pub const MAX_OBJECT_BYTES: usize = 1536 * 1024;

/// One write under way.
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    pub(crate) image: &'a Image,
    pub(crate) now: Time,
    ids: &'a mut Ids,
    /// Whether objects are encoded: always for a file, on demand in memory.
    encode: bool,
    pub(crate) revision: u64,
    pub(crate) changes: Vec<Change>,
    /// Clusters to look at when this is committed.
    pub(crate) touched: BTreeSet<ObjectKey>,
    /// Secrets whose values are to be written into the operator's own files.
    pub(crate) persist: BTreeSet<ObjectKey>,
}

// === impl Tx ===

impl<'a> Tx<'a> {
    pub(crate) fn new(image: &'a Image, ids: &'a mut Ids, now: Time, encode: bool) -> Self {
        Self {
            revision: image.revision,
            image,
            now,
            ids,
            encode,
            changes: Vec::new(),
            touched: BTreeSet::new(),
            persist: BTreeSet::new(),
        }
    }

    /// Whether what is written is what a file would hold.
    pub(crate) const fn is_exact(&self) -> bool {
        self.encode
    }

    /// The stored cluster.
    pub(crate) fn stored_cluster(
        &self,
        key: &ObjectKey,
    ) -> Result<&'a Arc<OpenViduCluster>, StoreError> {
        self.image
            .cluster(key)?
            .ok_or_else(|| StoreError::NotFound(describe(OpenViduCluster::KIND, key)))
    }

    /// The stored node.
    pub(crate) fn stored_node(&self, key: &ObjectKey) -> Result<&'a Arc<OpenViduNode>, StoreError> {
        self.image
            .node(key)?
            .ok_or_else(|| StoreError::NotFound(describe(OpenViduNode::KIND, key)))
    }

    /// Refuses to write anything of a cluster whose manifest has vanished.
    pub(crate) fn check_managed(&self, cluster: &ObjectKey) -> Result<(), StoreError> {
        if self.image.is_unmanaged(cluster) {
            return Err(StoreError::Unmanaged(describe(
                OpenViduCluster::KIND,
                cluster,
            )));
        }
        Ok(())
    }

    pub(crate) fn uid(&mut self) -> Result<String, StoreError> {
        self.ids
            .uid()
            .map_err(|e| StoreError::Unavailable(format!("no randomness for a uid: {e}")))
    }

    /// The next `resourceVersion`.
    pub(crate) fn stamp(&mut self, meta: &mut ObjectMeta) {
        self.revision += 1;
        meta.resource_version = Some(self.revision.to_string());
    }

    /// Stores a cluster under the next version. With its last finalizer a deleted one goes, and all that it owns.
    pub(crate) fn put_cluster(
        &mut self,
        mut cluster: OpenViduCluster,
    ) -> Result<Arc<OpenViduCluster>, StoreError> {
        let key = ObjectKey::of(&cluster);
        self.stamp(&mut cluster.metadata);
        let gone = object::is_gone(&cluster.metadata);
        let (cluster, bytes) = self.settle(cluster, &key)?;
        let cluster = Arc::new(cluster);
        if gone {
            self.changes
                .push(Change::Cluster(key.clone(), None, Vec::new()));
            self.remember_deletion(&key)?;
            self.collect(&key, &cluster.metadata)?;
        } else {
            self.changes
                .push(Change::Cluster(key.clone(), Some(cluster.clone()), bytes));
        }
        self.touched.insert(key);
        Ok(cluster)
    }

    /// Stores a node under the next version. With its last finalizer a deleted one goes.
    pub(crate) fn put_node(
        &mut self,
        mut node: OpenViduNode,
    ) -> Result<Arc<OpenViduNode>, StoreError> {
        let key = ObjectKey::of(&node);
        self.stamp(&mut node.metadata);
        let gone = object::is_gone(&node.metadata);
        let (node, bytes) = self.settle(node, &key)?;
        let node = Arc::new(node);
        self.touched.insert(key.sibling(node.spec.cluster.clone()));
        let kept = (!gone).then(|| node.clone());
        self.changes.push(Change::Node(key, kept, bytes));
        Ok(node)
    }

    /// Stores a Secret's record under the next version, with its values.
    pub(crate) fn put_secret(
        &mut self,
        mut record: SecretRecord,
        mut secret: SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        let key = ObjectKey::from_meta(&record.metadata);
        self.stamp(&mut record.metadata);
        let gone = object::is_gone(&record.metadata);
        let (record, bytes) = self.encode(record, "Secret", &key)?;
        secret.metadata = record.metadata.clone();
        let secret = Arc::new(secret);
        self.touched.extend(self.image.clusters_in(&key.namespace));
        let kept = (!gone).then(|| (Arc::new(record), Some(secret.clone())));
        self.changes.push(Change::Secret(key, kept, bytes));
        Ok(secret)
    }

    /// Keeps a Secret's record, with values or without, under the version that it has.
    pub(crate) fn keep_secret(
        &mut self,
        record: Arc<SecretRecord>,
        values: Option<SecretObject>,
    ) -> Result<(), StoreError> {
        let key = ObjectKey::from_meta(&record.metadata);
        let (_, bytes) = self.encode(SecretRecord::clone(&record), "Secret", &key)?;
        let values = values.map(|mut secret| {
            secret.metadata = record.metadata.clone();
            Arc::new(secret)
        });
        self.touched.extend(self.image.clusters_in(&key.namespace));
        self.changes
            .push(Change::Secret(key, Some((record, values)), bytes));
        Ok(())
    }

    /// Stores where a cluster comes from.
    pub(crate) fn put_origin(
        &mut self,
        key: &ObjectKey,
        origin: Option<Origin>,
    ) -> Result<(), StoreError> {
        let (origin, bytes) = match origin {
            Some(origin) => {
                let (origin, bytes) = self.encode(origin, "manifest of", key)?;
                (Some(Arc::new(origin)), bytes)
            }
            None => (None, Vec::new()),
        };
        self.changes
            .push(Change::Origin(key.clone(), origin, bytes));
        self.touched.insert(key.clone());
        Ok(())
    }

    /// Records an event.
    pub(crate) fn put_event(&mut self, event: ClusterEvent) -> Result<(), StoreError> {
        let change = self.image.events.record(event);
        let bytes = if self.encode {
            json(&change.event, "event")?
        } else {
            Vec::new()
        };
        self.changes.push(Change::Event(change, bytes));
        Ok(())
    }

    /// A deleted cluster whose manifest is still there must not come back by itself.
    fn remember_deletion(&mut self, key: &ObjectKey) -> Result<(), StoreError> {
        let Some(origin) = self.image.origins.get(key) else {
            return Ok(());
        };
        let next = (!origin.vanished).then(|| Origin {
            deleted: true,
            ..Origin::clone(origin)
        });
        self.put_origin(key, next)
    }

    /// What the garbage collector of a real cluster does when an owner is gone.
    fn collect(&mut self, cluster: &ObjectKey, owner: &ObjectMeta) -> Result<(), StoreError> {
        let is_owned = |meta: &ObjectMeta| {
            let owners = meta.owner_references.iter().flatten();
            owners
                .into_iter()
                .any(|reference| Some(&reference.uid) == owner.uid.as_ref())
        };
        let in_namespace = |meta: &ObjectMeta| meta.namespace.as_ref() == Some(&cluster.namespace);
        let image = self.image;
        for node in image.nodes.values() {
            if in_namespace(&node.metadata) && is_owned(&node.metadata) {
                self.delete_node(node)?;
            }
        }
        for record in image.secret_records.values() {
            if in_namespace(&record.metadata) && is_owned(&record.metadata) {
                self.delete_secret(record)?;
            }
        }
        Ok(())
    }

    /// Marks a node as being deleted, if it is not yet.
    pub(crate) fn delete_node(&mut self, node: &OpenViduNode) -> Result<(), StoreError> {
        if node.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let mut next = node.clone();
        object::mark_deleted(&mut next.metadata, self.now.clone());
        self.put_node(next).map(|_| ())
    }

    /// Marks a Secret as being deleted, if it is not yet.
    pub(crate) fn delete_secret(&mut self, record: &SecretRecord) -> Result<(), StoreError> {
        if record.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let key = ObjectKey::from_meta(&record.metadata);
        let values = self.image.secrets.get(&key);
        let mut next = record.clone();
        object::mark_deleted(&mut next.metadata, self.now.clone());
        let values = values.map(|secret| SecretObject::clone(secret));
        self.put_secret(next, values.unwrap_or_default())
            .map(|_| ())
    }

    /// What will be read back, and its JSON. Without a file both are spared, and what is kept is what was given.
    fn settle<K: Object>(&self, object: K, key: &ObjectKey) -> Result<(K, Vec<u8>), StoreError> {
        self.encode(object, K::KIND, key)
    }

    fn encode<T: Serialize + DeserializeOwned>(
        &self,
        value: T,
        kind: &str,
        key: &ObjectKey,
    ) -> Result<(T, Vec<u8>), StoreError> {
        if !self.encode {
            return Ok((value, Vec::new()));
        }
        let what = describe(kind, key);
        let bytes = json(&value, &what)?;
        if bytes.len() > MAX_OBJECT_BYTES {
            return Err(StoreError::TooLarge {
                object: what,
                bytes: bytes.len(),
                limit: MAX_OBJECT_BYTES,
            });
        }
        let value = serde_json::from_slice(&bytes)
            .map_err(|e| StoreError::invalid(what, "object", format!("does not read back: {e}")))?;
        Ok((value, bytes))
    }
}

fn json(value: &impl Serialize, what: &str) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|e| {
        StoreError::invalid(what, "object", format!("is not to be written as JSON: {e}"))
    })
}
