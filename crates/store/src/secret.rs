//! Secrets as the engine sees them: never shown, never compared by value.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::key::ObjectKey;

/// One value of a Secret. Wiped from memory when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SecretValue(SecretSlice<u8>);

/// A Secret with its values.
#[derive(Clone, Debug, Default)]
pub struct SecretObject {
    /// Name, version, finalizers.
    pub metadata: ObjectMeta,
    /// Values by key.
    pub data: BTreeMap<String, SecretValue>,
}

// === impl SecretValue ===

impl SecretValue {
    /// The bytes, for the edge that needs them.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The value as text, if it is text.
    pub fn text(&self) -> Option<SecretString> {
        std::str::from_utf8(self.expose())
            .ok()
            .map(SecretString::from)
    }
}

impl From<Vec<u8>> for SecretValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self(SecretSlice::from(bytes))
    }
}

impl From<&SecretString> for SecretValue {
    fn from(text: &SecretString) -> Self {
        Self::from(text.expose_secret().as_bytes().to_vec())
    }
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

// === impl SecretObject ===

impl SecretObject {
    /// An empty Secret of this name.
    pub fn named(key: &ObjectKey) -> Self {
        Self {
            metadata: ObjectMeta {
                namespace: Some(key.namespace.clone()),
                name: Some(key.name.clone()),
                ..ObjectMeta::default()
            },
            data: BTreeMap::new(),
        }
    }

    /// Namespace and name.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::from_meta(&self.metadata)
    }

    /// The value under a key, if it is there and is text.
    pub fn text(&self, key: &str) -> Option<SecretString> {
        self.data.get(key).and_then(SecretValue::text)
    }
}
