//! ElastiCache: subnet groups, clusters of one node, and replication groups without shards. All of them take their time.

mod clusters;
mod replication;
mod subnet_groups;
mod tags;

pub(crate) use clusters::Cluster;
pub(crate) use replication::ReplicationGroup;
pub(crate) use subnet_groups::SubnetGroup;

use crate::dispatch::Handler;
use crate::page::Paging;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateCacheSubnetGroup", subnet_groups::create),
    ("ModifyCacheSubnetGroup", subnet_groups::modify),
    ("DescribeCacheSubnetGroups", subnet_groups::describe),
    ("DeleteCacheSubnetGroup", subnet_groups::delete),
    ("CreateCacheCluster", clusters::create),
    ("ModifyCacheCluster", clusters::modify),
    ("DescribeCacheClusters", clusters::describe),
    ("DeleteCacheCluster", clusters::delete),
    ("CreateReplicationGroup", replication::create),
    ("ModifyReplicationGroup", replication::modify),
    ("DescribeReplicationGroups", replication::describe),
    ("DeleteReplicationGroup", replication::delete),
    ("AddTagsToResource", tags::add),
    ("RemoveTagsFromResource", tags::remove),
    ("ListTagsForResource", tags::list),
];

/// What a cache is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Available,
    Modifying,
    Deleting,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::Deleting => "deleting",
        }
    }
}

/// A page: "Default: 100, minimum 20, maximum 100".
fn listed<T>(
    region: &Region,
    input: &Record,
    items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    if input
        .integer("MaxRecords")
        .is_some_and(|size| !(20..=100).contains(&size))
    {
        return Err(invalid("MaxRecords must be 20 to 100"));
    }
    let paging = Paging {
        token: "Marker",
        size: "MaxRecords",
        default: 100,
        most: 100,
    };
    paging
        .page(region, input, items)
        .ok_or_else(|| invalid("The marker is not valid"))
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

fn clash(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterCombination", message)
}

/// Names are kept in lower case: letters, digits and single hyphens, a letter first and no hyphen last.
fn identifier(name: &str, longest: usize) -> Result<String, Fault> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= longest
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.contains("--")
        && !name.ends_with('-');
    if good {
        return Ok(name.to_ascii_lowercase());
    }
    Err(invalid(format!(
        "The parameter identifier is not a valid identifier: '{name}'. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; and have at most {longest} characters."
    )))
}
