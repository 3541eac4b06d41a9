//! EC2: networks, security groups, launch templates, images and instances.

mod filters;
mod images;
mod instances;
mod interfaces;
mod network;
mod permissions;
mod security;
mod tags;
mod templates;

pub(crate) use images::Image;
pub(crate) use instances::Instance;
pub use instances::InstanceState;
pub(crate) use interfaces::{Interface, Owner};
pub(crate) use network::{KeyPair, Subnet, Vpc};
pub(crate) use security::SecurityGroup;
pub(crate) use tags::{Tags, tag_set};
pub(crate) use templates::Template;

use crate::dispatch::Handler;
use crate::page::Paging;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateTags", tags::create),
    ("DeleteTags", tags::delete),
    ("DescribeTags", tags::describe),
    ("DescribeAvailabilityZones", network::zones),
    ("DescribeVpcs", network::vpcs),
    ("DescribeSubnets", network::subnets),
    ("DescribeKeyPairs", network::key_pairs),
    ("DescribeInstanceTypeOfferings", network::offerings),
    ("CreateSecurityGroup", security::create),
    ("DescribeSecurityGroups", security::describe),
    ("DeleteSecurityGroup", security::delete),
    ("DescribeSecurityGroupRules", permissions::describe),
    ("AuthorizeSecurityGroupIngress", permissions::allow_in),
    ("AuthorizeSecurityGroupEgress", permissions::allow_out),
    ("RevokeSecurityGroupIngress", permissions::revoke_in),
    ("RevokeSecurityGroupEgress", permissions::revoke_out),
    ("DescribeNetworkInterfaces", interfaces::describe),
    ("CreateLaunchTemplate", templates::create),
    ("CreateLaunchTemplateVersion", templates::create_version),
    ("ModifyLaunchTemplate", templates::modify),
    ("DescribeLaunchTemplates", templates::describe),
    (
        "DescribeLaunchTemplateVersions",
        templates::describe_versions,
    ),
    ("DeleteLaunchTemplate", templates::delete),
    ("DescribeImages", images::describe),
    ("CopyImage", images::copy),
    ("DeregisterImage", images::deregister),
    ("DescribeSnapshots", images::snapshots),
    ("DeleteSnapshot", images::delete_snapshot),
    ("DescribeInstances", instances::describe),
];

/// A page of a list: most of EC2's lists have up to 1000 items.
fn listed<T>(
    region: &Region,
    input: &Record,
    items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let paging = Paging {
        token: "NextToken",
        size: "MaxResults",
        default: 1000,
        most: 1000,
    };
    paging.page(region, input, items).ok_or_else(|| {
        Fault::new(
            "InvalidPaginationToken",
            "The pagination token is not valid",
        )
    })
}

/// What a request names by id is there.
fn all_found(
    asked: &[String],
    found: impl Fn(&str) -> bool,
    code: &str,
    what: &str,
) -> Result<(), Fault> {
    let missing: Vec<_> = asked.iter().filter(|id| !found(id)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::new(
        code,
        format!("The {what} '{}' does not exist", missing.join(", ")),
    ))
}
