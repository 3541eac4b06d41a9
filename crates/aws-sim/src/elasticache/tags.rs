//! Tags of caches and subnet groups, by ARN.

use crate::ec2::{Tags, tag_set};
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

/// The tags of a request.
pub(super) fn asked(input: &Record) -> Tags {
    input
        .records("Tags")
        .map(|tag| {
            let text = |name: &str| tag.text(name).unwrap_or_default().to_owned();
            (text("Key"), text("Value"))
        })
        .collect()
}

impl Region {
    fn cache_tags_mut(&mut self, arn: &str) -> Result<&mut Tags, Fault> {
        let now = self.now();
        let mut end = arn.splitn(7, ':').skip(5);
        let (kind, name) = (
            end.next().unwrap_or_default(),
            end.next().unwrap_or_default(),
        );
        let (code, found) = match kind {
            "cluster" => (
                "CacheClusterNotFound",
                self.clusters.seen_mut(name, now).map(|c| &mut c.tags),
            ),
            "replicationgroup" => (
                "ReplicationGroupNotFoundFault",
                self.replication_groups
                    .seen_mut(name, now)
                    .map(|g| &mut g.tags),
            ),
            "subnetgroup" => (
                "CacheSubnetGroupNotFoundFault",
                self.subnet_groups.seen_mut(name, now).map(|g| &mut g.tags),
            ),
            _ => ("InvalidARN", None),
        };
        found.ok_or_else(|| Fault::new(code, format!("{arn} is not found")))
    }
}

fn answer(tags: &Tags) -> Record {
    Record::new().with("TagList", tag_set(tags))
}

pub(super) fn add(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let tags = region.cache_tags_mut(input.needed("ResourceName"))?;
    tags.extend(asked(input));
    Ok(answer(tags))
}

pub(super) fn remove(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let keys = input.texts("TagKeys");
    let tags = region.cache_tags_mut(input.needed("ResourceName"))?;
    tags.retain(|key, _| !keys.contains(key));
    Ok(answer(tags))
}

pub(super) fn list(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    Ok(answer(region.cache_tags_mut(input.needed("ResourceName"))?))
}
