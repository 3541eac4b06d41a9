//! What requests do to members.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::State;

impl Region {
    /// The group that an instance is a member of.
    pub(crate) fn group_of(&self, instance: &str) -> Option<String> {
        self.groups
            .iter()
            .find(|(_, group)| group.members.contains_key(instance))
            .map(|(name, _)| name.to_owned())
    }
}

fn no_member(instance: &str) -> Fault {
    Fault::validation(format!(
        "Instance Id not found - No managed instance found for instance ID: {instance}"
    ))
}

/// Protection does not hold against it.
pub(super) fn terminate(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let instance = input
        .text("InstanceId")
        .ok_or_else(|| Fault::validation("InstanceId must be specified"))?;
    let name = region
        .group_of(instance)
        .ok_or_else(|| no_member(instance))?;
    let decrement = input
        .boolean("ShouldDecrementDesiredCapacity")
        .unwrap_or(false);
    let group = region.group_named(&name)?;
    if group.members.get(instance).is_some_and(|m| m.state.ends()) {
        let activity = group
            .members
            .get(instance)
            .map(|m| m.activity.clone())
            .unwrap_or_default();
        return Ok(Record::new().with("Activity", region.activity_record(&name, &activity)));
    }
    if decrement {
        if group.desired <= group.min {
            return Err(Fault::validation(format!(
                "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
                group.min
            )));
        }
        group.desired -= 1;
    }
    let activity = region.begin_end(
        &name,
        instance,
        "instance was taken out of service in response to a user request.",
    );
    Ok(Record::new().with(
        "Activity",
        activity.and_then(|id| region.activity_record(&name, &id)),
    ))
}

/// Only members in service can be protected.
pub(super) fn protect(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let instances = input.texts("InstanceIds");
    if instances.len() > 50 {
        return Err(Fault::validation(
            "No more than 50 instances can be specified",
        ));
    }
    let protected = input.boolean("ProtectedFromScaleIn").unwrap_or(false);
    let name = input.needed("AutoScalingGroupName");
    let group = region.group_named(name)?;
    for id in &instances {
        let state = group.members.get(id).map(|m| m.state);
        match state {
            None => {
                return Err(Fault::validation(format!(
                    "The instance {id} is not part of Auto Scaling group {}.",
                    group.name
                )));
            }
            Some(State::InService) => {}
            Some(state) => {
                return Err(Fault::validation(format!(
                    "The instance {id} is not in InService or EnteringStandby or Standby: it is {}.",
                    state.name()
                )));
            }
        }
    }
    for id in &instances {
        if let Some(member) = group.members.get_mut(id) {
            member.protected = protected;
        }
    }
    region.look_soon(name);
    Ok(Record::new())
}

pub(super) fn set_health(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let instance = input.needed("InstanceId");
    let healthy = match input.needed("HealthStatus") {
        "Healthy" => true,
        "Unhealthy" => false,
        other => {
            return Err(Fault::validation(format!(
                "Valid instance health states are: [Healthy, Unhealthy], not {other}"
            )));
        }
    };
    // "If the Auto Scaling group has a health check grace period, by default this call respects it."
    let respects = input.boolean("ShouldRespectGracePeriod").unwrap_or(true);
    let (now, name) = (
        region.now(),
        region
            .group_of(instance)
            .ok_or_else(|| no_member(instance))?,
    );
    let group = region.group_named(&name)?;
    let grace = group.grace;
    if let Some(member) = group.members.get_mut(instance) {
        let graced = respects && member.in_service.is_none_or(|since| now < since + grace);
        if healthy || !graced {
            member.healthy = healthy;
        }
    }
    region.look_soon(&name);
    Ok(Record::new())
}
