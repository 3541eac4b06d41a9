//! Where recordings and shared configuration lie, and the Elastic Stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::secret::SecretSource;

/// Whether sessions can be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recording {
    /// Whether OpenVidu's recording module runs. Recordings are saved in the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::RECORDING))]
    pub enabled: Option<bool>,
}

/// Where recordings and shared configuration lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// The bucket for configuration and recordings (OpenVidu 2 on AWS).
    #[serde(default)]
    pub bucket: Bucket,
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bucket {
    /// Name of a bucket in the same region: neither ARN nor URL. Empty: one is made for this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[schemars(transform = crate::rules::bucket_name)]
    pub name: Option<String>,
    /// What becomes of the bucket when the cluster is deleted. It is deleted only when `spec.deletion.storage`
    /// says so as well, and only if it was made for this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Retention::default()))]
    pub deletion_policy: Option<Retention>,
}

/// What becomes of stored things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum Retention {
    /// They are kept.
    #[default]
    Retain,
    /// They are deleted with the cluster.
    Delete,
}

/// An Elastic Stack that runs elsewhere and takes OpenVidu's events and statistics (OpenVidu 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::elastic_stack)]
pub struct ElasticStack {
    /// URL of Elasticsearch, port included even if it is 443.
    #[serde(rename = "elasticsearchURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[schemars(transform = crate::rules::port_url)]
    pub elasticsearch_url: Option<String>,
    /// URL of Kibana, port included even if it is 443.
    #[serde(rename = "kibanaURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[schemars(transform = crate::rules::port_url)]
    pub kibana_url: Option<String>,
    /// Secret with the keys `username` and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretSource>,
}

// === impl Recording ===

impl Recording {
    /// Whether the recording module runs.
    pub fn enabled(&self) -> bool {
        self.enabled.unwrap_or(defaults::RECORDING)
    }
}

// === impl Bucket ===

impl Bucket {
    /// The bucket that the user brings, or `None` when one is made for this cluster.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    /// What becomes of the bucket when the cluster is deleted.
    pub fn deletion_policy(&self) -> Retention {
        self.deletion_policy.unwrap_or_default()
    }
}
