//! A member from its launch into service.

use std::time::Duration;

use crate::clock::Event;
use crate::ec2::Tags;
use crate::region::Region;

use super::group::{Member, State};

/// Between the end of the last hook and service; AWS tells no figure.
const PROCEED: Duration = Duration::from_secs(1);

impl Region {
    /// Launches one instance for a group into a zone.
    pub(super) fn launch_member(&mut self, name: &str, subnet: &str, cause: &str) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let (template_id, version) = group.template.clone();
        let mut tags: Tags = group
            .tags
            .iter()
            .filter(|(_, tag)| tag.propagate)
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect();
        tags.insert("aws:autoscaling:groupName".to_owned(), name.to_owned());
        let describe = "Launching a new EC2 instance";
        let found = self.templates.get(&template_id).and_then(|template| {
            let (number, version) = template.version(&version)?;
            Some((template.name.clone(), number, version.data.clone()))
        });
        let Some((template_name, number, data)) = found else {
            let message = format!(
                "The specified launch template, with template ID {template_id}, does not exist. Launching EC2 instance failed."
            );
            self.failed_activity(name, describe, cause, &message);
            return;
        };
        tags.insert("aws:ec2launchtemplate:id".to_owned(), template_id.clone());
        tags.insert(
            "aws:ec2launchtemplate:version".to_owned(),
            number.to_string(),
        );
        let id = match self.launch(&data, subnet, &tags) {
            Ok(id) => id,
            Err(fault) => {
                let message = format!("{} Launching EC2 instance failed.", fault.message);
                self.failed_activity(name, describe, cause, &message);
                return;
            }
        };
        let activity = self.begin_activity(name, &format!("{describe}: {id}"), cause);
        let (now, Some(instance)) = (self.now(), self.instances.get(&id)) else {
            return;
        };
        let member = Member {
            zone: instance.zone.clone(),
            kind: instance.kind.clone(),
            image: instance.image.clone(),
            template: (template_id, template_name, number),
            state: State::Pending,
            healthy: true,
            protected: false,
            launched: now,
            in_service: None,
            waits: Vec::new(),
            abandoned: false,
            activity,
        };
        if let Some(group) = self.groups.get_mut(name) {
            group.members.insert(id, member);
        }
    }

    /// An instance runs: where it is a member, its launching hooks begin.
    pub(crate) fn member_runs(&mut self, instance: &str) {
        let Some(name) = self.group_of(instance) else {
            return;
        };
        let pending = self
            .groups
            .get(&name)
            .and_then(|g| g.members.get(instance))
            .is_some_and(|m| m.state == State::Pending);
        if pending && !self.begin_waits(&name, instance, true) {
            self.proceed_launch(&name, instance);
        }
    }

    pub(super) fn proceed_launch(&mut self, name: &str, instance: &str) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if let Some(member) = group.members.get_mut(instance) {
            member.state = State::PendingProceed;
        }
        let registers = group.runs("AddToLoadBalancer");
        for arn in group.target_groups.clone() {
            if registers {
                self.register_target(&arn, instance);
            }
        }
        self.after(
            PROCEED,
            Event::MemberServes(name.to_owned(), instance.to_owned()),
        );
    }

    pub(crate) fn member_serves(&mut self, name: &str, instance: &str) {
        let now = self.now();
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let protects = group.protects_new;
        let Some(member) = group
            .members
            .get_mut(instance)
            .filter(|m| m.state == State::PendingProceed)
        else {
            return;
        };
        member.state = State::InService;
        member.in_service = Some(now);
        // Protection begins here: a member in its launching hook has none.
        member.protected = protects;
        let activity = member.activity.clone();
        group.cooled_down = Some(now + group.cooldown);
        group.end_activity(&activity, "Successful", now);
    }

    /// "ABANDON: Auto Scaling terminates the instance and launches a replacement."
    pub(super) fn abandon_launch(&mut self, name: &str, instance: &str) {
        let now = self.now();
        if let Some(group) = self.groups.get_mut(name) {
            let activity = group.members.get(instance).map(|m| m.activity.clone());
            group.end_activity(&activity.unwrap_or_default(), "Cancelled", now);
        }
        self.begin_end(name, instance, "an instance was taken out of service because its launching lifecycle action was abandoned.");
        self.look_soon(name);
    }
}
