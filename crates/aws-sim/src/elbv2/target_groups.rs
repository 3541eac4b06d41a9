//! Target groups.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Event;
use crate::ec2::Tags;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::health::Target;
use super::{balancers, check_name, listed, tags};

#[derive(Clone, Debug)]
pub(crate) struct TargetGroup {
    pub(crate) name: String,
    protocol: String,
    pub(crate) port: i64,
    vpc: String,
    pub(super) check: Check,
    pub(super) targets: BTreeMap<String, Target>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

/// How targets are checked.
#[derive(Clone, Debug)]
pub(super) struct Check {
    protocol: String,
    pub(super) port: String,
    enabled: bool,
    path: String,
    interval: i64,
    timeout: i64,
    pub(super) healthy: i64,
    pub(super) unhealthy: i64,
    codes: String,
}

impl Check {
    /// What a request leaves out stays as it is.
    fn change(&mut self, input: &Record) -> Result<(), Fault> {
        let text = |name: &str, old: &str| input.text(name).unwrap_or(old).to_owned();
        let number = |name: &str, old: i64| input.integer(name).unwrap_or(old);
        let codes = input.record("Matcher").and_then(|m| m.text("HttpCode"));
        *self = Self {
            protocol: text("HealthCheckProtocol", &self.protocol),
            port: text("HealthCheckPort", &self.port),
            enabled: input.boolean("HealthCheckEnabled").unwrap_or(self.enabled),
            path: text("HealthCheckPath", &self.path),
            interval: number("HealthCheckIntervalSeconds", self.interval),
            timeout: number("HealthCheckTimeoutSeconds", self.timeout),
            healthy: number("HealthyThresholdCount", self.healthy),
            unhealthy: number("UnhealthyThresholdCount", self.unhealthy),
            codes: codes.unwrap_or(&self.codes).to_owned(),
        };
        if self.timeout >= self.interval {
            return Err(Fault::validation(
                "Health check timeout must be smaller than the interval",
            ));
        }
        if !["HTTP", "HTTPS"].contains(&self.protocol.as_str()) {
            return Err(Fault::new(
                "InvalidConfigurationRequest",
                "Health checks of an application load balancer are HTTP or HTTPS",
            ));
        }
        Ok(())
    }

