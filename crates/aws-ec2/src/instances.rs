//! Instances, as far as they are looked at.

use aws_sdk_ec2::types::InstanceStateName;

use crate::fault::answer;
use crate::tags::{filter, read};
use crate::{Ec2, Fault, Tags};

/// EC2 takes at most so many values in one filter.
const VALUES: usize = 200;

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Being launched.
    Pending,
    /// Up.
    Running,
    /// Stopped or about to: it may come back.
    Stopped,
    /// About to be gone for good.
    ShuttingDown,
    /// Gone for good.
    Terminated,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// EC2's id of it.
    pub id: String,
    /// Where it is in its life; `None`: in a state that this release does not know.
    pub state: Option<InstanceState>,
    /// Private address.
    pub address: String,
    /// When it was launched or last started, in seconds since 1970.
    pub launched: i64,
    /// Tags.
    pub tags: Tags,
}

fn state(name: &InstanceStateName) -> Option<InstanceState> {
    Some(match name {
        InstanceStateName::Pending => InstanceState::Pending,
        InstanceStateName::Running => InstanceState::Running,
        InstanceStateName::Stopping | InstanceStateName::Stopped => InstanceState::Stopped,
        InstanceStateName::ShuttingDown => InstanceState::ShuttingDown,
        InstanceStateName::Terminated => InstanceState::Terminated,
        _ => return None,
    })
}

impl Ec2 {
    /// Those of these instances that EC2 still knows.
    ///
    /// # Errors
    /// When the answer is not whole.
    pub async fn instances(&self, ids: &[String]) -> Result<Vec<Instance>, Fault> {
        let mut instances = Vec::new();
        for some in ids.chunks(VALUES) {
            // As a filter: asked for by their ids, one that is gone would refuse all the others.
            let call = self
                .client
                .describe_instances()
                .filters(filter("instance-id", some.iter().map(String::as_str)));
            let found = answer(call.into_paginator().items().send().try_collect().await)?;
            instances.extend(
                found
                    .iter()
                    .flat_map(|r| r.instances())
                    .map(|instance| Instance {
                        id: instance.instance_id().unwrap_or_default().to_owned(),
                        state: instance.state().and_then(|s| s.name()).and_then(state),
                        address: instance.private_ip_address().unwrap_or_default().to_owned(),
                        launched: instance.launch_time().map_or(0, |time| time.secs()),
                        tags: read(instance.tags()),
                    }),
            );
        }
        Ok(instances)
    }
}
