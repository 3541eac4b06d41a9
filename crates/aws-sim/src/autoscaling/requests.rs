//! Groups made, changed and taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Event;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::{Group, PROCESSES};
use super::{hooks, tags};

/// The termination policies that this simulator knows: the default one.
const TERMINATION_POLICIES: [&str; 1] = ["Default"];

fn seconds(input: &Record, name: &str) -> Result<Option<Duration>, Fault> {
    input
        .integer(name)
        .map(|number| {
            u64::try_from(number)
                .map(Duration::from_secs)
                .map_err(|_| Fault::validation(format!("{name} must not be negative")))
        })
        .transpose()
}

fn elb_health(input: &Record) -> Result<Option<bool>, Fault> {
    match input.text("HealthCheckType") {
        None => Ok(None),
        Some("EC2") => Ok(Some(false)),
        Some("ELB") => Ok(Some(true)),
        Some(other) => Err(Fault::validation(format!(
            "Invalid HealthCheckType: {other}"
        ))),
    }
}

fn termination_policies(input: &Record) -> Result<Option<Vec<String>>, Fault> {
    if input.list("TerminationPolicies").is_none() {
        return Ok(None);
    }
    let policies = input.texts("TerminationPolicies");
    match policies
        .iter()
        .find(|p| !TERMINATION_POLICIES.contains(&p.as_str()))
    {
        None => Ok(Some(policies)),
        Some(other) => Err(Fault::new(
            "NotImplemented",
            format!("the simulator does not know the termination policy {other}"),
        )),
    }
}

fn sizes(min: i64, max: i64, desired: i64) -> Result<(), Fault> {
    if min < 0 || max < 0 {
        return Err(Fault::validation("Min and max sizes must not be negative"));
    }
    if min > max {
        return Err(Fault::validation(format!(
            "Max bound, {max}, must be greater than or equal to min bound, {min}"
        )));
    }
    if desired < min || desired > max {
        return Err(Fault::validation(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        )));
    }
    Ok(())
}

impl Region {
    /// The template and version of a request: both must exist.
    fn template_of(&self, record: &Record) -> Result<(String, String), Fault> {
        let id = self.template_id(record).map_err(|fault| {
            Fault::validation(format!(
                "You must use a valid fully-formed launch template. {}",
                fault.message
            ))
        })?;
        let version = record.text("Version").unwrap_or("$Default");
        let found = self.templates.get(&id).and_then(|t| t.version(version));
        match found {
            Some(_) => Ok((id, version.to_owned())),
            None => Err(Fault::validation(format!(
                "You must use a valid fully-formed launch template. The specified launch template version {version} does not exist."
            ))),
        }
    }

    fn subnets_of(&self, list: &str) -> Result<Vec<String>, Fault> {
        let subnets: Vec<_> = list.split(',').map(|s| s.trim().to_owned()).collect();
        let mut networks = BTreeSet::new();
        for id in &subnets {
            let subnet = self
                .subnets
                .seen(id, self.now())
                .ok_or_else(|| Fault::validation(format!("The subnet ID '{id}' does not exist")))?;
            networks.insert(&subnet.vpc);
        }
        if networks.len() > 1 {
            return Err(Fault::validation("The subnets are not in the same VPC"));
        }
        Ok(subnets)
    }

    pub(super) fn look_soon(&mut self, group: &str) {
        self.after(
            self.timings.group_look,
            Event::GroupLook(group.to_owned(), false),
        );
    }
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("AutoScalingGroupName");
    if region.groups.get(name).is_some() {
        return Err(Fault::new(
            "AlreadyExists",
            "AutoScalingGroup by this name already exists - A group with the name already exists",
        ));
    }
    if region.groups.len() >= region.quotas.groups {
        return Err(Fault::new(
            "LimitExceeded",
            "You have reached the limit of Auto Scaling groups",
        ));
    }
    let size = |name: &str| input.integer(name).unwrap_or_default();
    let (min, max) = (size("MinSize"), size("MaxSize"));
    let desired = input.integer("DesiredCapacity").unwrap_or(min);
    sizes(min, max, desired)?;
    let template = input
        .record("LaunchTemplate")
        .ok_or_else(|| Fault::validation("Valid requests must contain either launchTemplate, launchConfigurationName, InstanceId or MixedInstancesPolicy parameter."))?;
    let template = region.template_of(template)?;
    let subnets = input.text("VPCZoneIdentifier").ok_or_else(|| {
        Fault::validation("At least one Availability Zone or VPC Subnet is required.")
    })?;
    let subnets = region.subnets_of(subnets)?;
    let target_groups = input.texts("TargetGroupARNs");
    region.target_groups_exist(&target_groups)?;
    let (id, now, seen_from) = (region.uuid(), region.now(), region.seen_from());
    let arn = region.arn(
        "autoscaling",
        &format!("autoScalingGroup:{id}:autoScalingGroupName/{name}"),
    );
    let mut group = Group {
        name: name.to_owned(),
        arn,
        created: now,
        min,
        max,
        desired,
        // "The default is 300."
        cooldown: seconds(input, "DefaultCooldown")?.unwrap_or(Duration::from_mins(5)),
        template,
        subnets,
        target_groups,
        elb_health: elb_health(input)?.unwrap_or(false),
        // "Default: 0 seconds" for groups that are made by request.
        grace: seconds(input, "HealthCheckGracePeriod")?.unwrap_or_default(),
        protects_new: input
            .boolean("NewInstancesProtectedFromScaleIn")
            .unwrap_or(false),
        termination_policies: termination_policies(input)?
            .unwrap_or_else(|| vec!["Default".to_owned()]),
        hooks: BTreeMap::new(),
        policies: BTreeMap::new(),
        tags: BTreeMap::new(),
        suspended: BTreeSet::new(),
        members: BTreeMap::new(),
        activities: Vec::new(),
        cooled_down: None,
        deleting: false,
    };
    for tag in input.records("Tags") {
        tags::put(&mut group, tag)?;
    }
    for hook in input.records("LifecycleHookSpecificationList") {
        hooks::add(&mut group, hook, region.quotas.hooks_per_group)?;
    }
    region.groups.insert(name, group, seen_from);
    region.look_soon(name);
    region.after(
        region.timings.group_look,
        Event::GroupLook(name.to_owned(), true),
    );
    Ok(Record::new())
}

