//! Rules for sizes, autoscaling, drains and windows.

use schemars::Schema;

use super::{CelRule, attach, no_duration_or, tell, text};

/// Rules for `spec.media`.
pub(crate) fn media(schema: &mut Schema) {
    const RULES: &[CelRule] = &[
        tell(
            ".min",
            "!has(self.max) || (has(self.min) ? self.min : 1) <= self.max",
            "min is %d and max is %d: min must not be greater than max; raise spec.media.max or lower spec.media.min",
            "has(self.min) ? self.min : 1, self.max",
        ),
        tell(
            ".replicas",
            "!has(self.replicas) || (has(self.min) ? self.min : 1) <= self.replicas",
            "replicas is %d and min is %d: replicas must not be less than min; raise spec.media.replicas or lower spec.media.min",
            "self.replicas, has(self.min) ? self.min : 1",
        ),
        tell(
            ".replicas",
            "!has(self.replicas) || !has(self.max) || self.replicas <= self.max",
            "replicas is %d and max is %d: replicas must not be greater than max; raise spec.media.max or lower spec.media.replicas",
            "self.replicas, self.max",
        ),
        tell(
            ".max",
            "has(self.max) || !has(self.autoscaling.mode) || self.autoscaling.mode == 'Manual'",
            "autoscaling in mode %s needs a bound: set spec.media.max",
            "self.autoscaling.mode",
        ),
        tell(
            ".autoscaling.schedules",
            "!has(self.max) || !has(self.autoscaling.schedules) || self.autoscaling.schedules.all(s, s.min <= self.max)",
            "a schedule asks for %d nodes and max is %d: lower its min or raise spec.media.max",
            "self.autoscaling.schedules.filter(s, s.min > self.max)[0].min, self.max",
        ),
    ];
    attach(schema, RULES);
}

/// Rules for `spec.media.autoscaling`.
pub(crate) fn autoscaling(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        ".scaleDown",
        "(has(self.scaleDown.averageLoadPercent) ? self.scaleDown.averageLoadPercent : 30) < (has(self.scaleUp.averageLoadPercent) ? self.scaleUp.averageLoadPercent : 70)",
        "the group shrinks below %d %% and grows above %d %%: the first must be less than the second, or it would never rest; lower scaleDown.averageLoadPercent or raise scaleUp.averageLoadPercent",
        "has(self.scaleDown.averageLoadPercent) ? self.scaleDown.averageLoadPercent : 30, has(self.scaleUp.averageLoadPercent) ? self.scaleUp.averageLoadPercent : 70",
    )];
    attach(schema, RULES);
}

/// Rules for `spec.media.autoscaling.readingInterval`.
pub(crate) fn reading_interval(schema: &mut Schema) {
    const RULES: &[CelRule] = &[tell(
        "",
        no_duration_or!("duration(self) >= duration('1s') && duration(self) <= duration('5m')"),
        "\"%s\" is out of range: from 1s, which every node can answer, to 5m, after which a reading says little",
        "self",
    )];
    attach(schema, RULES);
}

/// Rules for a member of `spec.media.autoscaling.reservations`.
pub(crate) fn reservation(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        ".end",
        "self.end > self.start",
        "the end is not later than the start: set start and end the right way round",
    )];
    attach(schema, RULES);
}

/// Rules for `spec.media.drain`.
pub(crate) fn drain(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        ".deadline",
        "!has(self.atDeadline) || self.atDeadline != 'Force' || has(self.deadline)",
        "atDeadline is Force and there is no deadline: set spec.media.drain.deadline, such as 48h, or use Wait",
    )];
    attach(schema, RULES);
}

/// Rules for `spec.disruption`.
pub(crate) fn disruption(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        ".windows",
        "!((has(self.config) && self.config == 'InWindow') || (has(self.masters) && self.masters == 'InWindow') || (has(self.loadBalancer) && self.loadBalancer == 'InWindow')) || (has(self.windows) && self.windows.size() > 0)",
        "InWindow is asked for and there is no window: add one, such as {cron: \"0 3 * * *\", timeZone: UTC, duration: 2h}, or use WhenIdle",
    )];
    attach(schema, RULES);
}
