//! Tags of groups: each says whether new instances get it too.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::Group;

#[derive(Clone, Debug)]
pub(crate) struct GroupTag {
    pub(crate) value: String,
    pub(crate) propagate: bool,
}

/// Puts a tag as a request has it.
pub(super) fn put(group: &mut Group, tag: &Record) -> Result<(), Fault> {
    let key = tag.needed("Key");
    if key.starts_with("aws:") {
        return Err(Fault::validation(
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    // "Maximum tags per resource: 50".
    if group.tags.len() >= 50 && !group.tags.contains_key(key) {
        return Err(Fault::validation(
            "You have reached the limit of 50 tags for this resource",
        ));
    }
    group.tags.insert(
        key.to_owned(),
        GroupTag {
            value: tag.text("Value").unwrap_or_default().to_owned(),
            propagate: tag.boolean("PropagateAtLaunch").unwrap_or(false),
        },
    );
    Ok(())
}

fn named<'a>(region: &'a mut Region, tag: &Record) -> Result<&'a mut Group, Fault> {
    if tag.text("ResourceType") != Some("auto-scaling-group") {
        return Err(Fault::validation(
            "Invalid resource type: only auto-scaling-group is supported",
        ));
    }
    region.group_named(tag.text("ResourceId").unwrap_or_default())
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    for tag in input.records("Tags") {
        named(region, tag)?;
    }
    for tag in input.records("Tags") {
        put(named(region, tag)?, tag)?;
    }
    Ok(Record::new())
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    for tag in input.records("Tags") {
        let group = named(region, tag)?;
        let (key, value) = (tag.needed("Key"), tag.text("Value"));
        if group
            .tags
            .get(key)
            .is_some_and(|t| value.is_none_or(|v| v == t.value))
        {
            group.tags.remove(key);
        }
    }
    Ok(Record::new())
}

/// A group's tags as answers have them.
pub(super) fn records(group: &Group) -> Vec<Record> {
    group
        .tags
        .iter()
        .map(|(key, tag)| {
            Record::new()
                .with("ResourceId", &group.name)
                .with("ResourceType", "auto-scaling-group")
                .with("Key", key)
                .with("Value", &tag.value)
                .with("PropagateAtLaunch", tag.propagate)
        })
        .collect()
}
