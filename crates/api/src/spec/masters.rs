//! Masters: how many, and on what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;

/// The nodes that run the API, the dashboards and, in OpenVidu 3, the shared state.
///
/// On-prem all of it stays empty: the masters are the machines in the role `Master`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Masters {
    /// Fewest masters (AWS only). Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub min: Option<i32>,
    /// Most masters (AWS only). Default: the greater of `min` and `desired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max: Option<i32>,
    /// How many masters run (AWS only). Removing one ends its sessions. Default: `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub desired: Option<i32>,
    /// The cloud's type of machine (AWS only). A change reaches new masters only. Default: `c5.xlarge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[schemars(transform = crate::rules::instance_type)]
    pub instance_type: Option<String>,
    /// Size of the root volume in GiB (AWS only). A change reaches new masters only. Default: 100.
    #[serde(rename = "diskGiB", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 50, max = 16384))]
    pub disk_gib: Option<i32>,
}

// === impl Masters ===

impl Masters {
    /// Fewest masters of a group.
    pub fn min(&self) -> i32 {
        self.min.unwrap_or(defaults::MASTERS_MIN)
    }

    /// Most masters of a group.
    pub fn max(&self) -> i32 {
        self.max.unwrap_or_else(|| self.min().max(self.desired()))
    }

    /// How many masters a group runs. On-prem ask [`super::OpenViduClusterSpec::declared_masters`].
    pub fn desired(&self) -> i32 {
        self.desired.unwrap_or_else(|| self.min())
    }

    /// The cloud's type of machine.
    pub fn instance_type(&self) -> &str {
        self.instance_type
            .as_deref()
            .unwrap_or(defaults::MASTER_INSTANCE_TYPE)
    }

    /// Size of the root volume in GiB.
    pub fn disk_gib(&self) -> i32 {
        self.disk_gib.unwrap_or(defaults::MASTER_DISK_GIB)
    }
}
