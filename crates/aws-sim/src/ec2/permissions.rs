//! The rules of security groups, each by its id.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::security::{Peer, Rule, not_found};
use super::{Tags, all_found, filters, listed, tag_set, tags};

pub(super) fn allow_in(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    allow(region, input, false)
}

pub(super) fn allow_out(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    allow(region, input, true)
}

pub(super) fn revoke_in(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    revoke(region, input, false)
}

pub(super) fn revoke_out(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    revoke(region, input, true)
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

/// The network of a range, its host bits cleared, as EC2 keeps it.
fn network(cidr: &str) -> Result<Peer, Fault> {
    let wrong = || invalid(format!("CIDR block {cidr} is malformed"));
    let (address, length) = cidr.split_once('/').ok_or_else(wrong)?;
    let length: u32 = length.parse().map_err(|_| wrong())?;
    if let Ok(v4) = address.parse::<Ipv4Addr>() {
        let host = 32u32.checked_sub(length).ok_or_else(wrong)?;
        let kept = u64::from(u32::from(v4)) >> host << host;
        let net = Ipv4Addr::from(u32::try_from(kept).map_err(|_| wrong())?);
        return Ok(Peer::V4(format!("{net}/{length}")));
    }
    let v6: Ipv6Addr = address.parse().map_err(|_| wrong())?;
    let host = 128u32.checked_sub(length).ok_or_else(wrong)?;
    let bits = u128::from(v6);
    let net = bits
        .checked_shr(host)
        .and_then(|b| b.checked_shl(host))
        .unwrap_or(0);
    Ok(Peer::V6(format!("{}/{length}", Ipv6Addr::from(net))))
}

/// The rules that `IpPermissions` stands for, without ids.
fn rules(region: &Region, input: &Record, egress: bool) -> Result<Vec<Rule>, Fault> {
    let mut rules = Vec::new();
    for permission in input.records("IpPermissions") {
        let asked = permission.text("IpProtocol").unwrap_or_default();
        let protocol = match asked {
            "6" => "tcp",
            "17" => "udp",
            "" => {
                return Err(Fault::new(
                    "MissingParameter",
                    "The request must contain the parameter ipProtocol",
                ));
            }
            other => other,
        };
        let (from, to) = if protocol == "-1" {
            (-1, -1)
        } else {
            let port = |name: &str| {
                permission.integer(name).ok_or_else(|| {
                    invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.".to_owned())
                })
            };
            (port("FromPort")?, port("ToPort")?)
        };
        if ["tcp", "udp"].contains(&protocol) && !(0 <= from && from <= to && to <= 65_535) {
            return Err(invalid(format!(
                "Invalid value '{from}-{to}' for portRange: must be 0 to 65535, from not above to."
            )));
        }
        let mut add = |peer: Peer, record: &Record| {
            rules.push(Rule {
                id: String::new(),
                egress,
                protocol: protocol.to_owned(),
                from,
                to,
                peer,
                description: record.text("Description").map(str::to_owned),
                tags: Tags::new(),
            });
        };
        for range in permission.records("IpRanges") {
            add(network(range.text("CidrIp").unwrap_or_default())?, range);
        }
        for range in permission.records("Ipv6Ranges") {
            add(network(range.text("CidrIpv6").unwrap_or_default())?, range);
        }
        for pair in permission.records("UserIdGroupPairs") {
            let id = pair.text("GroupId").unwrap_or_default();
            region
                .security_groups
                .seen(id, region.now())
                .ok_or_else(|| not_found(id))?;
            add(Peer::Group(id.to_owned()), pair);
        }
    }
    Ok(rules)
}

fn allow(region: &mut Region, input: &Record, egress: bool) -> Result<Record, Fault> {
    let id = input.text("GroupId").unwrap_or_default();
    let mut new = rules(region, input, egress)?;
    let tags = tags::asked(input, "security-group-rule")?;
    for rule in &mut new {
        rule.id = region.id("sgr");
        rule.tags.clone_from(&tags);
    }
    let (now, limit) = (region.now(), region.quotas.rules_per_security_group);
    let group = region
        .security_groups
        .seen_mut(id, now)
        .ok_or_else(|| not_found(id))?;
    for (number, rule) in new.iter().enumerate() {
        if group
            .rules
            .iter()
            .chain(&new[..number])
            .any(|r| r.same(rule))
        {
            let (protocol, from, to) = (&rule.protocol, rule.from, rule.to);
            return Err(Fault::new(
                "InvalidPermission.Duplicate",
                format!(
                    "the specified rule \"peer: {:?}, {protocol}, from port: {from}, to port: {to}, ALLOW\" already exists",
                    rule.peer
                ),
            ));
        }
    }
    let before = group.rules.iter().filter(|r| r.egress == egress).count();
    if before + new.len() > limit {
        return Err(Fault::new(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    group.rules.extend(new.clone());
    let records: Vec<_> = new.iter().map(|rule| record(region, id, rule)).collect();
    Ok(Record::new()
        .with("Return", true)
        .with("SecurityGroupRules", records))
}

fn revoke(region: &mut Region, input: &Record, egress: bool) -> Result<Record, Fault> {
    let id = input.text("GroupId").unwrap_or_default();
    let (by_id, now) = (input.texts("SecurityGroupRuleIds"), region.now());
    let by_content = rules(region, input, egress)?;
    let group = region
        .security_groups
        .seen_mut(id, now)
        .ok_or_else(|| not_found(id))?;
    let mut gone = Vec::new();
    for wanted in &by_id {
        let rule = group
            .rules
            .iter()
            .find(|r| r.id == *wanted && r.egress == egress);
        gone.push(rule.cloned().ok_or_else(|| rule_not_found(wanted))?);
    }
    for wanted in &by_content {
        let rule = group.rules.iter().find(|r| r.same(wanted));
        gone.push(rule.cloned().ok_or_else(|| {
            Fault::new(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            )
        })?);
    }
    group
        .rules
        .retain(|rule| !gone.iter().any(|g| g.id == rule.id));
    let records: Vec<_> = gone
        .iter()
        .map(|rule| {
            let group = match &rule.peer {
                Peer::Group(id) => Some(id.clone()),
                _ => None,
            };
            base(id, rule).with("ReferencedGroupId", group)
        })
        .collect();
    Ok(Record::new()
        .with("Return", true)
        .with("RevokedSecurityGroupRules", records))
}

fn rule_not_found(id: &str) -> Fault {
    Fault::new(
        "InvalidSecurityGroupRuleId.NotFound",
        format!("The security group rule ID '{id}' does not exist"),
    )
}

fn base(group: &str, rule: &Rule) -> Record {
    let (v4, v6) = match &rule.peer {
        Peer::V4(cidr) => (Some(cidr), None),
        Peer::V6(cidr) => (None, Some(cidr)),
        Peer::Group(_) => (None, None),
    };
    Record::new()
        .with("SecurityGroupRuleId", &rule.id)
        .with("GroupId", group)
        .with("IsEgress", rule.egress)
        .with("IpProtocol", &rule.protocol)
        .with("FromPort", rule.from)
        .with("ToPort", rule.to)
        .with("CidrIpv4", v4)
        .with("CidrIpv6", v6)
        .with("Description", rule.description.clone())
}

fn record(region: &Region, group: &str, rule: &Rule) -> Record {
    let referenced = match &rule.peer {
        Peer::Group(id) => {
            let vpc = region.security_groups.get(id).map(|g| g.vpc.clone());
            Some(
                Record::new()
                    .with("GroupId", id)
                    .with("UserId", &region.account)
                    .with("VpcId", vpc),
            )
        }
        _ => None,
    };
    base(group, rule)
        .with("GroupOwnerId", &region.account)
        .with("ReferencedGroupInfo", referenced)
        .with("Tags", tag_set(&rule.tags))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("SecurityGroupRuleIds"), region.now());
    let mut items = Vec::new();
    for (id, group) in region.security_groups.seen_all(now) {
        for rule in &group.rules {
            let hit = filters::matches(input, &rule.tags, |name| match name {
                "group-id" => Some(vec![id.to_owned()]),
                "security-group-rule-id" => Some(vec![rule.id.clone()]),
                _ => None,
            })?;
            if hit && (asked.is_empty() || asked.contains(&rule.id)) {
                items.push((rule.id.clone(), record(region, id, rule)));
            }
        }
    }
    let found = |id: &str| items.iter().any(|(found, _)| found == id);
    all_found(
        &asked,
        found,
        "InvalidSecurityGroupRuleId.NotFound",
        "security group rule ID",
    )?;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let (rules, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("SecurityGroupRules", rules)
        .with("NextToken", next))
}

#[cfg(test)]
mod tests {
    use super::{Peer, network};

    #[test]
    fn host_bits_are_cleared() {
        for (cidr, kept) in [
            ("100.68.0.18/18", Some(Peer::V4("100.68.0.0/18".to_owned()))),
            ("0.0.0.0/0", Some(Peer::V4("0.0.0.0/0".to_owned()))),
            ("::/0", Some(Peer::V6("::/0".to_owned()))),
            ("2001:db8::1/32", Some(Peer::V6("2001:db8::/32".to_owned()))),
            ("10.0.0.0/33", None),
            ("10.0.0.0", None),
        ] {
            assert_eq!(network(cidr).ok(), kept, "{cidr}");
        }
    }
}
