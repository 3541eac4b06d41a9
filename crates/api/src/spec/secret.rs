//! References to Secrets. They never leave the cluster object's own namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Secret in the namespace of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(transform = crate::rules::secret_name)]
    pub name: String,
}

/// One key of a Secret in the namespace of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(transform = crate::rules::secret_name)]
    pub name: String,
    /// Key in the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(transform = crate::rules::secret_key)]
    pub key: String,
}

/// Values that are read from a whole Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSource {
    /// The Secret.
    pub secret_ref: SecretRef,
}

/// A value that is read from one key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeySource {
    /// The Secret and its key.
    pub secret_key_ref: SecretKeyRef,
}
