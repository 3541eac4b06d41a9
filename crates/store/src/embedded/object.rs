//! What an API server does to metadata, whatever the kind: pure rules.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use kube::core::object::{HasSpec, HasStatus};
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::key::ObjectKey;

/// A kind with spec and status.
pub(crate) trait Object:
    Resource<DynamicType = ()>
    + HasSpec<Spec: Clone + PartialEq>
    + HasStatus<Status: Clone + PartialEq>
    + Clone
    + PartialEq
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The kind's name.
    const KIND: &'static str;
}

impl Object for OpenViduCluster {
    const KIND: &'static str = "OpenViduCluster";
}

impl Object for OpenViduNode {
    const KIND: &'static str = "OpenViduNode";
}

/// `OpenViduCluster video/demo`.
pub(crate) fn describe(kind: &str, key: &ObjectKey) -> String {
    format!("{kind} {key}")
}

/// Compare-and-swap: the version that the caller knew against the stored one.
pub(crate) fn check_version(
    kind: &str,
    key: &ObjectKey,
    stored: &ObjectMeta,
    given: Option<&str>,
) -> Result<(), StoreError> {
    let current = stored.resource_version.as_deref().unwrap_or_default();
    if given == Some(current) {
        return Ok(());
    }
    Err(StoreError::Conflict {
        object: describe(kind, key),
        given: given.unwrap_or("none").to_owned(),
        current: current.to_owned(),
    })
}

/// The same object by name may be another one: deleted and made again meanwhile.
pub(crate) fn check_uid(
    kind: &str,
    key: &ObjectKey,
    stored: &ObjectMeta,
    given: Option<&str>,
) -> Result<(), StoreError> {
    match given {
        Some(uid) if Some(uid) != stored.uid.as_deref() => Err(StoreError::Conflict {
            object: describe(kind, key),
            given: format!("uid {uid}"),
            current: format!("uid {}", stored.uid.as_deref().unwrap_or("none")),
        }),
        _ => Ok(()),
    }
}

/// A record that a newer release wrote is not overwritten: this one has dropped what it does not know.
pub(crate) fn check_format(
    kind: &str,
    key: &ObjectKey,
    found: i32,
    known: i32,
) -> Result<(), StoreError> {
    if found <= known {
        return Ok(());
    }
    Err(StoreError::FormatTooNew {
        what: describe(kind, key),
        found: i64::from(found),
        known: i64::from(known),
    })
}

/// `stored` with the status of `request`, or `None` where that changes nothing.
pub(crate) fn with_status<K: Object>(stored: &K, request: K) -> Option<K> {
    if stored.status() == request.status() {
        return None;
    }
    let mut next = request;
    *next.meta_mut() = stored.meta().clone();
    if next.spec() != stored.spec() {
        *next.spec_mut() = stored.spec().clone();
    }
    Some(next)
}

/// The server's own fields of a new object; what the caller wrote into them is dropped.
pub(crate) fn initialize(meta: &mut ObjectMeta, key: &ObjectKey, uid: String, now: Time) {
    meta.namespace = Some(key.namespace.clone());
    meta.name = Some(key.name.clone());
    meta.generate_name = None;
    meta.uid = Some(uid);
    meta.generation = Some(1);
    meta.creation_timestamp = Some(now);
    meta.deletion_timestamp = None;
    meta.deletion_grace_period_seconds = None;
    meta.managed_fields = None;
    meta.self_link = None;
    tidy(meta);
}

/// Empty lists and maps are absent, as an API server stores them.
pub(crate) fn tidy(meta: &mut ObjectMeta) {
    if meta.finalizers.as_ref().is_some_and(Vec::is_empty) {
        meta.finalizers = None;
    }
    if meta.annotations.as_ref().is_some_and(BTreeMap::is_empty) {
        meta.annotations = None;
    }
    if meta.labels.as_ref().is_some_and(BTreeMap::is_empty) {
        meta.labels = None;
    }
    if meta.owner_references.as_ref().is_some_and(Vec::is_empty) {
        meta.owner_references = None;
    }
}

/// Marks as being deleted. Setting the timestamp changes the generation, as on a real server.
pub(crate) fn mark_deleted(meta: &mut ObjectMeta, now: Time) {
    meta.deletion_timestamp = Some(now);
    meta.deletion_grace_period_seconds = Some(0);
    meta.generation = Some(meta.generation.unwrap_or(0) + 1);
}

/// Whether the object goes now: deleted, and nothing holds it.
pub(crate) fn is_gone(meta: &ObjectMeta) -> bool {
    meta.deletion_timestamp.is_some() && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
}

/// The rule on finalizers: none comes while the object is being deleted.
pub(crate) fn check_finalizers(
    kind: &str,
    key: &ObjectKey,
    stored: &ObjectMeta,
    next: &[String],
) -> Result<(), StoreError> {
    if stored.deletion_timestamp.is_none() {
        return Ok(());
    }
    let had = stored.finalizers.as_deref().unwrap_or_default();
    match next.iter().find(|finalizer| !had.contains(finalizer)) {
        Some(new) => Err(StoreError::invalid(
            describe(kind, key),
            "metadata.finalizers",
            format!("{new:?} cannot be added: the object is being deleted"),
        )),
        None => Ok(()),
    }
}
