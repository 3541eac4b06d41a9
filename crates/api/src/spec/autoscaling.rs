//! Who sizes the media nodes, and by what.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use crate::value::Duration;

/// Who sizes the media nodes, and by what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::autoscaling)]
pub struct Autoscaling {
    /// Who decides the number of media nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = AutoscalingMode::default()))]
    pub mode: Option<AutoscalingMode>,
    /// How often every node is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::READING_INTERVAL))]
    #[schemars(transform = crate::rules::reading_interval)]
    pub reading_interval: Option<Duration>,
    /// When to grow.
    #[serde(default)]
    pub scale_up: ScaleUp,
    /// When to shrink.
    #[serde(default)]
    pub scale_down: ScaleDown,
    /// Room for how many more sessions is kept free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10000), extend("default" = defaults::SPARE_SESSIONS))]
    pub spare_sessions: Option<i32>,
    /// Times at which the number of nodes is at least so many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub schedules: Vec<Schedule>,
    /// Events for which capacity is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub reservations: Vec<Reservation>,
}

/// Who decides the number of media nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum AutoscalingMode {
    /// The operator, from the load of the nodes.
    Operator,
    /// The cloud's own CPU policies.
    Provider,
    /// `spec.media.replicas`: people, the HorizontalPodAutoscaler or KEDA.
    #[default]
    Manual,
}

/// When to grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleUp {
    /// Mean load in percent above which the group grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100), extend("default" = defaults::SCALE_UP_LOAD))]
    pub average_load_percent: Option<i32>,
    /// For how many readings in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000), extend("default" = defaults::SCALE_UP_READINGS))]
    pub readings: Option<i32>,
    /// How long after the last change of size.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::SCALE_UP_STABILIZATION))]
    pub stabilization: Option<Duration>,
}

/// When to shrink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleDown {
    /// Mean load in percent below which the group shrinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 99), extend("default" = defaults::SCALE_DOWN_LOAD))]
    pub average_load_percent: Option<i32>,
    /// For how many readings in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000), extend("default" = defaults::SCALE_DOWN_READINGS))]
    pub readings: Option<i32>,
    /// How long after the last change of size.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::SCALE_DOWN_STABILIZATION))]
    pub stabilization: Option<Duration>,
}

/// A recurring time at which the number of nodes is at least so many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
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
    /// Fewest nodes meanwhile.
    #[schemars(range(min = 1, max = 200))]
    pub min: i32,
}

/// An event for which capacity is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::reservation)]
pub struct Reservation {
    /// When it begins.
    pub start: Time,
    /// When it ends.
    pub end: Time,
    /// How many people are expected.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub participants: i32,
}

// === impl Autoscaling ===

impl Autoscaling {
    /// Who decides the number of media nodes.
    pub fn mode(&self) -> AutoscalingMode {
        self.mode.unwrap_or_default()
    }

    /// How often every node is read.
    pub fn reading_interval(&self) -> Duration {
        self.reading_interval.unwrap_or(defaults::READING_INTERVAL)
    }

    /// Room for how many more sessions is kept free.
    pub fn spare_sessions(&self) -> i32 {
        self.spare_sessions.unwrap_or(defaults::SPARE_SESSIONS)
    }
}

// === impl ScaleUp ===

impl ScaleUp {
    /// Mean load in percent above which the group grows.
    pub fn average_load_percent(&self) -> i32 {
        self.average_load_percent.unwrap_or(defaults::SCALE_UP_LOAD)
    }

    /// For how many readings in a row.
    pub fn readings(&self) -> i32 {
        self.readings.unwrap_or(defaults::SCALE_UP_READINGS)
    }

    /// How long after the last change of size.
    pub fn stabilization(&self) -> Duration {
        self.stabilization
            .unwrap_or(defaults::SCALE_UP_STABILIZATION)
    }
}

// === impl ScaleDown ===

impl ScaleDown {
    /// Mean load in percent below which the group shrinks.
    pub fn average_load_percent(&self) -> i32 {
        self.average_load_percent
            .unwrap_or(defaults::SCALE_DOWN_LOAD)
    }

    /// For how many readings in a row.
    pub fn readings(&self) -> i32 {
        self.readings.unwrap_or(defaults::SCALE_DOWN_READINGS)
    }

    /// How long after the last change of size.
    pub fn stabilization(&self) -> Duration {
        self.stabilization
            .unwrap_or(defaults::SCALE_DOWN_STABILIZATION)
    }
}
