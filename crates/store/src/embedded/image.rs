//! All that is stored, decoded, in memory: reads never touch the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::embedded::events::{EventChange, EventLog};
use crate::embedded::vault;
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// Where a cluster comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The manifest's file, as it was named when last applied.
    pub file: String,
    /// What was last applied: a key that was here and is not in the next manifest is removed from the object.
    pub applied: Value,
    /// Whether the manifest has vanished: nothing of the cluster is written.
    #[serde(default)]
    pub vanished: bool,
    /// Whether the cluster was deleted while its manifest was still there: the same manifest does not bring it back.
    #[serde(default)]
    pub deleted: bool,
}

/// A Secret without its values, which are in a file of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretRecord {
    pub(crate) metadata: ObjectMeta,
    /// Keyed digest of all values: shows that a file changed while nobody looked.
    pub(crate) digest: String,
    /// The user's file it comes from; `None` for one that the operator made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// How far the files of Secrets are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretsRead {
    /// Nobody has looked yet.
    NotYet,
    /// They were read, all but these places.
    Read { unreadable: BTreeSet<String> },
}

impl Default for SecretsRead {
    fn default() -> Self {
        Self::Read {
            unreadable: BTreeSet::new(),
        }
    }
}

/// The kinds that have a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Clusters,
    Nodes,
    Origins,
    Secrets,
}

/// One entry that a write changes, encoded where there is a file.
#[derive(Debug)]
pub(crate) enum Change {
    Cluster(ObjectKey, Option<Arc<OpenViduCluster>>, Vec<u8>),
    Node(ObjectKey, Option<Arc<OpenViduNode>>, Vec<u8>),
    Origin(ObjectKey, Option<Arc<Origin>>, Vec<u8>),
    /// Record and, where they are known, values.
    Secret(
        ObjectKey,
        Option<(Arc<SecretRecord>, Option<Arc<SecretObject>>)>,
        Vec<u8>,
    ),
    Event(EventChange, Vec<u8>),
}

/// Everything, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// The last `resourceVersion` that was given out.
    pub(crate) revision: u64,
    pub(crate) clusters: BTreeMap<ObjectKey, Arc<OpenViduCluster>>,
    pub(crate) origins: BTreeMap<ObjectKey, Arc<Origin>>,
    pub(crate) nodes: BTreeMap<ObjectKey, Arc<OpenViduNode>>,
    pub(crate) members: BTreeMap<ObjectKey, BTreeMap<String, Arc<OpenViduNode>>>,
    pub(crate) secret_records: BTreeMap<ObjectKey, Arc<SecretRecord>>,
    pub(crate) secrets: BTreeMap<ObjectKey, Arc<SecretObject>>,
    /// What absence from `secrets` means.
    pub(crate) secrets_read: SecretsRead,
    pub(crate) events: EventLog,
    /// Entries that could not be read, and why. They are neither shown nor overwritten.
    pub(crate) broken: BTreeMap<(Table, ObjectKey), String>,
}

// === impl Image ===

