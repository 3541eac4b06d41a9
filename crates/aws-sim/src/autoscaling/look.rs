//! What a group does by itself: replaces the unhealthy, launches what is missing, ends what is too many, and
//! balances its zones.

use std::collections::BTreeMap;

use crate::clock::Event;
use crate::region::Region;

use super::group::{Group, State};

impl Region {
    pub(crate) fn group_look(&mut self, name: &str, again: bool) {
        if self.groups.get(name).is_none() {
            return;
        }
        if again {
            self.after(
                self.timings.group_look,
                Event::GroupLook(name.to_owned(), true),
            );
        }
        self.check_members(name);
        self.replace_unhealthy(name);
        self.launch_missing(name);
        self.end_surplus(name);
        self.balance_zones(name);
    }

    /// How many counted members each of the group's zones has, and the subnet to launch into.
    fn spread(&self, group: &Group) -> BTreeMap<String, (usize, String)> {
        let mut zones = BTreeMap::new();
        for id in &group.subnets {
            if let Some(subnet) = self.subnets.get(id) {
                zones.entry(subnet.zone.clone()).or_insert((0, id.clone()));
            }
        }
        for (_, member) in group.counted() {
            if let Some((count, _)) = zones.get_mut(&member.zone) {
                *count += 1;
            }
        }
        zones
    }

    /// The subnet of the zone with the fewest members.
    fn emptiest(&self, group: &Group) -> Option<(usize, String)> {
        self.spread(group)
            .into_values()
            .min_by_key(|(count, _)| *count)
    }

    fn launch_missing(&mut self, name: &str) {
        let Some(group) = self.groups.get(name).filter(|g| g.runs("Launch")) else {
            return;
        };
        let (desired, counted) = (group.desired, group.counted().count());
        let missing = usize::try_from(desired)
            .unwrap_or(0)
            .saturating_sub(counted);
        for _ in 0..missing {
            let subnet = self.groups.get(name).and_then(|g| self.emptiest(g));
            let Some((_, subnet)) = subnet else {
                return;
            };
            let cause = format!(
                "an instance was started in response to a difference between desired and actual capacity, increasing the capacity from {counted} to {desired}."
            );
            self.launch_member(name, &subnet, &cause);
        }
    }

    /// The default termination policy: the zone with the most members, then the oldest version of the launch template,
    /// then the oldest. Members that are not yet in service have no protection and are taken like others.
    fn victim(group: &Group) -> Option<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, member) in group.counted() {
            *counts.entry(&member.zone).or_default() += 1;
        }
        group
            .counted()
            .filter(|(_, member)| !member.protected)
            .min_by_key(|(id, member)| {
                let in_zone = counts
                    .get(member.zone.as_str())
                    .copied()
                    .unwrap_or_default();
                (
                    usize::MAX - in_zone,
                    member.template.2,
                    member.launched,
                    (*id).clone(),
                )
            })
            .map(|(id, _)| id.clone())
    }

    fn end_surplus(&mut self, name: &str) {
        loop {
            let Some(group) = self.groups.get(name).filter(|g| g.runs("Terminate")) else {
                return;
            };
            let (desired, counted) = (group.desired, group.counted().count());
            if counted <= usize::try_from(desired).unwrap_or(0) {
                return;
            }
            let cause = format!(
                "an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from {counted} to {desired}."
            );
            let Some(victim) = Self::victim(group) else {
                let message = "Could not scale to desired capacity because all remaining instances are protected from scale in.";
                self.failed_activity(name, message, &cause, message);
                return;
            };
            self.begin_end(name, &victim, &cause);
        }
    }

    /// With one zone two or more ahead of another, and nothing else going on, a member is launched in the emptier zone;
    /// the next look finds one too many and ends it in the fuller one. Where that zone has only protected members
    /// nothing is begun.
    fn balance_zones(&mut self, name: &str) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let runs = ["AZRebalance", "Launch", "Terminate"]
            .iter()
            .all(|p| group.runs(p));
        let settled = group.members.values().all(|m| m.state == State::InService)
            && i64::try_from(group.members.len()).is_ok_and(|count| count == group.desired);
        if !runs || !settled {
            return;
        }
        let spread = self.spread(group);
        let most = spread.iter().max_by_key(|(_, (count, _))| *count);
        let (Some((full, (most, _))), Some((least, subnet))) = (most, self.emptiest(group)) else {
            return;
        };
        let can_end = group
            .members
            .values()
            .any(|m| m.zone == *full && !m.protected);
        if most - least >= 2 && can_end {
            let cause = format!(
                "instances are not evenly distributed over the Availability Zones: {full} has {most}, another has {least}."
            );
            self.launch_member(name, &subnet, &cause);
        }
    }
}
