//! What a group is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::activities::Activity;
use super::hooks::{Hook, Wait};
use super::policies::Policy;
use super::tags::GroupTag;

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created: Timestamp,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) desired: i64,
    pub(crate) cooldown: Duration,
    /// Id of the template, and the version as the request had it: a number, `$Default` or `$Latest`.
    pub(crate) template: (String, String),
    pub(crate) subnets: Vec<String>,
    pub(crate) target_groups: Vec<String>,
    pub(crate) elb_health: bool,
    pub(crate) grace: Duration,
    pub(crate) protects_new: bool,
    pub(crate) termination_policies: Vec<String>,
    pub(crate) hooks: BTreeMap<String, Hook>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) tags: BTreeMap<String, GroupTag>,
    pub(crate) suspended: BTreeSet<String>,
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) activities: Vec<Activity>,
    /// Until then simple policies change nothing.
    pub(crate) cooled_down: Option<Timestamp>,
    /// ForceDelete was asked for: it goes when its last member has gone.
    pub(crate) deleting: bool,
}

/// The processes that can be suspended: each has its part in what a group does by itself.
pub(crate) const PROCESSES: [&str; 9] = [
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
];

impl Group {
    pub(crate) fn runs(&self, process: &str) -> bool {
        !self.suspended.contains(process)
    }

    /// Members that count against the desired capacity.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.members.iter().filter(|(_, m)| !m.state.ends())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) zone: String,
    pub(crate) kind: String,
    pub(crate) image: String,
    /// Id, name and number of the template's version that it was launched from.
    pub(crate) template: (String, String, u64),
    pub(crate) state: State,
    pub(crate) healthy: bool,
    pub(crate) protected: bool,
    pub(crate) launched: Timestamp,
    pub(crate) in_service: Option<Timestamp>,
    /// Hooks that it waits for.
    pub(crate) waits: Vec<Wait>,
    /// A hook's result was to abandon it.
    pub(crate) abandoned: bool,
    /// The activity that it is part of.
    pub(crate) activity: String,
}

/// Where a member is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    PendingWait,
    PendingProceed,
    InService,
    Terminating,
    TerminatingWait,
    TerminatingProceed,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::PendingProceed => "Pending:Proceed",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
            Self::TerminatingProceed => "Terminating:Proceed",
        }
    }

    pub(crate) fn ends(self) -> bool {
        matches!(
            self,
            Self::Terminating | Self::TerminatingWait | Self::TerminatingProceed
        )
    }
}