impl Image {
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Cluster(key, cluster, _) => put(&mut self.clusters, key, cluster),
            Change::Node(key, node, _) => self.put_node(key, node),
            Change::Origin(key, origin, _) => put(&mut self.origins, key, origin),
            Change::Secret(key, secret, _) => {
                let (record, values) = secret.unzip();
                put(&mut self.secret_records, key.clone(), record);
                put(&mut self.secrets, key, values.flatten());
            }
            Change::Event(change, _) => self.events.apply(change),
        }
    }

    fn put_node(&mut self, key: ObjectKey, node: Option<Arc<OpenViduNode>>) {
        if let Some(old) = self.nodes.get(&key) {
            let cluster = key.sibling(old.spec.cluster.clone());
            if let Some(members) = self.members.get_mut(&cluster) {
                members.remove(&key.name);
                if members.is_empty() {
                    self.members.remove(&cluster);
                }
            }
        }
        if let Some(node) = &node {
            self.members
                .entry(key.sibling(node.spec.cluster.clone()))
                .or_default()
                .insert(key.name.clone(), node.clone());
        }
        put(&mut self.nodes, key, node);
    }

    pub(crate) fn cluster(
        &self,
        key: &ObjectKey,
    ) -> Result<Option<&Arc<OpenViduCluster>>, StoreError> {
        self.readable(Table::Clusters, key)?;
        Ok(self.clusters.get(key))
    }

    pub(crate) fn node(&self, key: &ObjectKey) -> Result<Option<&Arc<OpenViduNode>>, StoreError> {
        self.readable(Table::Nodes, key)?;
        Ok(self.nodes.get(key))
    }

    /// The records of a cluster. One unreadable record makes the whole answer unknown: a node left out is a node
    /// that the engine would make anew.
    pub(crate) fn members(
        &self,
        cluster: &ObjectKey,
    ) -> Result<impl Iterator<Item = &Arc<OpenViduNode>>, StoreError> {
        let prefix = format!("{}-", cluster.name);
        let unreadable = self.broken.iter().find(|((table, key), _)| {
            *table == Table::Nodes
                && key.namespace == cluster.namespace
                && key.name.starts_with(&prefix)
        });
        if let Some((_, why)) = unreadable {
            return Err(StoreError::Corrupt(why.clone()));
        }
        Ok(self
            .members
            .get(cluster)
            .into_iter()
            .flat_map(BTreeMap::values))
    }

    pub(crate) fn readable(&self, table: Table, key: &ObjectKey) -> Result<(), StoreError> {
        if self.broken.is_empty() {
            return Ok(());
        }
        match self.broken.get(&(table, key.clone())) {
            Some(why) => Err(StoreError::Corrupt(why.clone())),
            None => Ok(()),
        }
    }

    /// Whether the cluster's manifest has vanished and it is not being deleted: then nothing of it is written.
    pub(crate) fn is_unmanaged(&self, key: &ObjectKey) -> bool {
        self.origins.get(key).is_some_and(|origin| origin.vanished)
            && self
                .clusters
                .get(key)
                .is_some_and(|cluster| cluster.metadata.deletion_timestamp.is_none())
    }

    /// All clusters, those that cannot be read among them.
    pub(crate) fn cluster_keys(&self) -> Vec<ObjectKey> {
        let mut keys: Vec<_> = self.clusters.keys().cloned().collect();
        if !self.broken.is_empty() {
            let broken = self
                .broken
                .keys()
                .filter(|(table, _)| *table == Table::Clusters);
            keys.extend(broken.map(|(_, key)| key.clone()));
            keys.sort();
        }
        keys
    }

    pub(crate) fn secret(&self, key: &ObjectKey) -> Result<Option<&Arc<SecretObject>>, StoreError> {
        self.readable(Table::Secrets, key)?;
        match self.secrets.get(key) {
            Some(secret) => Ok(Some(secret)),
            None => self.absent(key).map(|()| None),
        }
    }

    /// Whether a Secret that is not here is not there. One whose file cannot be read is unknown: taken for lost, it
    /// would stop its cluster; taken for new, it would be generated again.
    fn absent(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let unreadable = match &self.secrets_read {
            SecretsRead::NotYet => {
                return Err(StoreError::Unavailable(format!(
                    "Secret {key}: the files have not been read yet"
                )));
            }
            SecretsRead::Read { unreadable } if unreadable.is_empty() => return Ok(()),
            SecretsRead::Read { unreadable } => unreadable,
        };
        let place = match self.secret_records.get(key) {
            Some(record) => record.file.clone().unwrap_or_else(|| vault::place(key)),
            // Never seen: it may be anywhere in a folder that cannot be listed, and nowhere else.
            None => format!("{}/", vault::FOLDER),
        };
        let hides =
            |broken: &&String| place == **broken || place.starts_with(&format!("{broken}/"));
        match unreadable.iter().find(hides) {
            Some(broken) => Err(StoreError::Unavailable(format!(
                "Secret {key}: {broken} cannot be read or is broken"
            ))),
            None => Ok(()),
        }
    }

    /// Clusters in a namespace: whoever may use a Secret there.
    pub(crate) fn clusters_in(&self, namespace: &str) -> BTreeSet<ObjectKey> {
        self.clusters
            .keys()
            .filter(|key| key.namespace == namespace)
            .cloned()
            .collect()
    }
}

fn put<T>(map: &mut BTreeMap<ObjectKey, T>, key: ObjectKey, value: Option<T>) {
    match value {
        Some(value) => {
            map.insert(key, value);
        }
        None => {
            map.remove(&key);
        }
    }
}
