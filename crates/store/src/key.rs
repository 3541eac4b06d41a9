//! What an object is called.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, Violation};

/// The namespace of an object whose manifest names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Namespace and name of an object of a known kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

// === impl ObjectKey ===

impl ObjectKey {
    /// The object of this name in this namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The key of an object; one without a namespace is in [`DEFAULT_NAMESPACE`].
    pub fn of(object: &impl ResourceExt) -> Self {
        Self::from_meta(object.meta())
    }

    /// The key that metadata names; without a namespace, in [`DEFAULT_NAMESPACE`].
    pub fn from_meta(meta: &ObjectMeta) -> Self {
        Self::new(
            meta.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE),
            meta.name.as_deref().unwrap_or_default(),
        )
    }

    /// Checks namespace and name as Kubernetes does: a DNS label, and a DNS subdomain.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] with the field.
    pub fn check(&self, kind: &str) -> Result<(), StoreError> {
        let mut violations = Vec::new();
        if !is_label(&self.namespace) {
            violations.push(Violation {
                field: "metadata.namespace".to_owned(),
                message: format!(
                    "{:?} is no namespace: up to 63 of a-z, 0-9 and '-', with a letter or digit at both ends",
                    self.namespace
                ),
            });
        }
        if self.name.len() > 253 || !self.name.split('.').all(is_label) {
            violations.push(Violation {
                field: "metadata.name".to_owned(),
                message: format!(
                    "{:?} is no name: up to 253 of a-z, 0-9, '-' and '.', with a letter or digit at both ends of \
                     each part",
                    self.name
                ),
            });
        }
        if violations.is_empty() {
            return Ok(());
        }
        Err(StoreError::Invalid {
            object: format!("{kind} {self}"),
            violations,
        })
    }

    /// Another object in the same namespace.
    #[must_use]
    pub fn sibling(&self, name: impl Into<String>) -> Self {
        Self::new(self.namespace.clone(), name)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
fn is_label(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(|c| ends(c) || c == '-')
        && text.starts_with(ends)
        && text.ends_with(ends)
}
