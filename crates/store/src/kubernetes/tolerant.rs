//! Objects of which one that cannot be read does not hide the others.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::kind::Kind;
use crate::embedded::object::describe;
use crate::error::StoreError;
use crate::key::ObjectKey;

/// How much of a reason is shown, in bytes: it may quote a value.
const LONGEST_REASON: usize = 256;

/// An object that was read, or the reason why it was not.
///
/// `kube::core::DeserializeGuard` is the same idea; it copies each object once more and cannot say which field it was.
#[derive(Clone, Debug)]
pub(crate) enum Tolerant<K> {
    Sound(Box<K>),
    Malformed(Box<Malformed>),
}

/// An object that cannot be read: written while validation was off, or by another release.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    kind: &'static str,
    metadata: ObjectMeta,
    /// The field and what is wrong with it.
    why: String,
}

// === impl Malformed ===

impl Malformed {
    /// Namespace and name.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::from_meta(&self.metadata)
    }

    /// Its kind.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// What whoever asks for it is told.
    pub fn error(&self) -> StoreError {
        StoreError::Corrupt(self.to_string())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot be read: {}: put the field right, or run the release that wrote it",
            describe(self.kind, &self.key()),
            self.why
        )
    }
}

// === impl Tolerant ===

impl<'de, K: Kind> Deserialize<'de> for Tolerant<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut raw = Value::deserialize(deserializer)?;
        // Nobody here looks at it, and it is often half of the object.
        if let Some(metadata) = raw.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Ok(match serde_path_to_error::deserialize::<_, K>(&raw) {
            Ok(object) => Self::Sound(Box::new(object)),
            Err(error) => {
                let metadata = raw.get("metadata").map(ObjectMeta::deserialize);
                let mut why = format!("{}: {}", error.path(), error.inner());
                why.truncate(why.floor_char_boundary(LONGEST_REASON));
                Self::Malformed(Box::new(Malformed {
                    kind: K::KIND,
                    metadata: metadata.and_then(Result::ok).unwrap_or_default(),
                    why,
                }))
            }
        })
    }
}

impl<K: Kind> Tolerant<K> {
    /// The object, or why there is none.
    pub(crate) fn sound(self) -> Result<K, StoreError> {
        match self {
            Self::Sound(object) => Ok(*object),
            Self::Malformed(malformed) => Err(malformed.error()),
        }
    }
}

impl<K: Kind> Resource for Tolerant<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(dt: &()) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Sound(object) => object.meta(),
            Self::Malformed(malformed) => &malformed.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Sound(object) => object.meta_mut(),
            Self::Malformed(malformed) => &mut malformed.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_api::OpenViduNode;
    use serde_json::json;

    use super::*;

    fn node(phase: &str) -> Value {
        json!({
            "apiVersion": "openvidu.io/v1alpha1",
            "kind": "OpenViduNode",
            "metadata": {
                "namespace": "video", "name": "demo-w1", "resourceVersion": "7",
                "managedFields": [{"manager": "kubectl"}],
            },
            "spec": {"cluster": "demo", "role": "Media", "machine": "w1"},
            "status": {"formatVersion": 1, "phase": phase},
        })
    }

    #[test]
    fn one_that_cannot_be_read_is_named_with_its_field() {
        let list = json!([node("Serving"), node("Dreaming")]);
        let list: Vec<Tolerant<OpenViduNode>> = serde_json::from_value(list).unwrap();
        assert!(
            matches!(&list[0], Tolerant::Sound(node) if node.metadata.managed_fields.is_none())
        );
        let error = list[1].clone().sound().unwrap_err().to_string();
        assert!(
            error.starts_with("OpenViduNode video/demo-w1 cannot be read: status.phase: unknown variant `Dreaming`"),
            "{error}"
        );
        assert_eq!(list[1].meta().resource_version.as_deref(), Some("7"));
    }
}
