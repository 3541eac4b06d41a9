//! Tags, and how things are found by them.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};

use crate::fault::answer;
use crate::{Ec2, Fault};

/// Keys and values.
pub type Tags = BTreeMap<String, String>;

/// How things are looked for. A look that finds nothing is an answer, never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Find {
    /// By a tag.
    Tag(String, String),
    /// By their names.
    Names(Vec<String>),
}

impl Find {
    /// As EC2's filter; `name` is what EC2 calls the name of such a thing.
    pub(crate) fn filter(&self, name: &str) -> Filter {
        match self {
            Self::Tag(key, value) => filter(&format!("tag:{key}"), [value.as_str()]),
            Self::Names(names) => filter(name, names.iter().map(String::as_str)),
        }
    }
}

pub(crate) fn filter<'v>(name: &str, values: impl IntoIterator<Item = &'v str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

pub(crate) fn sent(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

pub(crate) fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(sent(tags)))
        .build()
}

pub(crate) fn read(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| {
            let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
            (of(tag.key()), of(tag.value()))
        })
        .collect()
}

impl Ec2 {
    /// Puts tags on a thing; what it has under other keys stays.
    ///
    /// # Errors
    /// As EC2 or the way there has it.
    pub async fn tag(&self, id: &str, tags: &Tags) -> Result<(), Fault> {
        let call = self.client.create_tags().resources(id);
        answer(call.set_tags(Some(sent(tags))).send().await).map(drop)
    }
}
