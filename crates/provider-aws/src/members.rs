//! Members of groups: nodes, with their life cycle.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance as Member, LifecycleState};
use ovo_api::act::Role;
use ovo_aws_ec2::{Fault, Instance, InstanceState};
use ovo_model::{MediaState, NodeName, ObservedNode, Outcome, Presence, ProviderError, ResourceId};

use crate::errors::{IN_USE_MS, changed, classed};
use crate::groups::sent;
use crate::kinds::{GROUP, MASTERS, MEDIA};
use crate::provider::{AwsProvider, Site};

/// The tag by which OpenVidu's masters say where a media node stands.
const STATUS_TAG: &str = "ov-medianode-status";
/// AWS takes so many instances in one call about their protection.
const PROTECTED_AT_ONCE: usize = 50;

/// Where a member's machine stands: the group says what it means to do, EC2 what is.
fn presence(member: &Member, instance: Option<&Instance>) -> Presence {
    match instance.map(|i| i.state) {
        Some(Some(InstanceState::Terminated)) => return Presence::Gone,
        Some(Some(InstanceState::ShuttingDown)) => return Presence::Terminating,
        // It may come back; until then nobody can ask it.
        Some(Some(InstanceState::Stopped)) => return Presence::Unreachable,
        _ => {}
    }
    let state = member.lifecycle_state().map_or("", LifecycleState::as_str);
    match state {
        "Pending" | "Pending:Wait" | "Pending:Proceed" => Presence::Pending,
        "Terminating" | "Terminating:Wait" | "Terminating:Proceed" | "Terminated" => {
            Presence::Terminating
        }
        // In service, standing by, leaving the group alive, or in a state that this release does not know: up.
        _ => Presence::Running,
    }
}

/// Where a media node stands, as far as its tag tells. Every instance is launched with `running`, so that word says
/// nothing: whether a node takes part is for the masters to say.
fn media(instance: Option<&Instance>) -> MediaState {
    let status = instance.and_then(|i| i.tags.get(STATUS_TAG));
    match status.map(String::as_str) {
        Some("waiting-idle-to-terminate") => MediaState::Closed,
        Some("canceled") => MediaState::Canceled,
        Some("terminating" | "terminated") => MediaState::Leaving,
        Some("failed") => MediaState::Failed,
        _ => MediaState::Unknown,
    }
}

fn in_service(member: &Member) -> bool {
    member.lifecycle_state() == Some(&LifecycleState::InService)
}

impl AwsProvider {
    /// The members of a group that is ours.
    pub(crate) async fn members(
        &self,
        site: &Site<'_>,
        short: &str,
        role: Role,
        group: &AutoScalingGroup,
    ) -> Result<BTreeMap<NodeName, ObservedNode>, Fault> {
        let members = group.instances();
        let ids: Vec<String> = members
            .iter()
            .filter_map(|member| member.instance_id().map(str::to_owned))
            .collect();
        let instances = self.ec2.instances(&ids).await?;
        let healthy = match role {
            Role::Master if !ids.is_empty() => self.healthy_targets(site).await?,
            _ => BTreeSet::new(),
        };
        let node = |member: &Member| {
            let id = member.instance_id().unwrap_or_default();
            let instance = instances.iter().find(|i| i.id == id);
            let well = member.health_status() == Some("Healthy") && in_service(member);
            let node = ObservedNode {
                name: NodeName::from(id),
                role,
                group: Some(ResourceId::new(GROUP, short)),
                presence: presence(member, instance),
                protected: member.protected_from_scale_in(),
                unit: None,
                containers: None,
                media: match role {
                    Role::Media => media(instance),
                    _ => MediaState::Absent,
                },
                healthy: match role {
                    Role::Master => healthy.contains(id),
                    _ => well,
                },
                // An instance that is stopped and started has another launch time; a reboot from within shows nowhere.
                boot_id: instance.map_or_else(String::new, |i| i.launched.to_string()),
                address: instance.map_or_else(String::new, |i| i.address.clone()),
                zone: member.availability_zone().map(str::to_owned),
                version: None,
                epoch: 0,
                preflight: None,
            };
            (node.name.clone(), node)
        };
        Ok(members.iter().map(node).collect())
    }

    /// Sets a capacity if it is still what was seen.
    pub(crate) async fn set_capacity(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
        from: i64,
        to: i64,
    ) -> Result<Outcome, ProviderError> {
        let group = self.our_group(site, id).await?;
        let now = i64::from(group.desired_capacity().unwrap_or_default());
        if now == to {
            return Ok(Outcome::Done);
        }
        if now != from {
            return Err(ProviderError::Conflict(format!(
                "the capacity of {id} is {now}, not {from}"
            )));
        }
        let desired = i32::try_from(to).map_err(|_| ProviderError::Invalid {
            field: format!("{id} desired"),
            message: format!("{to} is no capacity"),
        })?;
        let call = self
            .scaling
            .set_desired_capacity()
            .auto_scaling_group_name(site.full(&id.name))
            .desired_capacity(desired)
            .honor_cooldown(false);
        changed(sent(call.send().await))
    }

    /// Switches the protection of members on or off: those that are in service and have it otherwise.
    pub(crate) async fn set_protection(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
        nodes: &[NodeName],
        protected: bool,
    ) -> Result<Outcome, ProviderError> {
        let group = self.our_group(site, id).await?;
        let mut wanted: Vec<String> = group
            .instances()
            .iter()
            .filter(|m| in_service(m) && m.protected_from_scale_in() != Some(protected))
            .filter_map(Member::instance_id)
            .filter(|id| nodes.iter().any(|node| *node.0 == **id))
            .map(str::to_owned)
            .collect();
        let more = wanted.len() > PROTECTED_AT_ONCE;
        wanted.truncate(PROTECTED_AT_ONCE);
        if wanted.is_empty() {
            return Ok(Outcome::Done);
        }
        let call = self
            .scaling
            .set_instance_protection()
            .auto_scaling_group_name(site.full(&id.name))
            .set_instance_ids(Some(wanted))
            .protected_from_scale_in(protected);
        let done = changed(sent(call.send().await))?;
        Ok(if more {
            Outcome::InProgress { look_again_in: 1 }
        } else {
            done
        })
    }

    /// Ends a member of one of our groups.
    pub(crate) async fn terminate(
        &self,
        site: &Site<'_>,
        node: &NodeName,
        decrement: bool,
    ) -> Result<Outcome, ProviderError> {
        for short in [MEDIA, MASTERS] {
            let group = match self.our_group(site, &ResourceId::new(GROUP, short)).await {
                Err(ProviderError::NotFound(_)) => continue,
                group => group?,
            };
            let mut members = group.instances().iter();
            let Some(member) = members.find(|m| m.instance_id() == Some(&*node.0)) else {
                continue;
            };
            if presence(member, None) == Presence::Terminating {
                return Ok(Outcome::InProgress {
                    look_again_in: IN_USE_MS,
                });
            }
            let call = self
                .scaling
                .terminate_instance_in_auto_scaling_group()
                .instance_id(&*node.0)
                .should_decrement_desired_capacity(decrement);
            return sent(call.send().await)
                .map(|_| Outcome::Done)
                .map_err(classed);
        }
        // A member of none of our groups: gone, or never ours to end.
        Err(ProviderError::NotFound(format!(
            "{node} is in no group of this cluster"
        )))
    }
}
