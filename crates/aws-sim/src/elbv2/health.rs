//! Targets: registered, checked, healthy or not, draining, gone.

use std::time::Duration;

use crate::clock::Event;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::target_groups::not_found;

#[derive(Clone, Debug)]
pub(crate) struct Target {
    state: Health,
    /// Checks in a row that spoke against the state.
    against: i64,
    /// Which registration it is: the end of an earlier one is void.
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Initial,
    Healthy,
    Unhealthy,
    Draining,
}

impl Region {
    /// Registers an instance; one that is registered already is left as it is.
    pub(crate) fn register_target(&mut self, arn: &str, instance: &str) {
        let Some(group) = self.target_groups.get_mut(arn) else {
            return;
        };
        let old = group.targets.get(instance);
        if old.is_some_and(|target| target.state != Health::Draining) {
            return;
        }
        let number = old.map_or(0, |target| target.number + 1);
        let target = Target {
            state: Health::Initial,
            against: 0,
            number,
        };
        group.targets.insert(instance.to_owned(), target);
    }

    /// Deregisters an instance; gives how long it drains.
    pub(crate) fn deregister_target(&mut self, arn: &str, instance: &str) -> Duration {
        // A target that gets no traffic has nothing to drain.
        let in_use = self.balancer_of(arn).is_some();
        let Some(group) = self.target_groups.get_mut(arn) else {
            return Duration::ZERO;
        };
        let delay = if in_use {
            group.delay()
        } else {
            Duration::ZERO
        };
        let Some(target) = group.targets.get_mut(instance) else {
            return Duration::ZERO;
        };
        if target.state == Health::Draining {
            return delay;
        }
        target.state = Health::Draining;
        let gone = Event::TargetGone(arn.to_owned(), instance.to_owned(), target.number);
        self.after(delay, gone);
        delay
    }

    pub(crate) fn target_gone(&mut self, arn: &str, instance: &str, number: u64) {
        if let Some(group) = self.target_groups.get_mut(arn) {
            let ends = |t: &Target| t.number == number && t.state == Health::Draining;
            if group.targets.get(instance).is_some_and(ends) {
                group.targets.remove(instance);
            }
        }
    }

    /// An instance is terminated: it is a target no more.
    pub(crate) fn forget_target(&mut self, instance: &str) {
        for group in self.target_groups.values_mut() {
            group.targets.remove(instance);
        }
    }

    /// One round of checks. The first good one makes a new target healthy, as the application load balancer's guide
    /// says; else as many in a row as the threshold says.
    pub(crate) fn targets_checked(&mut self, arn: &str) {
        let Some(group) = self.target_groups.get(arn) else {
            return;
        };
        self.after(group.check.every(), Event::TargetsChecked(arn.to_owned()));
        if self.balancer_of(arn).is_none() {
            return;
        }
        let answers: Vec<_> = self.target_groups.get(arn).map_or_else(Vec::new, |group| {
            group
                .targets
                .keys()
                .map(|id| (id.clone(), self.answers(id)))
                .collect()
        });
        let Some(group) = self.target_groups.get_mut(arn) else {
            return;
        };
        let (healthy, unhealthy) = (group.check.healthy, group.check.unhealthy);
        for (id, good) in answers {
            let Some(target) = group.targets.get_mut(&id) else {
                continue;
            };
            let (next, needed) = match (target.state, good) {
                (Health::Initial, true) => (Health::Healthy, 1),
                (Health::Initial | Health::Healthy, false) => (Health::Unhealthy, unhealthy),
                (Health::Unhealthy, true) => (Health::Healthy, healthy),
                _ => {
                    target.against = 0;
                    continue;
                }
            };
            target.against += 1;
            if target.against >= needed {
                (target.state, target.against) = (next, 0);
            }
        }
    }

    /// Whether a balancer holds an instance for unhealthy.
    pub(crate) fn target_is_unhealthy(&self, arn: &str, instance: &str) -> bool {
        self.target_groups
            .get(arn)
            .and_then(|group| group.targets.get(instance))
            .is_some_and(|target| target.state == Health::Unhealthy)
    }
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("TargetGroupArn");
    let group = region
        .target_groups
        .seen(arn, region.now())
        .ok_or_else(|| not_found(arn))?;
    let asked: Vec<_> = input
        .records("Targets")
        .map(|t| t.needed("Id").to_owned())
        .collect();
    let in_use = region.balancer_of(arn).is_some();
    let mut described = Vec::new();
    let all: Vec<_> = group.targets.keys().cloned().collect();
    for id in if asked.is_empty() { &all } else { &asked } {
        let registration = "Target registration is in progress";
        let (state, reason, why) = match group.targets.get(id).map(|t| t.state) {
            None => (
                "unused",
                Some("Target.NotRegistered"),
                "Target is not registered to the target group",
            ),
            Some(Health::Draining) => (
                "draining",
                Some("Target.DeregistrationInProgress"),
                "Target deregistration is in progress",
            ),
            Some(_) if !in_use => (
                "unused",
                Some("Target.NotInUse"),
                "Target group is not configured to receive traffic from the load balancer",
            ),
            Some(Health::Initial) => ("initial", Some("Elb.RegistrationInProgress"), registration),
            Some(Health::Healthy) => ("healthy", None, ""),
            Some(Health::Unhealthy) => (
                "unhealthy",
                Some("Target.FailedHealthChecks"),
                "Health checks failed",
            ),
        };
        let port = match group.check.port.as_str() {
            "traffic-port" => group.port.to_string(),
            port => port.to_owned(),
        };
        let health = Record::new()
            .with("State", state)
            .with("Reason", reason)
            .with("Description", reason.map(|_| why));
        described.push(
            Record::new()
                .with(
                    "Target",
                    Record::new().with("Id", id).with("Port", group.port),
                )
                .with("HealthCheckPort", port)
                .with("TargetHealth", health),
        );
    }
    Ok(Record::new().with("TargetHealthDescriptions", described))
}
