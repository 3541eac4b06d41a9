//! Target groups of a group: members in service are registered with each.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::State;

impl Region {
    pub(super) fn target_groups_exist(&self, arns: &[String]) -> Result<(), Fault> {
        match arns
            .iter()
            .find(|arn| self.target_groups.seen(arn, self.now()).is_none())
        {
            None => Ok(()),
            Some(arn) => Err(Fault::validation(format!(
                "Provided Target Groups may not be valid. Please ensure they exist and try again. ({arn})"
            ))),
        }
    }

    fn serving(&self, group: &str) -> Vec<String> {
        self.groups.get(group).map_or_else(Vec::new, |group| {
            let serves = group
                .members
                .iter()
                .filter(|(_, m)| m.state == State::InService);
            serves.map(|(id, _)| id.clone()).collect()
        })
    }
}

pub(super) fn attach(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (name, arns) = (
        input.needed("AutoScalingGroupName"),
        input.texts("TargetGroupARNs"),
    );
    region.target_groups_exist(&arns)?;
    let group = region.group_named(name)?;
    let registers = group.runs("AddToLoadBalancer");
    for arn in &arns {
        if !group.target_groups.contains(arn) {
            group.target_groups.push(arn.clone());
        }
    }
    if registers {
        for instance in region.serving(name) {
            for arn in &arns {
                region.register_target(arn, &instance);
            }
        }
    }
    Ok(Record::new())
}

pub(super) fn detach(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (name, arns) = (
        input.needed("AutoScalingGroupName"),
        input.texts("TargetGroupARNs"),
    );
    let group = region.group_named(name)?;
    if let Some(other) = arns.iter().find(|arn| !group.target_groups.contains(arn)) {
        return Err(Fault::validation(format!(
            "Trying to remove Target Groups that are not part of the group: {other}"
        )));
    }
    group.target_groups.retain(|arn| !arns.contains(arn));
    for instance in region.serving(name) {
        for arn in &arns {
            region.deregister_target(arn, &instance);
        }
    }
    Ok(Record::new())
}
