//! Applying a manifest with the manners of `kubectl apply`.

use std::sync::Arc;

use ovo_api::OpenViduCluster;
use serde_json::{Value, json};

use crate::embedded::image::Origin;
use crate::embedded::merge::merge;
use crate::embedded::object::{self, Object};
use crate::embedded::tx::Tx;
use crate::embedded::{Embedded, admission};
use crate::error::StoreError;
use crate::key::ObjectKey;

/// A cluster as a person wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Namespace and name.
    pub key: ObjectKey,
    /// The document. Of its metadata labels and annotations are taken; its status is not.
    pub document: Value,
    /// The file it comes from.
    pub file: String,
}

/// What applying a manifest did.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// The cluster is new.
    Created(Arc<OpenViduCluster>),
    /// It was changed.
    Changed(Arc<OpenViduCluster>),
    /// It was as the manifest says.
    Unchanged,
    /// It was deleted by name, and the manifest is still the same: it does not bring it back.
    DeletedBefore,
}

// === impl Manifest ===

impl Manifest {
    /// The parts that a manifest decides.
    fn wanted(&self) -> Value {
        let part = |pointer: &str| self.document.pointer(pointer).cloned().unwrap_or(json!({}));
        json!({
            "labels": part("/metadata/labels"),
            "annotations": part("/metadata/annotations"),
            "spec": part("/spec"),
        })
    }
}

// === impl Embedded ===

impl Embedded {
    /// Creates the cluster of a manifest, or changes it as the manifest changed. It is managed afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] with each field; what was stored before stays in force.
    pub async fn apply(&self, manifest: Manifest) -> Result<Applied, StoreError> {
        self.write(move |tx| apply(tx, &manifest)).await
    }

    /// Tells that the manifest of a cluster has vanished: from now on nothing of the cluster is written. Returns
    /// whether that is news.
    pub async fn mark_vanished(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(move |tx| {
            let Some(origin) = tx.image.origins.get(&key) else {
                return Ok(false);
            };
            if origin.deleted || !tx.image.clusters.contains_key(&key) {
                // Nothing is left to be unmanaged, and the same manifest may bring the cluster back now.
                tx.put_origin(&key, None)?;
                return Ok(false);
            }
            if origin.vanished {
                return Ok(false);
            }
            let next = Origin {
                vanished: true,
                ..Origin::clone(origin)
            };
            tx.put_origin(&key, Some(next))?;
            Ok(true)
        })
        .await
    }
}

fn apply(tx: &mut Tx<'_>, manifest: &Manifest) -> Result<Applied, StoreError> {
    let key = &manifest.key;
    key.check(OpenViduCluster::KIND)?;
    let wanted = manifest.wanted();
    let origin = tx.image.origins.get(key);
    let stored = tx.image.cluster(key)?;
    let applied = match stored {
        None if origin.is_some_and(|origin| origin.deleted && origin.applied == wanted) => {
            return Ok(Applied::DeletedBefore);
        }
        None => create(tx, key, &wanted)?,
        Some(stored) => {
            let last = origin.map_or(&Value::Null, |origin| &origin.applied);
            update(tx, key, last, &wanted, stored)?
        }
    };
    let next = Origin {
        file: manifest.file.clone(),
        applied: wanted,
        vanished: false,
        deleted: false,
    };
    if origin.is_none_or(|origin| **origin != next) {
        tx.put_origin(key, Some(next))?;
    }
    Ok(applied)
}

fn create(tx: &mut Tx<'_>, key: &ObjectKey, wanted: &Value) -> Result<Applied, StoreError> {
    let merged = merge(&Value::Null, wanted, &json!({}));
    let mut cluster = admission::cluster(document(key, merged), None, key)?;
    let uid = tx.uid()?;
    object::initialize(&mut cluster.metadata, key, uid, tx.now.clone());
    cluster.status = None;
    tx.put_cluster(cluster).map(Applied::Created)
}

fn update(
    tx: &mut Tx<'_>,
    key: &ObjectKey,
    last: &Value,
    wanted: &Value,
    stored: &Arc<OpenViduCluster>,
) -> Result<Applied, StoreError> {
    let json = |value: Result<Value, serde_json::Error>| {
        value.map_err(|e| StoreError::Corrupt(format!("{key} does not turn into JSON: {e}")))
    };
    let live = json!({
        "labels": json(serde_json::to_value(&stored.metadata.labels))?,
        "annotations": json(serde_json::to_value(&stored.metadata.annotations))?,
        "spec": json(serde_json::to_value(&stored.spec))?,
    });
    let wish = admission::cluster(document(key, merge(last, wanted, &live)), Some(stored), key)?;
    let mut next = OpenViduCluster::clone(stored);
    next.metadata.labels = wish.metadata.labels;
    next.metadata.annotations = wish.metadata.annotations;
    object::tidy(&mut next.metadata);
    if next.spec != wish.spec {
        next.spec = wish.spec;
        next.metadata.generation = Some(next.metadata.generation.unwrap_or(0) + 1);
    }
    if next == **stored {
        return Ok(Applied::Unchanged);
    }
    tx.put_cluster(next).map(Applied::Changed)
}

/// A whole document of the merged parts.
fn document(key: &ObjectKey, mut merged: Value) -> Value {
    let mut part = |name: &str| merged.get_mut(name).map_or(json!({}), Value::take);
    let or_empty = |value: Value| if value.is_null() { json!({}) } else { value };
    json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": OpenViduCluster::KIND,
        "metadata": {
            "namespace": key.namespace,
            "name": key.name,
            "labels": or_empty(part("labels")),
            "annotations": or_empty(part("annotations")),
        },
        "spec": part("spec"),
    })
}
