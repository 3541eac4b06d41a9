//! Writes of one kind: each compares versions, names what it is about, and is remembered.

use std::sync::Arc;

use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::bugs::Bug;
use super::call::Built;
use super::kind::Kind;
use super::objects::{Objects, at_path};
use super::options::FIELD_MANAGER;
use super::subject::Subject;
use super::tolerant::Tolerant;
use crate::embedded::object::{check_format, describe, with_status};
use crate::error::StoreError;
use crate::key::ObjectKey;

impl<K: Kind> Objects<K> {
    /// Makes an object, its status in a second call: see [`crate::Store::create_node`].
    pub(crate) async fn create(&self, wanted: K) -> Result<Arc<K>, StoreError> {
        let key = ObjectKey::of(&wanted);
        let subject = Subject::object::<K>("create", &key);
        let body = serde_json::to_vec(&wanted.clone().bare());
        let request = match body {
            Ok(body) => at_path::<K>(&key).create(&post(), body),
            Err(error) => return Err(unwritable::<K>(&key, &error)),
        };
        let made = match self.write(&wanted.cluster(), &subject, request).await {
            Err(StoreError::AlreadyExists(text)) => {
                let there = self.live(&key).await?;
                let half = there.filter(|there| is_half_made(&**there, &wanted));
                half.ok_or(StoreError::AlreadyExists(text))?
            }
            other => other?,
        };
        let mut request = wanted;
        if request.status().is_none() {
            return Ok(made);
        }
        *request.meta_mut() = made.meta().clone();
        self.replace_status(&request).await
    }

    /// Writes the status.
    pub(crate) async fn replace_status(&self, request: &K) -> Result<Arc<K>, StoreError> {
        let key = ObjectKey::of(request);
        let (version, uid) = (&request.meta().resource_version, &request.meta().uid);
        let base = self.base(&key, version.as_deref(), uid.as_deref()).await?;
        check_format(K::KIND, &key, base.format(), K::FORMAT)?;
        let Some(next) = with_status(&*base, request.clone()) else {
            return self.unchanged(&base).await;
        };
        let subject = Subject::object::<K>("update", &key).status();
        let subject = subject.at(version.as_deref());
        let request = match serde_json::to_vec(&next) {
            Ok(body) => at_path::<K>(&key).replace_subresource("status", &key.name, &post(), body),
            Err(error) => return Err(unwritable::<K>(&key, &error)),
        };
        self.write(&base.cluster(), &subject, request).await
    }

    /// Changes metadata by a merge patch, which leaves alone whatever it does not name.
    pub(crate) async fn patch_metadata(
        &self,
        base: &K,
        change: Map<String, Value>,
    ) -> Result<Arc<K>, StoreError> {
        let key = ObjectKey::of(base);
        let version = base.meta().resource_version.as_deref();
        let subject = Subject::object::<K>("patch", &key).at(version);
        // The version makes it compare-and-swap.
        let mut metadata = change;
        metadata.insert("resourceVersion".to_owned(), json!(version));
        let patch = Patch::Merge(json!({"metadata": metadata}));
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let request = at_path::<K>(&key).patch(&key.name, &params, &patch);
        self.write(&base.cluster(), &subject, request).await
    }

    /// Deletes the object that is known under this name, and no other that may have taken it since.
    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        key.check(K::KIND)?;
        let known = self.cache().last_seen(key);
        let known = self.or_live(known, key).await?;
        if known.meta().deletion_timestamp.is_some() {
            return Ok(());
        }
        let subject = Subject::object::<K>("delete", key);
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: known.meta().uid.clone(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let request = at_path::<K>(key).delete(&key.name, &params);
        let answer = self.transport.change::<Value>(&subject, request).await;
        let answer = answer.inspect_err(|error| self.refused(known.cluster(), error))?;
        // What a finalizer holds comes back as an object, what is gone as a Status.
        if let Ok(Tolerant::Sound(object)) = serde_json::from_value::<Tolerant<K>>(answer) {
            self.cache().learn(&Arc::from(object), Instant::now());
        } else {
            self.cache().learn_gone(&known, Instant::now());
        }
        Ok(())
    }

    /// Sends a change to an object of this cluster and remembers what came of it.
    async fn write(
        &self,
        cluster: &ObjectKey,
        subject: &Subject,
        request: Built,
    ) -> Result<Arc<K>, StoreError> {
        let answer = self.transport.change::<Tolerant<K>>(subject, request).await;
        let written = answer.and_then(|object| {
            object.sound().map_err(|error| {
                StoreError::Unavailable(format!("it was written, and now {error}"))
            })
        });
        match written {
            Ok(object) => {
                let object = Arc::new(object);
                self.cache().learn(&object, Instant::now());
                Ok(object)
            }
            Err(error) => {
                self.refused(cluster.clone(), &error);
                Err(error)
            }
        }
    }

    /// What the cache has may be why a write was refused, or nobody knows what the write did: look at the server once.
    fn refused(&self, cluster: ObjectKey, error: &StoreError) {
        let doubtful = matches!(
            error,
            StoreError::Conflict { .. }
                | StoreError::AlreadyExists(_)
                | StoreError::NotFound(_)
                | StoreError::Unavailable(_)
        );
        if doubtful && !self.bugs.has(Bug::LateCacheTrusted) {
            self.cache().doubt(cluster);
        }
    }
}

/// Whether this is what a crash between the two calls of [`Objects::create`] leaves behind.
fn is_half_made<K: Kind>(there: &K, wanted: &K) -> bool {
    let meta = there.meta();
    there.format() == 0
        && there.spec() == wanted.spec()
        && meta.owner_references == wanted.meta().owner_references
        && meta.deletion_timestamp.is_none()
}

fn post() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn unwritable<K: Kind>(key: &ObjectKey, error: &serde_json::Error) -> StoreError {
    let why = format!("is not to be written as JSON: {error}");
    StoreError::invalid(describe(K::KIND, key), "object", why)
}
