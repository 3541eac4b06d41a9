//! When the operator may cut, repair drift, and what deletion does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::storage::Retention;
use crate::value::Duration;

/// When an act that cuts conversations may run, by its cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::disruption)]
pub struct Disruption {
    /// Changes of OpenVidu's configuration: they restart its services.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DisruptionPolicy::default()))]
    pub config: Option<DisruptionPolicy>,
    /// Changes that restart or replace masters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DisruptionPolicy::default()))]
    pub masters: Option<DisruptionPolicy>,
    /// Changes of the load balancer that drop connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DisruptionPolicy::default()))]
    pub load_balancer: Option<DisruptionPolicy>,
    /// The windows of `InWindow`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub windows: Vec<Window>,
}

/// When an act that cuts conversations may run.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum DisruptionPolicy {
    /// When there is no conversation that it would cut.
    #[default]
    WhenIdle,
    /// In one of the windows, or when there is nothing to cut.
    InWindow,
    /// At once, whatever it cuts.
    Immediately,
}

/// A recurring time in which the operator may cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// When it begins, as five cron fields.
    #[schemars(length(min = 9, max = 128))]
    #[schemars(transform = crate::rules::cron)]
    pub cron: String,
    /// Time zone of `cron`, as the IANA database names it. Absent: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[schemars(transform = crate::rules::time_zone)]
    pub time_zone: Option<String>,
    /// How long it lasts.
    #[schemars(transform = crate::rules::window_duration)]
    pub duration: Duration,
}

/// What the operator does about properties that somebody else changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum DriftPolicy {
    /// It puts back what it owns; what would cut waits as `spec.disruption` says.
    #[default]
    Repair,
    /// It only says so.
    Report,
}

/// What happens when the object is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deletion {
    /// What becomes of the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DeletionPolicy::default()))]
    pub policy: Option<DeletionPolicy>,
    /// Whether deletion is refused. Set it to false first, then delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::DELETION_PROTECTED))]
    pub protected: Option<bool>,
    /// Whether conversations end by themselves first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DeletionDrain::default()))]
    pub drain: Option<DeletionDrain>,
    /// What becomes of recordings and configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = Retention::default()))]
    pub storage: Option<Retention>,
}

/// What becomes of the deployment when its object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum DeletionPolicy {
    /// It is taken down.
    #[default]
    Delete,
    /// It goes on running, and nobody looks after it.
    Orphan,
}

/// Whether conversations end by themselves before a deployment is taken down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum DeletionDrain {
    /// Nodes are closed and ended when empty.
    #[default]
    Wait,
    /// Nodes are ended at once, and what runs there is cut.
    Force,
}

// === impl Disruption ===

impl Disruption {
    /// When a change of configuration may cut.
    pub fn config(&self) -> DisruptionPolicy {
        self.config.unwrap_or_default()
    }

    /// When a change of masters may cut.
    pub fn masters(&self) -> DisruptionPolicy {
        self.masters.unwrap_or_default()
    }

    /// When a change of the load balancer may cut.
    pub fn load_balancer(&self) -> DisruptionPolicy {
        self.load_balancer.unwrap_or_default()
    }
}

// === impl Deletion ===

impl Deletion {
    /// What becomes of the deployment.
    pub fn policy(&self) -> DeletionPolicy {
        self.policy.unwrap_or_default()
    }

    /// Whether deletion is refused.
    pub fn protected(&self) -> bool {
        self.protected.unwrap_or(defaults::DELETION_PROTECTED)
    }

    /// Whether conversations end by themselves first.
    pub fn drain(&self) -> DeletionDrain {
        self.drain.unwrap_or_default()
    }

    /// What becomes of recordings and configuration.
    pub fn storage(&self) -> Retention {
        self.storage.unwrap_or_default()
    }
}
