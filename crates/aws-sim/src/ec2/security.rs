//! Security groups.

use std::collections::BTreeMap;

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{Tags, all_found, filters, listed, tag_set, tags};

#[derive(Clone, Debug)]
pub(crate) struct SecurityGroup {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vpc: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) tags: Tags,
}

/// One rule with an id of its own.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) egress: bool,
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub(crate) protocol: String,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

impl Rule {
    /// The same rule, whatever it is called: a group has it only once.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.egress == other.egress
            && self.protocol == other.protocol
            && (self.from, self.to) == (other.from, other.to)
            && self.peer == other.peer
    }
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    V4(String),
    V6(String),
    Group(String),
}

pub(super) fn not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

impl Region {
    fn security_group_arn(&self, id: &str) -> String {
        self.arn("ec2", &format!("security-group/{id}"))
    }

    /// Rules as `IpPermissions` has them: one for each protocol and ports.
    fn ip_permissions(&self, group: &SecurityGroup, egress: bool) -> Vec<Record> {
        let mut by_ports: BTreeMap<(&str, i64, i64), Vec<&Rule>> = BTreeMap::new();
        for rule in group.rules.iter().filter(|r| r.egress == egress) {
            let key = (rule.protocol.as_str(), rule.from, rule.to);
            by_ports.entry(key).or_default().push(rule);
        }
        by_ports
            .into_iter()
            .map(|((protocol, from, to), rules)| {
                let (mut v4, mut v6, mut groups) = (Vec::new(), Vec::new(), Vec::new());
                for rule in rules {
                    let base = Record::new().with("Description", rule.description.clone());
                    match &rule.peer {
                        Peer::V4(cidr) => v4.push(base.with("CidrIp", cidr)),
                        Peer::V6(cidr) => v6.push(base.with("CidrIpv6", cidr)),
                        Peer::Group(id) => {
                            groups.push(base.with("GroupId", id).with("UserId", &self.account));
                        }
                    }
                }
                // "All protocols" has no ports here, and -1 in the rules.
                let ports = (protocol != "-1").then_some((from, to));
                Record::new()
                    .with("IpProtocol", protocol)
                    .with("FromPort", ports.map(|p| p.0))
                    .with("ToPort", ports.map(|p| p.1))
                    .with("UserIdGroupPairs", groups)
                    .with("IpRanges", v4)
                    .with("Ipv6Ranges", v6)
            })
            .collect()
    }

    /// Who holds a group: an interface in it, or a rule of another group.
    fn holder(&self, id: &str) -> Option<String> {
        let interface = self
            .interfaces
            .iter()
            .find(|(_, interface)| interface.groups.iter().any(|g| g == id))
            .map(|(id, _)| id.to_owned());
        let group = || {
            self.security_groups
                .iter()
                .filter(|(other, _)| *other != id)
                .find(|(_, group)| {
                    let refers = |rule: &Rule| rule.peer == Peer::Group(id.to_owned());
                    group.rules.iter().any(refers)
                })
                .map(|(other, _)| other.to_owned())
        };
        interface.or_else(group)
    }
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (name, now) = (input.needed("GroupName"), region.now());
    // No account of the last ten years has EC2-Classic, and a default network is not modelled.
    let vpc = input.text("VpcId").ok_or_else(|| {
        Fault::new(
            "MissingParameter",
            "The request must contain the parameter VpcId",
        )
    })?;
    region.vpcs.seen(vpc, now).ok_or_else(|| {
        Fault::new(
            "InvalidVpcID.NotFound",
            format!("The vpc ID '{vpc}' does not exist"),
        )
    })?;
    let description = input.needed("Description");
    for (what, text) in [("GroupName", name), ("GroupDescription", description)] {
        if text.is_empty() || text.chars().count() > 255 {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!(
                    "Value ({text}) for parameter {what} is invalid. It must have 1 to 255 characters"
                ),
            ));
        }
    }
    if name.starts_with("sg-") {
        return Err(Fault::new(
            "InvalidParameterValue",
            "Value for parameter GroupName is invalid. Group names may not be in the format sg-*",
        ));
    }
    if region
        .security_groups
        .values()
        .any(|g| g.vpc == vpc && g.name == name)
    {
        return Err(Fault::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc}'"),
        ));
    }
    if region.security_groups.len() >= region.quotas.security_groups {
        return Err(Fault::new(
            "SecurityGroupLimitExceeded",
            "The maximum number of security groups has been reached.",
        ));
    }
    let tags = tags::asked(input, "security-group")?;
    let (id, seen_from) = (region.id("sg"), region.seen_from());
    // A new group lets everything out.
    let all_out = Rule {
        id: region.id("sgr"),
        egress: true,
        protocol: "-1".to_owned(),
        from: -1,
        to: -1,
        peer: Peer::V4("0.0.0.0/0".to_owned()),
        description: None,
        tags: Tags::new(),
    };
    let group = SecurityGroup {
        name: name.to_owned(),
        description: description.to_owned(),
        vpc: vpc.to_owned(),
        rules: vec![all_out],
        tags: tags.clone(),
    };
    region.security_groups.insert(&id, group, seen_from);
    Ok(Record::new()
        .with("GroupId", &id)
        .with("SecurityGroupArn", region.security_group_arn(&id))
        .with("Tags", tag_set(&tags)))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("GroupIds"), region.now());
    let seen = |id: &str| region.security_groups.seen(id, now).is_some();
    all_found(&asked, seen, "InvalidGroup.NotFound", "security group")?;
    let mut items = Vec::new();
    for (id, group) in region.security_groups.seen_all(now) {
        let hit = filters::matches(input, &group.tags, |name| match name {
            "group-id" => Some(vec![id.to_owned()]),
            "group-name" => Some(vec![group.name.clone()]),
            "vpc-id" => Some(vec![group.vpc.clone()]),
            "description" => Some(vec![group.description.clone()]),
            _ => None,
        })?;
        if hit && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let record = Record::new()
                .with("GroupId", id)
                .with("GroupName", &group.name)
                .with("Description", &group.description)
                .with("OwnerId", &region.account)
                .with("VpcId", &group.vpc)
                .with("SecurityGroupArn", region.security_group_arn(id))
                .with("IpPermissions", region.ip_permissions(group, false))
                .with("IpPermissionsEgress", region.ip_permissions(group, true))
                .with("Tags", tag_set(&group.tags));
            items.push((id.to_owned(), record));
        }
    }
    let (groups, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("SecurityGroups", groups)
        .with("NextToken", next))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.text("GroupId").unwrap_or_default();
    let group = region
        .security_groups
        .seen(id, region.now())
        .ok_or_else(|| not_found(id))?;
    if group.name == "default" {
        return Err(Fault::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    if region.holder(id).is_some() {
        return Err(Fault::new(
            "DependencyViolation",
            format!("resource {id} has a dependent object"),
        ));
    }
    region.security_groups.remove(id);
    Ok(Record::new().with("Return", true).with("GroupId", id))
}
