//! TURN, for people behind restrictive firewalls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretSource;

/// TURN, for people behind restrictive firewalls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::turn)]
pub struct Turn {
    /// Where TURN runs (OpenVidu 2). Default: `Masters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<TurnPlacement>,
    /// The TURN servers of placement `External`, such as `turn:turn.example.com:3478`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 512)))]
    #[schemars(transform = crate::rules::turn_urls)]
    pub urls: Vec<String>,
    /// Secret with the keys `username` and `password` of placement `External`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretSource>,
    /// Domain name under which TURN with TLS is reached (OpenVidu 3). It points to the load balancer and
    /// differs from `spec.domainName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[schemars(transform = crate::rules::domain_name)]
    pub domain_name: Option<String>,
    /// Certificate of `domainName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SecretSource>,
}

/// Where TURN runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum TurnPlacement {
    /// On the masters.
    #[default]
    Masters,
    /// On the media nodes, which OpenVidu calls experimental: better performance, and it scales with them.
    MediaNodes,
    /// Elsewhere, at `urls`.
    External,
}

// === impl Turn ===

impl Turn {
    /// Where TURN runs in OpenVidu 2.
    pub fn placement(&self) -> TurnPlacement {
        self.placement.unwrap_or_default()
    }
}
