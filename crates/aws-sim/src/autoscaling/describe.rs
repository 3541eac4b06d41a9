//! What requests see of groups and their members.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::{Group, Member};
use super::{listed, tags};

fn template(id: &str, name: Option<&str>, version: &str) -> Record {
    Record::new()
        .with("LaunchTemplateId", id)
        .with("LaunchTemplateName", name)
        .with("Version", version)
}

fn health(member: &Member) -> &'static str {
    if member.healthy {
        "Healthy"
    } else {
        "Unhealthy"
    }
}

fn member(id: &str, member: &Member) -> Record {
    let (template_id, name, version) = &member.template;
    Record::new()
        .with("InstanceId", id)
        .with("InstanceType", &member.kind)
        .with("AvailabilityZone", &member.zone)
        .with("LifecycleState", member.state.name())
        .with("HealthStatus", health(member))
        .with(
            "LaunchTemplate",
            template(template_id, Some(name), &version.to_string()),
        )
        .with("ImageId", &member.image)
        .with("ProtectedFromScaleIn", member.protected)
}

fn seconds(duration: std::time::Duration) -> Option<i64> {
    i64::try_from(duration.as_secs()).ok()
}

fn record(region: &Region, group: &Group, with_members: bool) -> Record {
    let name = region
        .templates
        .get(&group.template.0)
        .map(|t| t.name.as_str());
    let mut zones: Vec<_> = group
        .subnets
        .iter()
        .filter_map(|subnet| region.subnets.get(subnet))
        .map(|subnet| subnet.zone.clone())
        .collect();
    zones.sort();
    zones.dedup();
    let members: Vec<_> = group
        .members
        .iter()
        .filter(|_| with_members)
        .map(|(id, m)| member(id, m))
        .collect();
    let suspended: Vec<_> = group
        .suspended
        .iter()
        .map(|process| {
            Record::new()
                .with("ProcessName", process)
                .with("SuspensionReason", "User suspended")
        })
        .collect();
    Record::new()
        .with("AutoScalingGroupName", &group.name)
        .with("AutoScalingGroupARN", &group.arn)
        .with("LaunchTemplate", template(&group.template.0, name, &group.template.1))
        .with("MinSize", group.min)
        .with("MaxSize", group.max)
        .with("DesiredCapacity", group.desired)
        .with("DefaultCooldown", seconds(group.cooldown))
        .with("AvailabilityZones", zones)
        .with("TargetGroupARNs", group.target_groups.clone())
        .with("HealthCheckType", if group.elb_health { "ELB" } else { "EC2" })
        .with("HealthCheckGracePeriod", seconds(group.grace))
        .with("Instances", members)
        .with("CreatedTime", group.created)
        .with("SuspendedProcesses", suspended)
        .with("VPCZoneIdentifier", group.subnets.join(","))
        .with("Status", group.deleting.then_some("Delete in progress"))
        .with("Tags", tags::records(group))
        .with("TerminationPolicies", group.termination_policies.clone())
        .with("NewInstancesProtectedFromScaleIn", group.protects_new)
        .with(
            "ServiceLinkedRoleARN",
            format!("arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", region.account),
        )
}

/// Filters of groups: by tags only.
fn matches(input: &Record, group: &Group) -> Result<bool, Fault> {
    for filter in input.records("Filters") {
        let name = filter.text("Name").unwrap_or_default();
        let wanted = filter.texts("Values");
        let hit = match name.strip_prefix("tag:") {
            Some(key) => group
                .tags
                .get(key)
                .is_some_and(|tag| wanted.contains(&tag.value)),
            None if name == "tag-key" => group.tags.keys().any(|key| wanted.contains(key)),
            None if name == "tag-value" => {
                group.tags.values().any(|tag| wanted.contains(&tag.value))
            }
            None => {
                return Err(Fault::validation(format!(
                    "Filter type {name} is not correct."
                )));
            }
        };
        if !hit {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Names that nothing has are left out: an unknown group is an empty list, not an error.
pub(super) fn groups(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.texts("AutoScalingGroupNames");
    let with_members = input.boolean("IncludeInstances").unwrap_or(true);
    let mut items = Vec::new();
    for (name, group) in region.groups.seen_all(region.now()) {
        if (asked.is_empty() || asked.iter().any(|a| a == name)) && matches(input, group)? {
            items.push((name.to_owned(), record(region, group, with_members)));
        }
    }
    let (groups, next) = listed(region, input, items, 50, 100)?;
    Ok(Record::new()
        .with("AutoScalingGroups", groups)
        .with("NextToken", next))
}

pub(super) fn instances(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.texts("InstanceIds");
    let mut items = Vec::new();
    for (_, group) in region.groups.seen_all(region.now()) {
        for (id, m) in &group.members {
            if asked.is_empty() || asked.contains(id) {
                let record = member(id, m).with("AutoScalingGroupName", &group.name);
                items.push((id.clone(), record));
            }
        }
    }
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let (instances, next) = listed(region, input, items, 50, 50)?;
    Ok(Record::new()
        .with("AutoScalingInstances", instances)
        .with("NextToken", next))
}
