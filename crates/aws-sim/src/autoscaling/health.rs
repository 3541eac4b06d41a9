//! Which members Auto Scaling holds for unhealthy.

use crate::region::Region;

use super::group::State;

impl Region {
    /// Marks members whose instance is not up, and those that a balancer calls unhealthy once their grace is over.
    pub(super) fn check_members(&mut self, name: &str) {
        let now = self.now();
        let Some(group) = self.groups.get(name).filter(|g| g.runs("HealthCheck")) else {
            return;
        };
        let sick: Vec<_> = group
            .members
            .iter()
            .filter(|(_, member)| !member.state.ends())
            .filter(|(id, member)| {
                let up = self.instances.get(id).is_some_and(|i| i.state.is_up());
                let graced = member
                    .in_service
                    .is_none_or(|since| now < since + group.grace);
                let serves = member.state == State::InService;
                let bad_target = group.elb_health
                    && serves
                    && !graced
                    && group
                        .target_groups
                        .iter()
                        .any(|arn| self.target_is_unhealthy(arn, id));
                !up || bad_target
            })
            .map(|(id, _)| id.clone())
            .collect();
        if let Some(group) = self.groups.get_mut(name) {
            for id in sick {
                if let Some(member) = group.members.get_mut(&id) {
                    member.healthy = false;
                }
            }
        }
    }

    /// Ends unhealthy members, protected or not: protection is against scale-in only.
    pub(super) fn replace_unhealthy(&mut self, name: &str) {
        let Some(group) = self.groups.get(name).filter(|g| g.runs("ReplaceUnhealthy")) else {
            return;
        };
        if !group.runs("Terminate") {
            return;
        }
        let sick: Vec<_> = group
            .members
            .iter()
            .filter(|(_, m)| !m.healthy && !m.state.ends())
            .map(|(id, _)| id.clone())
            .collect();
        for id in sick {
            self.begin_end(
                name,
                &id,
                "an instance was taken out of service in response to a health check failure.",
            );
        }
    }
}