    pub(super) fn every(&self) -> Duration {
        Duration::from_secs(self.interval.unsigned_abs())
    }
}

impl Default for Check {
    /// Defaults of a target group of type `instance`.
    fn default() -> Self {
        Self {
            protocol: "HTTP".to_owned(),
            port: "traffic-port".to_owned(),
            enabled: true,
            path: "/".to_owned(),
            interval: 30,
            timeout: 5,
            healthy: 5,
            unhealthy: 2,
            codes: "200".to_owned(),
        }
    }
}

impl TargetGroup {
    pub(super) fn delay(&self) -> Duration {
        let set = self.attributes.get("deregistration_delay.timeout_seconds");
        // "The default value is 300 seconds."
        Duration::from_secs(set.and_then(|s| s.parse().ok()).unwrap_or(300))
    }
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new(
        "TargetGroupNotFound",
        format!("Target groups '{arn}' not found"),
    )
}

fn record(region: &Region, arn: &str, group: &TargetGroup) -> Record {
    let check = &group.check;
    Record::new()
        .with("TargetGroupArn", arn)
        .with("TargetGroupName", &group.name)
        .with("Protocol", &group.protocol)
        .with("Port", group.port)
        .with("VpcId", &group.vpc)
        .with("HealthCheckProtocol", &check.protocol)
        .with("HealthCheckPort", &check.port)
        .with("HealthCheckEnabled", check.enabled)
        .with("HealthCheckIntervalSeconds", check.interval)
        .with("HealthCheckTimeoutSeconds", check.timeout)
        .with("HealthyThresholdCount", check.healthy)
        .with("UnhealthyThresholdCount", check.unhealthy)
        .with("HealthCheckPath", &check.path)
        .with("Matcher", Record::new().with("HttpCode", &check.codes))
        .with(
            "LoadBalancerArns",
            region.balancer_of(arn).into_iter().collect::<Vec<_>>(),
        )
        .with("TargetType", "instance")
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("Name");
    check_name(name)?;
    let protocol = input.text("Protocol").unwrap_or_default();
    let (port, vpc) = (input.integer("Port"), input.text("VpcId"));
    let kind = input.text("TargetType").unwrap_or("instance");
    if kind != "instance" || !["HTTP", "HTTPS"].contains(&protocol) {
        return Err(Fault::new(
            "NotImplemented",
            "the simulator has target groups of instances by HTTP or HTTPS only",
        ));
    }
    let (Some(port), Some(vpc)) = (port, vpc) else {
        return Err(Fault::validation("A port and a VPC ID must be specified"));
    };
    if region.vpcs.seen(vpc, region.now()).is_none() {
        return Err(Fault::validation(format!(
            "The VPC ID '{vpc}' is not found"
        )));
    }
    let mut check = Check::default();
    check.change(input)?;
    let tags = tags::asked(input)?;
    if let Some((arn, group)) = region.target_groups.iter().find(|(_, g)| g.name == name) {
        // As for balancers: the same settings give the existing one.
        let same = (group.protocol.as_str(), group.port, group.vpc.as_str())
            == (protocol, port, vpc)
            && format!("{:?}", group.check) == format!("{check:?}")
            && group.tags == tags;
        if same {
            return Ok(Record::new().with("TargetGroups", vec![record(region, arn, group)]));
        }
        return Err(Fault::new(
            "DuplicateTargetGroupName",
            format!(
                "A target group with the same name '{name}' exists, but with different settings"
            ),
        ));
    }
    if region.target_groups.len() >= region.quotas.target_groups {
        return Err(Fault::new(
            "TooManyTargetGroups",
            "The maximum number of target groups has been reached",
        ));
    }
    let (id, seen_from) = (region.short_id(), region.seen_from());
    let arn = region.arn("elasticloadbalancing", &format!("targetgroup/{name}/{id}"));
    let group = TargetGroup {
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        port,
        vpc: vpc.to_owned(),
        check,
        targets: BTreeMap::new(),
        attributes: BTreeMap::new(),
        tags,
    };
    let answer = record(region, &arn, &group);
    let every = group.check.every();
    region.target_groups.insert(&arn, group, seen_from);
    region.after(every, Event::TargetsChecked(arn));
    Ok(Record::new().with("TargetGroups", vec![answer]))
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("TargetGroupArn"), region.now());
    let group = region
        .target_groups
        .seen_mut(arn, now)
        .ok_or_else(|| not_found(arn))?;
    let mut check = group.check.clone();
    check.change(input)?;
    group.check = check;
    let answer = region
        .target_groups
        .get(arn)
        .map(|group| vec![record(region, arn, group)]);
    Ok(Record::new().with("TargetGroups", answer))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arns, names, now) = (
        input.texts("TargetGroupArns"),
        input.texts("Names"),
        region.now(),
    );
    let balancer = input.text("LoadBalancerArn");
    if let Some(arn) = balancer.filter(|arn| region.balancers.seen(arn, now).is_none()) {
        return Err(balancers::not_found(arn));
    }
    if let Some(arn) = arns
        .iter()
        .find(|arn| region.target_groups.seen(arn, now).is_none())
    {
        return Err(not_found(arn));
    }
    let is_there = |name: &String| {
        region
            .target_groups
            .seen_all(now)
            .any(|(_, g)| g.name == *name)
    };
    if let Some(name) = names.iter().find(|name| !is_there(name)) {
        return Err(not_found(name));
    }
    let items: Vec<_> = region
        .target_groups
        .seen_all(now)
        .filter(|(arn, g)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn))
                && (names.is_empty() || names.contains(&g.name))
                && balancer.is_none_or(|b| region.balancer_of(arn).as_deref() == Some(b))
        })
        .map(|(arn, g)| (arn.to_owned(), record(region, arn, g)))
        .collect();
    let (groups, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("TargetGroups", groups)
        .with("NextMarker", next))
}

/// Not while a listener or a rule sends to it; deleting what is not there succeeds.
pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("TargetGroupArn");
    if region.balancer_of(arn).is_some() {
        return Err(Fault::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    region.target_groups.remove(arn);
    Ok(Record::new())
}
