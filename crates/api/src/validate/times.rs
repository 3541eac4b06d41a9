//! Recurring times that have the right form and still mean nothing.

use super::FieldError;
use crate::spec::OpenViduClusterSpec;
use crate::windows::{Cron, time_zone};

/// What no schema can see and needs nothing from outside: time zones that do not exist, and days that never come.
///
/// The API server accepts such an object, so this is no part of [`super::validate`]: the operator stalls on it,
/// and the command `validate` names it. Ordered by field.
pub fn beyond_schema(spec: &OpenViduClusterSpec) -> Vec<FieldError> {
    let schedules = spec
        .media
        .autoscaling
        .schedules
        .iter()
        .enumerate()
        .map(|(index, schedule)| {
            (
                format!("spec.media.autoscaling.schedules[{index}]"),
                &schedule.cron,
                schedule.time_zone.as_deref(),
            )
        });
    let windows = spec
        .disruption
        .windows
        .iter()
        .enumerate()
        .map(|(index, window)| {
            (
                format!("spec.disruption.windows[{index}]"),
                &window.cron,
                window.time_zone.as_deref(),
            )
        });
    let mut errors = Vec::new();
    for (path, cron, zone) in windows.chain(schedules) {
        let mut refuse = |field: &str, message: String| {
            errors.push(FieldError {
                field: format!("{path}.{field}"),
                message,
            });
        };
        if let Err(error) = cron.parse::<Cron>() {
            refuse("cron", error.to_string());
        }
        if let Err(error) = time_zone(zone) {
            refuse("timeZone", error.to_string());
        }
    }
    errors
}
