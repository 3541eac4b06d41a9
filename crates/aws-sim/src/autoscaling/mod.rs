//! Auto Scaling: groups, their members and hooks, what they do by themselves, and the record of it.

mod activities;
mod describe;
mod ending;
mod group;
mod health;
mod hooks;
mod joining;
mod look;
mod members;
mod policies;
mod requests;
mod tags;
mod targets;

pub(crate) use group::Group;

use crate::dispatch::Handler;
use crate::page::Paging;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateAutoScalingGroup", requests::create),
    ("UpdateAutoScalingGroup", requests::update),
    ("DeleteAutoScalingGroup", requests::delete),
    ("SetDesiredCapacity", requests::set_desired),
    ("SuspendProcesses", requests::suspend),
    ("ResumeProcesses", requests::resume),
    ("DescribeAutoScalingGroups", describe::groups),
    ("DescribeAutoScalingInstances", describe::instances),
    ("TerminateInstanceInAutoScalingGroup", members::terminate),
    ("SetInstanceProtection", members::protect),
    ("SetInstanceHealth", members::set_health),
    ("PutLifecycleHook", hooks::put),
    ("DescribeLifecycleHooks", hooks::describe),
    ("DeleteLifecycleHook", hooks::delete),
    ("CompleteLifecycleAction", hooks::complete),
    ("RecordLifecycleActionHeartbeat", hooks::heartbeat),
    ("CreateOrUpdateTags", tags::create),
    ("DeleteTags", tags::delete),
    ("AttachLoadBalancerTargetGroups", targets::attach),
    ("DetachLoadBalancerTargetGroups", targets::detach),
    ("PutScalingPolicy", policies::put),
    ("DescribePolicies", policies::describe),
    ("DeletePolicy", policies::delete),
    ("ExecutePolicy", policies::execute),
    ("DescribeScalingActivities", activities::describe),
];

impl Region {
    /// The group that a request names.
    ///
    /// # Errors
    /// As Auto Scaling says it: a `ValidationError`, not an error of its own.
    fn group_named(&mut self, name: &str) -> Result<&mut Group, Fault> {
        let now = self.now();
        // CompleteLifecycleAction and its like also take the ARN.
        let name = name
            .rsplit_once("autoScalingGroupName/")
            .map_or(name, |(_, name)| name);
        self.groups.seen_mut(name, now).ok_or_else(|| {
            Fault::validation(format!(
                "AutoScalingGroup name not found - AutoScalingGroup: {name} not found"
            ))
        })
    }
}

fn listed<T>(
    region: &Region,
    input: &Record,
    items: Vec<(String, T)>,
    default: usize,
    most: usize,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let paging = Paging {
        token: "NextToken",
        size: "MaxRecords",
        default,
        most,
    };
    paging
        .page(region, input, items)
        .ok_or_else(|| Fault::new("InvalidNextToken", "The token is invalid"))
}
