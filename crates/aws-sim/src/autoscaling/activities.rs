//! Scaling activities: what a group did, why, and how it ended.

use jiff::Timestamp;

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::group::Group;
use super::listed;

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
}

impl Group {
    pub(crate) fn activity_mut(&mut self, id: &str) -> Option<&mut Activity> {
        self.activities.iter_mut().find(|a| a.id == id)
    }

    /// An activity is at its end.
    pub(crate) fn end_activity(&mut self, id: &str, status: &'static str, now: Timestamp) {
        if let Some(activity) = self.activity_mut(id).filter(|a| a.end.is_none()) {
            activity.end = Some(now);
            activity.status = status;
        }
    }

    pub(crate) fn in_progress(&self) -> bool {
        self.activities.iter().any(|a| a.end.is_none())
    }
}

impl Region {
    /// Writes down that a group begins something; gives the activity's id.
    pub(super) fn begin_activity(&mut self, group: &str, description: &str, cause: &str) -> String {
        let (id, start) = (self.uuid(), self.now());
        if let Some(group) = self.groups.get_mut(group) {
            group.activities.push(Activity {
                id: id.clone(),
                description: description.to_owned(),
                cause: format!("At {} {cause}", start.strftime("%Y-%m-%dT%H:%M:%SZ")),
                start,
                end: None,
                status: "InProgress",
                message: None,
            });
        }
        id
    }

    /// Writes down something that failed at once. The same failure again, with nothing between, is not written twice.
    pub(super) fn failed_activity(
        &mut self,
        group: &str,
        description: &str,
        cause: &str,
        message: &str,
    ) {
        let again = self
            .groups
            .get(group)
            .and_then(|g| g.activities.last())
            .is_some_and(|last| {
                last.status == "Failed" && last.message.as_deref() == Some(message)
            });
        if again {
            return;
        }
        let (id, now) = (self.begin_activity(group, description, cause), self.now());
        if let Some(group) = self.groups.get_mut(group) {
            group.end_activity(&id, "Failed", now);
            if let Some(activity) = group.activity_mut(&id) {
                activity.message = Some(message.chars().take(255).collect());
            }
        }
    }

    pub(super) fn activity_record(&self, group: &str, id: &str) -> Option<Record> {
        let group = self.groups.get(group)?;
        let activity = group.activities.iter().find(|a| a.id == id)?;
        Some(record(group, activity))
    }
}

fn record(group: &Group, activity: &Activity) -> Record {
    Record::new()
        .with("ActivityId", &activity.id)
        .with("AutoScalingGroupName", &group.name)
        .with("AutoScalingGroupARN", &group.arn)
        .with("Description", &activity.description)
        .with("Cause", &activity.cause)
        .with("StartTime", activity.start)
        .with("EndTime", activity.end)
        .with("StatusCode", activity.status)
        .with("StatusMessage", activity.message.clone())
        .with(
            "Progress",
            if activity.end.is_some() { 100_i64 } else { 50 },
        )
        .with("Details", "{}")
}

/// The newest first.
pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.texts("ActivityIds");
    if let Some(name) = input.text("AutoScalingGroupName") {
        region.group_named(name)?;
    }
    let mut found: Vec<_> = region
        .groups
        .seen_all(region.now())
        .filter(|(name, _)| {
            input
                .text("AutoScalingGroupName")
                .is_none_or(|asked| asked == *name)
        })
        .flat_map(|(_, group)| group.activities.iter().enumerate().map(move |a| (group, a)))
        .filter(|(_, (_, activity))| asked.is_empty() || asked.contains(&activity.id))
        .map(|(group, (number, activity))| {
            let age = i64::MAX - activity.start.as_millisecond();
            let key = format!("{age:020} {:010} {}", usize::MAX / 2 - number, activity.id);
            (key, record(group, activity))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let (activities, next) = listed(region, input, found, 100, 100)?;
    Ok(Record::new()
        .with("Activities", activities)
        .with("NextToken", next))
}
