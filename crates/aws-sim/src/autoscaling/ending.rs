//! A member on its way out: first away from its target groups, then its terminating hooks, then its end.

use std::time::Duration;

use crate::clock::Event;
use crate::region::Region;

use super::group::State;

impl Region {
    /// A member begins to end. Gives the activity's id; `None` where there is no such member, or it ends already.
    pub(super) fn begin_end(&mut self, name: &str, instance: &str, cause: &str) -> Option<String> {
        let found = self.groups.get(name)?;
        let member = found.members.get(instance)?;
        if member.state.ends() {
            return None;
        }
        let (was, target_groups, old) = (
            member.state,
            found.target_groups.clone(),
            member.activity.clone(),
        );
        let id = self.begin_activity(
            name,
            &format!("Terminating EC2 instance: {instance}"),
            cause,
        );
        let now = self.now();
        let group = self.groups.get_mut(name)?;
        group.end_activity(&old, "Cancelled", now);
        let member = group.members.get_mut(instance)?;
        member.state = State::Terminating;
        member.waits.clear();
        member.abandoned = false;
        member.protected = false;
        member.activity.clone_from(&id);
        let mut drains = Duration::ZERO;
        if matches!(was, State::InService | State::PendingProceed) {
            for arn in &target_groups {
                drains = drains.max(self.deregister_target(arn, instance));
            }
        }
        if drains > Duration::ZERO
            && let Some(activity) = self.groups.get_mut(name).and_then(|g| g.activity_mut(&id))
        {
            activity.status = "WaitingForELBConnectionDraining";
        }
        self.after(
            drains,
            Event::MemberDrained(name.to_owned(), instance.to_owned()),
        );
        Some(id)
    }

    /// A member has left its target groups: its terminating hooks begin.
    pub(crate) fn member_drained(&mut self, name: &str, instance: &str) {
        let Some(member) = self.groups.get(name).and_then(|g| g.members.get(instance)) else {
            return;
        };
        if member.state != State::Terminating {
            return;
        }
        let activity = member.activity.clone();
        let waits = self.begin_waits(name, instance, false);
        if let Some(activity) = self
            .groups
            .get_mut(name)
            .and_then(|g| g.activity_mut(&activity))
        {
            activity.status = if waits {
                "MidLifecycleAction"
            } else {
                "InProgress"
            };
        }
        if !waits {
            self.proceed_end(name, instance);
        }
    }

    pub(super) fn proceed_end(&mut self, name: &str, instance: &str) {
        if let Some(member) = self
            .groups
            .get_mut(name)
            .and_then(|g| g.members.get_mut(instance))
        {
            member.state = State::TerminatingProceed;
        }
        let up = self
            .instances
            .get(instance)
            .is_some_and(|i| i.state.is_up());
        if up {
            self.terminate(
                instance,
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown",
            );
        } else if self
            .instances
            .get(instance)
            .is_none_or(|i| i.state == crate::ec2::InstanceState::Terminated)
        {
            self.member_ended(instance);
        }
    }

    /// ForceDelete: neither balancers nor hooks are waited for.
    pub(super) fn end_at_once(&mut self, name: &str, instance: &str) {
        self.begin_end(name, instance, "an AutoScalingGroup was force deleted.");
        if let Some(member) = self
            .groups
            .get_mut(name)
            .and_then(|g| g.members.get_mut(instance))
        {
            member.waits.clear();
        }
        self.proceed_end(name, instance);
    }

    /// An instance has ended: a member that was on its way out is gone.
    pub(crate) fn member_ended(&mut self, instance: &str) {
        let (now, Some(name)) = (self.now(), self.group_of(instance)) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&name) else {
            return;
        };
        // One that ended by somebody else's hand is noticed by the next look.
        let leaves = |state: State| state == State::TerminatingProceed;
        let Some(member) = group.members.get(instance).filter(|m| leaves(m.state)) else {
            return;
        };
        let activity = member.activity.clone();
        group.members.remove(instance);
        group.end_activity(&activity, "Successful", now);
        self.gone_if_empty(&name);
    }

    pub(super) fn gone_if_empty(&mut self, name: &str) {
        let gone = self
            .groups
            .get(name)
            .is_some_and(|g| g.deleting && g.members.is_empty());
        if gone {
            self.groups.remove(name);
        }
    }
}
