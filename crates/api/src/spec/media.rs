//! Media nodes: how many, how they drain, and when they are repaired.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::autoscaling::Autoscaling;
use super::defaults;
use crate::value::{Duration, Percent};

/// The nodes that carry the conversations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::media)]
pub struct Media {
    /// How many nodes serve: of the Media machines on-prem, of the group on AWS. The scale subresource writes
    /// here. With the autoscaler it is the first size only. Default: `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 200))]
    pub replicas: Option<i32>,
    /// Fewest nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 200), extend("default" = defaults::MEDIA_MIN))]
    pub min: Option<i32>,
    /// Most nodes that take new sessions. Default: the greater of `min` and `replicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub max: Option<i32>,
    /// By how many nodes `max` may be exceeded while others drain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 200), extend("default" = defaults::MEDIA_MAX_SURGE))]
    pub max_surge: Option<i32>,
    /// The cloud's type of machine (AWS only). A change reaches new nodes only. Default: `c5.xlarge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[schemars(transform = crate::rules::instance_type)]
    pub instance_type: Option<String>,
    /// Size of the root volume in GiB (AWS only). A change reaches new nodes only. Default: 50.
    #[serde(rename = "diskGiB", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 20, max = 16384))]
    pub disk_gib: Option<i32>,
    /// Who sizes the group, and by what.
    #[serde(default)]
    pub autoscaling: Autoscaling,
    /// How nodes are closed.
    #[serde(default)]
    pub drain: Drain,
    /// When dead nodes are replaced.
    #[serde(default)]
    pub remediation: Remediation,
}

/// How nodes are closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::drain)]
pub struct Drain {
    /// How long a drain may take, counted from its request. Absent: as long as the last conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// What happens at the deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = AtDeadline::default()))]
    pub at_deadline: Option<AtDeadline>,
    /// How many nodes drain at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200), extend("default" = defaults::DRAIN_MAX_CONCURRENT))]
    pub max_concurrent: Option<i32>,
}

/// What happens to a node whose drain reached its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum AtDeadline {
    /// It goes on draining, and a condition says which rooms hold it.
    #[default]
    Wait,
    /// It is ended, and what runs there is cut.
    Force,
}

/// When dead nodes are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remediation {
    /// Repair stops when more than `max(1, floor(maxUnhealthy x nodes))` are unhealthy: then the cause is
    /// unlikely to be the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::MAX_UNHEALTHY))]
    pub max_unhealthy: Option<Percent>,
}

// === impl Media ===

impl Media {
    /// How many nodes are declared; the first size only when the autoscaler decides.
    pub fn replicas(&self) -> i32 {
        self.replicas.unwrap_or_else(|| self.min())
    }

    /// Fewest nodes.
    pub fn min(&self) -> i32 {
        self.min.unwrap_or(defaults::MEDIA_MIN)
    }

    /// Most nodes that take new sessions.
    pub fn max(&self) -> i32 {
        self.max.unwrap_or_else(|| self.min().max(self.replicas()))
    }

    /// By how many nodes `max` may be exceeded while others drain.
    pub fn max_surge(&self) -> i32 {
        self.max_surge.unwrap_or(defaults::MEDIA_MAX_SURGE)
    }

    /// How many nodes drain at once.
    pub fn max_concurrent(&self) -> i32 {
        self.drain.max_concurrent()
    }

    /// The cloud's type of machine.
    pub fn instance_type(&self) -> &str {
        self.instance_type
            .as_deref()
            .unwrap_or(defaults::MEDIA_INSTANCE_TYPE)
    }

    /// Size of the root volume in GiB.
    pub fn disk_gib(&self) -> i32 {
        self.disk_gib.unwrap_or(defaults::MEDIA_DISK_GIB)
    }
}

// === impl Drain ===

impl Drain {
    /// What happens at the deadline.
    pub fn at_deadline(&self) -> AtDeadline {
        self.at_deadline.unwrap_or_default()
    }

    /// How many nodes drain at once.
    pub fn max_concurrent(&self) -> i32 {
        self.max_concurrent
            .unwrap_or(defaults::DRAIN_MAX_CONCURRENT)
    }
}

// === impl Remediation ===

impl Remediation {
    /// The part of the nodes that may be unhealthy before repair stops.
    pub fn max_unhealthy(&self) -> Percent {
        self.max_unhealthy.unwrap_or(defaults::MAX_UNHEALTHY)
    }
}
