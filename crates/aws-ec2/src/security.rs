//! Security groups and their rules.

use std::fmt;

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, ResourceType, SecurityGroupRule, UserIdGroupPair,
};

use crate::fault::answer;
use crate::tags::{filter, read, specification};
use crate::{Ec2, Fault, Find, Tags};

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A range of IPv4.
    V4(String),
    /// A range of IPv6.
    V6(String),
    /// The members of a security group, by its id.
    Group(String),
    /// Something else, such as a prefix list.
    Other(String),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::V4(text) | Self::V6(text) | Self::Group(text) | Self::Other(text)) = self;
        f.write_str(text)
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// EC2's id of it; empty for one that is to be made.
    pub id: String,
    /// Whether it is about what goes out.
    pub egress: bool,
    /// `tcp`, `udp`, a number, or `-1` for all.
    pub protocol: String,
    /// First port; -1 where there are no ports.
    pub from: i32,
    /// Last port.
    pub to: i32,
    /// The other end.
    pub peer: Peer,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.protocol, self.from, self.to) {
            ("-1", ..) => f.write_str("all")?,
            (protocol, from, to) if from == to => write!(f, "{protocol} {from}")?,
            (protocol, from, to) => write!(f, "{protocol} {from}-{to}")?,
        }
        write!(f, " {}", self.peer)
    }
}

/// A security group with its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// EC2's id of it.
    pub id: String,
    /// Name, unique in its network.
    pub name: String,
    /// Its network.
    pub vpc: String,
    /// Tags.
    pub tags: Tags,
    /// Rules, in and out.
    pub rules: Vec<Rule>,
}

fn rule(found: &SecurityGroupRule) -> Rule {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let group = found.referenced_group_info().and_then(|g| g.group_id());
    let peer = match (found.cidr_ipv4(), found.cidr_ipv6(), group) {
        (Some(range), ..) => Peer::V4(range.to_owned()),
        (_, Some(range), _) => Peer::V6(range.to_owned()),
        (.., Some(group)) => Peer::Group(group.to_owned()),
        _ => Peer::Other(
            found
                .prefix_list_id()
                .unwrap_or("something else")
                .to_owned(),
        ),
    };
    Rule {
        id: text(found.security_group_rule_id()),
        egress: found.is_egress().unwrap_or_default(),
        protocol: text(found.ip_protocol()),
        from: found.from_port().unwrap_or(-1),
        to: found.to_port().unwrap_or(-1),
        peer,
    }
}

fn permission(rule: &Rule) -> IpPermission {
    let permission = IpPermission::builder().ip_protocol(&rule.protocol);
    let permission = if rule.protocol == "-1" {
        permission
    } else {
        permission.from_port(rule.from).to_port(rule.to)
    };
    match &rule.peer {
        Peer::V6(range) => permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(range).build()),
        Peer::Group(id) => {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build())
        }
        Peer::V4(range) | Peer::Other(range) => {
            permission.ip_ranges(IpRange::builder().cidr_ip(range).build())
        }
    }
    .build()
}

impl Ec2 {
    /// The security groups that are found so, in this network or, without one, in all.
    ///
    /// # Errors
    /// When the answer is not whole.
    pub async fn security_groups(
        &self,
        find: &Find,
        vpc: Option<&str>,
    ) -> Result<Vec<SecurityGroup>, Fault> {
        let mut call = self
            .client
            .describe_security_groups()
            .filters(find.filter("group-name"));
        if let Some(vpc) = vpc {
            call = call.filters(filter("vpc-id", [vpc]));
        }
        let found = answer(call.into_paginator().items().send().try_collect().await)?;
        let mut groups: Vec<SecurityGroup> = found
            .iter()
            .map(|group| SecurityGroup {
                id: group.group_id().unwrap_or_default().to_owned(),
                name: group.group_name().unwrap_or_default().to_owned(),
                vpc: group.vpc_id().unwrap_or_default().to_owned(),
                tags: read(group.tags()),
                rules: Vec::new(),
            })
            .collect();
        if groups.is_empty() {
            return Ok(groups);
        }
        let ids: Vec<&str> = groups.iter().map(|g| g.id.as_str()).collect();
        let rules = self
            .client
            .describe_security_group_rules()
            .filters(filter("group-id", ids));
        for found in answer(rules.into_paginator().items().send().try_collect().await)? {
            let of = |group: &&mut SecurityGroup| Some(group.id.as_str()) == found.group_id();
            if let Some(group) = groups.iter_mut().find(of) {
                group.rules.push(rule(&found));
            }
        }
        Ok(groups)
    }

    /// Makes a security group. Everything may go out of it, nothing may come in.
    ///
    /// # Errors
    /// As EC2 or the way there has it.
    pub async fn create_security_group(
        &self,
        name: &str,
        description: &str,
        vpc: &str,
        tags: &Tags,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .create_security_group()
            .group_name(name)
            .description(description)
            .vpc_id(vpc)
            .tag_specifications(specification(ResourceType::SecurityGroup, tags));
        answer(call.send().await).map(drop)
    }

    /// Adds rules, all of one direction.
    ///
    /// # Errors
    /// As EC2 or the way there has it; one that is there already refuses all.
    pub async fn authorize(&self, id: &str, egress: bool, rules: &[Rule]) -> Result<(), Fault> {
        let permissions = Some(rules.iter().map(permission).collect());
        if egress {
            let call = self.client.authorize_security_group_egress().group_id(id);
            answer(call.set_ip_permissions(permissions).send().await).map(drop)
        } else {
            let call = self.client.authorize_security_group_ingress().group_id(id);
            answer(call.set_ip_permissions(permissions).send().await).map(drop)
        }
    }

    /// Takes rules away by their ids, all of one direction.
    ///
    /// # Errors
    /// As EC2 or the way there has it; one that is not there refuses all.
    pub async fn revoke(&self, id: &str, egress: bool, rules: Vec<String>) -> Result<(), Fault> {
        if egress {
            let call = self.client.revoke_security_group_egress().group_id(id);
            let call = call.set_security_group_rule_ids(Some(rules));
            answer(call.send().await).map(drop)
        } else {
            let call = self.client.revoke_security_group_ingress().group_id(id);
            let call = call.set_security_group_rule_ids(Some(rules));
            answer(call.send().await).map(drop)
        }
    }

    /// Deletes a security group.
    ///
    /// # Errors
    /// As EC2 or the way there has it; `DependencyViolation` while something uses it.
    pub async fn delete_security_group(&self, id: &str) -> Result<(), Fault> {
        answer(
            self.client
                .delete_security_group()
                .group_id(id)
                .send()
                .await,
        )
        .map(drop)
    }
}
