//! Simple scaling policies. What executes them (an alarm of CloudWatch, later) is a request here.

use std::time::Duration;

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::listed;

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    arn: String,
    adjustment: i64,
    adjustment_type: String,
    cooldown: Option<Duration>,
    enabled: bool,
}

const ADJUSTMENTS: [&str; 2] = ["ChangeInCapacity", "ExactCapacity"];

pub(super) fn put(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (group_name, name) = (
        input.needed("AutoScalingGroupName"),
        input.needed("PolicyName"),
    );
    // "The default value is SimpleScaling."
    let kind = input.text("PolicyType").unwrap_or("SimpleScaling");
    if kind != "SimpleScaling" {
        return Err(Fault::new(
            "NotImplemented",
            format!("the simulator does not know policies of type {kind}"),
        ));
    }
    let adjustment_type = input.text("AdjustmentType").unwrap_or_default();
    if !ADJUSTMENTS.contains(&adjustment_type) {
        return Err(Fault::validation(format!(
            "Invalid AdjustmentType: '{adjustment_type}', use one of {ADJUSTMENTS:?}"
        )));
    }
    let adjustment = input.integer("ScalingAdjustment").ok_or_else(|| {
        Fault::validation("You must specify a ScalingAdjustment for a simple scaling policy")
    })?;
    let cooldown = input
        .integer("Cooldown")
        .map(|s| Duration::from_secs(s.unsigned_abs()));
    let id = region.uuid();
    let new = region.arn(
        "autoscaling",
        &format!("scalingPolicy:{id}:autoScalingGroupName/{group_name}:policyName/{name}"),
    );
    let group = region.group_named(group_name)?;
    let arn = group.policies.get(name).map_or(new, |old| old.arn.clone());
    let policy = Policy {
        arn: arn.clone(),
        adjustment,
        adjustment_type: adjustment_type.to_owned(),
        cooldown,
        enabled: input.boolean("Enabled").unwrap_or(true),
    };
    group.policies.insert(name.to_owned(), policy);
    Ok(Record::new().with("PolicyARN", arn))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (of, names) = (
        input.text("AutoScalingGroupName"),
        input.texts("PolicyNames"),
    );
    if let Some(name) = of {
        region.group_named(name)?;
    }
    let mut items = Vec::new();
    for (group, found) in region.groups.seen_all(region.now()) {
        for (name, policy) in &found.policies {
            if of.is_some_and(|of| of != group)
                || !(names.is_empty() || names.contains(name) || names.contains(&policy.arn))
            {
                continue;
            }
            let cooldown = policy
                .cooldown
                .and_then(|c| i64::try_from(c.as_secs()).ok());
            let record = Record::new()
                .with("AutoScalingGroupName", group)
                .with("PolicyName", name)
                .with("PolicyARN", &policy.arn)
                .with("PolicyType", "SimpleScaling")
                .with("AdjustmentType", &policy.adjustment_type)
                .with("ScalingAdjustment", policy.adjustment)
                .with("Cooldown", cooldown)
                .with("Enabled", policy.enabled);
            items.push((format!("{group} {name}"), record));
        }
    }
    let (policies, next) = listed(region, input, items, 50, 100)?;
    Ok(Record::new()
        .with("ScalingPolicies", policies)
        .with("NextToken", next))
}

impl Region {
    /// Group and name of a policy, by its name in a group or by its ARN.
    fn policy_named(&self, input: &Record) -> Result<(String, String), Fault> {
        let (of, wanted) = (
            input.text("AutoScalingGroupName"),
            input.needed("PolicyName"),
        );
        self.groups
            .seen_all(self.now())
            .filter(|(group, _)| of.is_none_or(|of| of == *group))
            .flat_map(|(group, found)| found.policies.iter().map(move |p| (group, p)))
            .find(|(_, (name, policy))| policy.arn == wanted || (of.is_some() && *name == wanted))
            .map(|(group, (name, _))| (group.to_owned(), name.clone()))
            .ok_or_else(|| {
                Fault::validation(format!(
                    "PolicyName not found - Scaling policy {wanted} not found"
                ))
            })
    }
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (group, name) = region.policy_named(input)?;
    region.group_named(&group)?.policies.remove(&name);
    Ok(Record::new())
}

pub(super) fn execute(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (group_name, name) = region.policy_named(input)?;
    let (now, honours) = (
        region.now(),
        input.boolean("HonorCooldown").unwrap_or(false),
    );
    let group = region.group_named(&group_name)?;
    if honours && group.cooled_down.is_some_and(|until| until > now) {
        return Err(Fault::new(
            "ScalingActivityInProgress",
            "Scaling activity is in cooldown",
        ));
    }
    if let Some(policy) = group.policies.get(&name).filter(|p| p.enabled) {
        let wanted = match policy.adjustment_type.as_str() {
            "ExactCapacity" => policy.adjustment,
            _ => group.desired + policy.adjustment,
        };
        let (wanted, wait) = (wanted.clamp(group.min, group.max), policy.cooldown);
        if wanted != group.desired {
            group.desired = wanted;
            group.cooled_down = Some(now + wait.unwrap_or(group.cooldown));
        }
    }
    region.look_soon(&group_name);
    Ok(Record::new())
}
