//! Secrets on their way to and from the API server.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ObjectList, PartialObjectMeta};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::kind::bare;
use crate::secret::{SecretObject, SecretValue};

/// What `kubectl apply` leaves behind on the client's side: the whole manifest, values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Secret as the server answers it. Has no `Debug`: it would show values.
#[derive(Deserialize)]
pub(crate) struct Wire {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, ByteString>>,
}

// === impl Wire ===

impl From<Wire> for SecretObject {
    fn from(wire: Wire) -> Self {
        let mut metadata = wire.metadata;
        metadata.managed_fields = None;
        if let Some(annotations) = &mut metadata.annotations {
            annotations.remove(LAST_APPLIED);
        }
        crate::embedded::object::tidy(&mut metadata);
        let data = wire.data.into_iter().flatten();
        Self {
            metadata,
            data: data
                .map(|(key, value)| (key, SecretValue::from(value.0)))
                .collect(),
        }
    }
}

/// Whether an answer is a list of the metadata of Secrets.
///
/// The library logs the whole text of an answer that it cannot read, and the metadata of a Secret may hold its values
/// ([`LAST_APPLIED`]). So what it could not read must not reach it; the error says where, never what.
pub(crate) fn readable(list: &[u8]) -> Result<(), String> {
    let list = serde_json::from_slice::<ObjectList<PartialObjectMeta<Secret>>>(list);
    list.map(drop).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the list cannot be read at line {line}, column {column}")
    })
}

/// The body that makes a Secret.
pub(crate) fn new(secret: SecretObject) -> Value {
    let data: Map<String, Value> = secret
        .data
        .iter()
        .map(|(key, value)| (key.clone(), encoded(value)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": bare(secret.metadata),
        "data": data,
    })
}

/// The merge patch that makes `next` of `base`: only what differs, so that nobody else's field is touched. `None` where
/// nothing does.
pub(crate) fn patch(base: &SecretObject, next: &SecretObject) -> Option<Value> {
    let mut patch = Map::new();
    let same = |one: &SecretValue, other: &SecretValue| one.expose() == other.expose();
    let data = changed(&base.data, &next.data, same, encoded);
    if !data.is_empty() {
        patch.insert("data".to_owned(), data.into());
    }
    let mut metadata = Map::new();
    let empty = BTreeMap::new();
    let (old, new) = (&base.metadata, &next.metadata);
    for (field, old, new) in [
        ("labels", &old.labels, &new.labels),
        ("annotations", &old.annotations, &new.annotations),
    ] {
        let (old, new) = (
            old.as_ref().unwrap_or(&empty),
            new.as_ref().unwrap_or(&empty),
        );
        let map = changed(old, new, PartialEq::eq, |text: &String| {
            text.as_str().into()
        });
        if !map.is_empty() {
            metadata.insert(field.to_owned(), map.into());
        }
    }
    let finalizers = next.metadata.finalizers.clone().unwrap_or_default();
    if base.metadata.finalizers.clone().unwrap_or_default() != finalizers {
        metadata.insert("finalizers".to_owned(), finalizers.into());
    }
    if patch.is_empty() && metadata.is_empty() {
        return None;
    }
    let version = base.metadata.resource_version.clone();
    metadata.insert("resourceVersion".to_owned(), version.into());
    patch.insert("metadata".to_owned(), metadata.into());
    Some(patch.into())
}

/// What a merge patch says of a map: new and other values, and null for what goes.
fn changed<V>(
    old: &BTreeMap<String, V>,
    new: &BTreeMap<String, V>,
    same: impl Fn(&V, &V) -> bool,
    value: impl Fn(&V) -> Value,
) -> Map<String, Value> {
    let set = new
        .iter()
        .filter(|(key, new)| !old.get(*key).is_some_and(|old| same(old, new)))
        .map(|(key, new)| (key.clone(), value(new)));
    let gone = old
        .keys()
        .filter(|key| !new.contains_key(*key))
        .map(|key| (key.clone(), Value::Null));
    set.chain(gone).collect()
}

fn encoded(value: &SecretValue) -> Value {
    json!(ByteString(value.expose().to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::key::ObjectKey;

    fn secret() -> SecretObject {
        let mut secret = SecretObject::named(&ObjectKey::new("video", "demo"));
        secret.metadata.resource_version = Some("7".to_owned());
        secret.data.insert("kept".to_owned(), "one".into());
        secret.data.insert("changed".to_owned(), "two".into());
        secret.data.insert("dropped".to_owned(), "three".into());
        secret
    }

    #[test]
    fn a_patch_names_only_what_differs() {
        let base = secret();
        assert_eq!(patch(&base, &base.clone()), None);
        let mut next = base.clone();
        next.data.remove("dropped");
        next.data.insert("changed".to_owned(), "four".into());
        next.metadata.finalizers = Some(vec!["openvidu.io/in-use".to_owned()]);
        assert_eq!(
            patch(&base, &next).unwrap(),
            json!({
                "data": {"changed": "Zm91cg==", "dropped": null},
                "metadata": {"finalizers": ["openvidu.io/in-use"], "resourceVersion": "7"},
            })
        );
    }

    #[test]
    fn what_kubectl_keeps_of_the_values_is_dropped() {
        let answer = json!({
            "metadata": {
                "name": "demo", "namespace": "video",
                "annotations": {LAST_APPLIED: "{\"data\":{\"password\":\"Y29ycmVjdA==\"}}"},
                "managedFields": [{"manager": "kubectl"}],
            },
            "data": {"password": "Y29ycmVjdA=="},
        });
        let secret: SecretObject = serde_json::from_value::<Wire>(answer).unwrap().into();
        assert_eq!(secret.metadata.annotations, None);
        assert_eq!(secret.metadata.managed_fields, None);
        assert_eq!(secret.data["password"].expose(), b"correct");
        assert!(!format!("{secret:?}").contains("Y29y"));
    }
}