pub(super) fn update(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("AutoScalingGroupName");
    let template = match input.record("LaunchTemplate") {
        Some(record) => Some(region.template_of(record)?),
        None => None,
    };
    let subnets = match input.text("VPCZoneIdentifier") {
        Some(list) => Some(region.subnets_of(list)?),
        None => None,
    };
    let group = region.group_named(name)?;
    if group.deleting {
        return Err(Fault::new(
            "ScalingActivityInProgress",
            "AutoScalingGroup is pending delete",
        ));
    }
    let min = input.integer("MinSize").unwrap_or(group.min);
    let max = input.integer("MaxSize").unwrap_or(group.max);
    // "If a new value for MinSize is specified without setting DesiredCapacity, and it is larger than the current
    // size, this sets the group's DesiredCapacity to the new MinSize"; likewise MaxSize.
    let desired = match input.integer("DesiredCapacity") {
        Some(desired) => desired,
        None if min > max => group.desired,
        None => group.desired.clamp(min, max),
    };
    sizes(min, max, desired)?;
    let (cooldown, grace) = (
        seconds(input, "DefaultCooldown")?,
        seconds(input, "HealthCheckGracePeriod")?,
    );
    let (health, policies) = (elb_health(input)?, termination_policies(input)?);
    (group.min, group.max, group.desired) = (min, max, desired);
    group.cooldown = cooldown.unwrap_or(group.cooldown);
    group.grace = grace.unwrap_or(group.grace);
    group.elb_health = health.unwrap_or(group.elb_health);
    if let Some(policies) = policies {
        group.termination_policies = policies;
    }
    if let Some(template) = template {
        group.template = template;
    }
    if let Some(subnets) = subnets {
        group.subnets = subnets;
    }
    if let Some(protects) = input.boolean("NewInstancesProtectedFromScaleIn") {
        group.protects_new = protects;
    }
    region.look_soon(name);
    Ok(Record::new())
}

pub(super) fn set_desired(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("AutoScalingGroupName");
    let desired = input.integer("DesiredCapacity").unwrap_or_default();
    let (now, honours) = (
        region.now(),
        input.boolean("HonorCooldown").unwrap_or(false),
    );
    let group = region.group_named(name)?;
    for (word, bad, bound) in [
        ("above max", desired > group.max, group.max),
        ("below min", desired < group.min, group.min),
    ] {
        if bad {
            return Err(Fault::validation(format!(
                "New SetDesiredCapacity value {desired} is {word} value {bound} for the AutoScalingGroup."
            )));
        }
    }
    if group.deleting {
        return Err(Fault::new(
            "ScalingActivityInProgress",
            "AutoScalingGroup is pending delete",
        ));
    }
    if honours && group.cooled_down.is_some_and(|until| until > now) {
        return Err(Fault::new(
            "ScalingActivityInProgress",
            "The group is in cooldown and HonorCooldown is set",
        ));
    }
    group.desired = desired;
    region.look_soon(name);
    Ok(Record::new())
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("AutoScalingGroupName");
    let force = input.boolean("ForceDelete").unwrap_or(false);
    let group = region.group_named(name)?;
    if !force {
        if !group.members.is_empty() {
            return Err(Fault::new(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
            ));
        }
        if group.in_progress() {
            return Err(Fault::new(
                "ScalingActivityInProgress",
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            ));
        }
        region.groups.remove(name);
        return Ok(Record::new());
    }
    group.deleting = true;
    (group.min, group.max, group.desired) = (0, 0, 0);
    // "along with all instances associated with the group, without waiting for all instances to be terminated": no
    // protection holds, and no hook is waited for.
    let members: Vec<_> = group.members.keys().cloned().collect();
    for member in members {
        region.end_at_once(name, &member);
    }
    region.gone_if_empty(name);
    Ok(Record::new())
}

fn processes(input: &Record) -> Result<Vec<String>, Fault> {
    let asked = input.texts("ScalingProcesses");
    if let Some(unknown) = asked.iter().find(|p| !PROCESSES.contains(&p.as_str())) {
        return Err(Fault::validation(format!("Invalid process: {unknown}")));
    }
    if asked.is_empty() {
        return Ok(PROCESSES.map(str::to_owned).into());
    }
    Ok(asked)
}

pub(super) fn suspend(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let processes = processes(input)?;
    let group = region.group_named(input.needed("AutoScalingGroupName"))?;
    group.suspended.extend(processes);
    Ok(Record::new())
}

pub(super) fn resume(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let processes = processes(input)?;
    let name = input.needed("AutoScalingGroupName");
    let group = region.group_named(name)?;
    group
        .suspended
        .retain(|process| !processes.contains(process));
    region.look_soon(name);
    Ok(Record::new())
}
