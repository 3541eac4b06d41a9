//! Tags of EC2's resources.

use std::collections::BTreeMap;

use crate::region::Region;
use crate::value::{Record, Value};
use crate::wire::Fault;

use super::{filters, listed};

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Tags as answers have them.
pub(crate) fn tag_set(tags: &Tags) -> Vec<Record> {
    tags.iter()
        .map(|(key, value)| Record::new().with("Key", key).with("Value", value))
        .collect()
}

/// The tags that a creating request asks for, for its own kind of resource.
pub(super) fn asked(input: &Record, kind: &str) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for specification in input.records("TagSpecifications") {
        let of = specification.text("ResourceType").unwrap_or_default();
        if of != kind {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("'{of}' is not a valid taggable resource type for this operation."),
            ));
        }
        put(&mut tags, specification)?;
    }
    Ok(tags)
}

/// Adds the tags of a record; keys that begin with `aws:` are AWS's own.
pub(super) fn put(tags: &mut Tags, record: &Record) -> Result<(), Fault> {
    for tag in record.records("Tags") {
        let key = tag.text("Key").unwrap_or_default();
        if key.starts_with("aws:") {
            return Err(Fault::new(
                "InvalidParameterValue",
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        tags.insert(
            key.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        );
    }
    Ok(())
}

impl Region {
    fn tags_mut(&mut self, id: &str) -> Option<&mut Tags> {
        let now = self.now();
        match id.split('-').next()? {
            "vpc" => self.vpcs.seen_mut(id, now).map(|v| &mut v.tags),
            "subnet" => self.subnets.seen_mut(id, now).map(|s| &mut s.tags),
            "sg" => self.security_groups.seen_mut(id, now).map(|g| &mut g.tags),
            "sgr" => self
                .security_groups
                .values_mut()
                .flat_map(|g| &mut g.rules)
                .find(|r| r.id == id)
                .map(|r| &mut r.tags),
            "eni" => self.interfaces.seen_mut(id, now).map(|i| &mut i.tags),
            "lt" => self.templates.seen_mut(id, now).map(|t| &mut t.tags),
            "ami" => self.images.seen_mut(id, now).map(|i| &mut i.tags),
            "snap" => self.snapshots.seen_mut(id, now),
            "i" => self.instances.seen_mut(id, now).map(|i| &mut i.tags),
            _ => None,
        }
    }

    /// Everything in EC2 that has tags: type, id, tags.
    pub(crate) fn tagged(&self) -> Vec<(&'static str, String, &Tags)> {
        let mut all = Vec::new();
        let mut add = |kind, id: &str, tags| all.push((kind, id.to_owned(), tags));
        self.vpcs.iter().for_each(|(id, v)| add("vpc", id, &v.tags));
        self.subnets
            .iter()
            .for_each(|(id, s)| add("subnet", id, &s.tags));
        for (id, group) in self.security_groups.iter() {
            add("security-group", id, &group.tags);
            for rule in &group.rules {
                add("security-group-rule", &rule.id, &rule.tags);
            }
        }
        self.interfaces
            .iter()
            .for_each(|(id, i)| add("network-interface", id, &i.tags));
        self.templates
            .iter()
            .for_each(|(id, t)| add("launch-template", id, &t.tags));
        self.images
            .iter()
            .for_each(|(id, i)| add("image", id, &i.tags));
        self.snapshots
            .iter()
            .for_each(|(id, t)| add("snapshot", id, t));
        self.instances
            .iter()
            .for_each(|(id, i)| add("instance", id, &i.tags));
        all
    }
}

/// The code for an id that nothing has.
fn not_found(id: &str) -> Fault {
    let code = match id.split('-').next().unwrap_or_default() {
        "vpc" => "InvalidVpcID.NotFound",
        "subnet" => "InvalidSubnetID.NotFound",
        "sg" => "InvalidGroup.NotFound",
        "sgr" => "InvalidSecurityGroupRuleId.NotFound",
        "eni" => "InvalidNetworkInterfaceID.NotFound",
        "lt" => "InvalidLaunchTemplateId.NotFound",
        "ami" => "InvalidAMIID.NotFound",
        "snap" => "InvalidSnapshot.NotFound",
        "i" => "InvalidInstanceID.NotFound",
        _ => "InvalidID",
    };
    Fault::new(code, format!("The ID '{id}' does not exist"))
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let mut new = Tags::new();
    put(&mut new, input)?;
    let ids = input.texts("Resources");
    // All or none.
    for id in &ids {
        region.tags_mut(id).ok_or_else(|| not_found(id))?;
    }
    for id in &ids {
        if let Some(tags) = region.tags_mut(id) {
            tags.extend(new.clone());
        }
    }
    Ok(Record::new())
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked: Option<Vec<(String, Option<String>)>> = input.list("Tags").map(|tags| {
        tags.iter()
            .filter_map(|tag| match tag {
                Value::Record(tag) => Some((
                    tag.text("Key").unwrap_or_default().to_owned(),
                    tag.text("Value").map(str::to_owned),
                )),
                _ => None,
            })
            .collect()
    });
    for id in input.texts("Resources") {
        let tags = region.tags_mut(&id).ok_or_else(|| not_found(&id))?;
        match &asked {
            // Without tags all are deleted but AWS's own; with a value only where it has that value.
            None => tags.retain(|key, _| key.starts_with("aws:")),
            Some(asked) => tags.retain(|key, value| {
                !asked
                    .iter()
                    .any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value))
            }),
        }
    }
    Ok(Record::new())
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let mut items = Vec::new();
    for (kind, id, tags) in region.tagged() {
        for (key, value) in tags {
            let one = Tags::from([(key.clone(), value.clone())]);
            let hit = filters::matches(input, &one, |name| match name {
                "resource-id" => Some(vec![id.clone()]),
                "resource-type" => Some(vec![kind.to_owned()]),
                "key" => Some(vec![key.clone()]),
                "value" => Some(vec![value.clone()]),
                _ => None,
            })?;
            if hit {
                let record = Record::new()
                    .with("Key", key)
                    .with("ResourceId", &id)
                    .with("ResourceType", kind)
                    .with("Value", value);
                items.push((format!("{id} {key}"), record));
            }
        }
    }
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let (tags, next) = listed(region, input, items)?;
    Ok(Record::new().with("Tags", tags).with("NextToken", next))
}
