//! Security groups: found, looked at rule by rule, made, changed, taken away.

use std::collections::{BTreeMap, BTreeSet};

use ovo_aws_ec2::{Fault, Find, Peer, Rule, SecurityGroup};
use ovo_model::{Outcome, ProviderError, ResourceId, Scalar};

use crate::arguments::Arguments;
use crate::desired::network::{
    ALL_OUT, ANY_V4, ANY_V6, From, GROUPS, ITSELF, OTHER_IN, OTHER_OUT, Ports,
};
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{
    AUTHORIZE_EGRESS, AUTHORIZE_INGRESS, CREATE_TAGS, REVOKE_EGRESS, REVOKE_INGRESS, SECURITY_GROUP,
};
use crate::names::OWNER_TAG;
use crate::observed::{Found, Seen};
use crate::provider::{AwsProvider, Site, absent, unknown_call};

/// Ids of the cluster's security groups, by their short names.
type Ids<'g> = BTreeMap<&'static str, &'g str>;

fn declared(name: &str) -> &'static [Ports] {
    let group = GROUPS.iter().find(|(group, _)| *group == name);
    group.map_or(&[], |(_, ports)| ports)
}

fn ids<'g>(site: &Site<'_>, groups: &'g [SecurityGroup]) -> Ids<'g> {
    let named = |short: &&'static str| {
        let full = site.full(short);
        let group = groups.iter().find(|g| g.name == full)?;
        Some((*short, group.id.as_str()))
    };
    GROUPS
        .iter()
        .filter_map(|(short, _)| named(short))
        .collect()
}

/// Whether a rule is what a declared one asks for.
fn is(rule: &Rule, ports: &Ports, from: From, own: &str, ids: &Ids<'_>) -> bool {
    let peer = match (&rule.peer, from) {
        (Peer::V4(range), From::AnyV4) => range == ANY_V4,
        (Peer::V6(range), From::AnyV6) => range == ANY_V6,
        (Peer::Group(id), From::Itself) => id == own,
        (Peer::Group(id), From::Group(name)) => ids.get(name).is_some_and(|group| group == id),
        _ => false,
    };
    peer && !rule.egress
        && (&*rule.protocol, rule.from, rule.to) == (ports.protocol, ports.first, ports.last)
}

/// The rule that lets all out, in either kind of address: EC2 makes the second one where a network has IPv6.
fn lets_all_out(rule: &Rule) -> bool {
    let all = matches!(&rule.peer, Peer::V4(range) | Peer::V6(range) if range == ANY_V4 || range == ANY_V6);
    rule.egress && rule.protocol == "-1" && all
}

/// The rules that nobody declared, in or out.
fn others<'g>(
    group: &'g SecurityGroup,
    short: &str,
    ids: &Ids<'_>,
    egress: bool,
) -> impl Iterator<Item = &'g Rule> {
    let wanted: BTreeSet<&str> = group
        .rules
        .iter()
        .filter(|rule| {
            let mut rules = declared(short)
                .iter()
                .flat_map(|ports| ports.rules().map(move |(_, from)| (ports, from)));
            lets_all_out(rule) || rules.any(|(ports, from)| is(rule, ports, from, &group.id, ids))
        })
        .map(|rule| rule.id.as_str())
        .collect();
    let other = move |rule: &&Rule| rule.egress == egress && !wanted.contains(rule.id.as_str());
    group.rules.iter().filter(other)
}

fn seen(site: &Site<'_>, group: &SecurityGroup, short: &str, ids: &Ids<'_>) -> Found {
    let mut found = Found::new(SECURITY_GROUP, short, site.names.ownership(&group.tags))
        .is("vpc", group.vpc.as_str())
        .tagged(&group.tags)
        .tells("id", group.id.as_str());
    for ports in declared(short) {
        for (name, from) in ports.rules() {
            let rule = group
                .rules
                .iter()
                .find(|rule| is(rule, ports, from, &group.id, ids));
            found = found.maybe(
                &name,
                rule.map(|rule| match from {
                    From::Itself => ITSELF.to_owned(),
                    _ => rule.peer.to_string(),
                }),
            );
        }
    }
    let out = group
        .rules
        .iter()
        .any(|rule| lets_all_out(rule) && rule.peer == Peer::V4(ANY_V4.to_owned()));
    found = found.maybe(ALL_OUT, out.then_some(ANY_V4));
    for (name, egress) in [(OTHER_IN, false), (OTHER_OUT, true)] {
        let mut texts: Vec<String> = others(group, short, ids, egress)
            .map(|rule| format!("{rule} ({})", rule.id))
            .collect();
        texts.sort();
        found = found.is(name, Scalar::List(texts));
    }
    found
}

impl AwsProvider {
    /// Those under our names, and those that carry our mark under whichever name.
    pub(crate) async fn foundation(&self, site: &Site<'_>) -> Result<Seen, Fault> {
        let mut groups = self.named_groups(site).await?;
        let mark = Find::Tag(OWNER_TAG.to_owned(), site.names.id().to_owned());
        for group in self.ec2.security_groups(&mark, None).await? {
            if groups.iter().all(|known| known.id != group.id) {
                groups.push(group);
            }
        }
        let ids = ids(site, &groups);
        let mut seen_all = Seen::default();
        for group in &groups {
            let short = GROUPS
                .iter()
                .find(|(short, _)| ids.get(short).is_some_and(|id| *id == group.id));
            let name = match short {
                Some((short, _)) => (*short).to_owned(),
                None => format!("{} ({})", group.name, group.id),
            };
            seen_all.add(seen(site, group, &name, &ids));
        }
        Ok(seen_all)
    }

    async fn named_groups(&self, site: &Site<'_>) -> Result<Vec<SecurityGroup>, Fault> {
        let names = GROUPS.iter().map(|(short, _)| site.full(short)).collect();
        let find = Find::Names(names);
        self.ec2
            .security_groups(&find, Some(&site.aws.vpc_id))
            .await
    }

    pub(crate) async fn create_security_group(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let (id, name) = (arguments.resource(), site.full(&arguments.resource().name));
        let (vpc, tags) = (arguments.text("vpc")?, site.tags(&arguments)?);
        let find = Find::Names(vec![name.clone()]);
        let there = self.ec2.security_groups(&find, Some(vpc)).await;
        if let Some(group) = there.map_err(classed)?.first() {
            return site
                .ours(&id.to_string(), &group.tags)
                .map(|()| Outcome::Done);
        }
        let description = format!("OpenVidu: {}", id.name);
        let call = self
            .ec2
            .create_security_group(&name, &description, vpc, &tags);
        made(call.await, &["InvalidGroup.Duplicate"])
    }

    pub(crate) async fn set_security_group(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let groups = self.named_groups(site).await.map_err(classed)?;
        let full = site.full(&id.name);
        let Some(group) = groups.iter().find(|g| g.name == full) else {
            return Err(absent(id));
        };
        site.ours(&id.to_string(), &group.tags)?;
        let ids = ids(site, &groups);
        let egress = matches!(by, AUTHORIZE_EGRESS | REVOKE_EGRESS);
        match by {
            CREATE_TAGS => changed(self.ec2.tag(&group.id, &arguments.tags()?).await),
            AUTHORIZE_INGRESS | AUTHORIZE_EGRESS => {
                let mut rules = asked(group, arguments, egress)?;
                let known = |rule: &Rule| {
                    let same = |r: &Rule| {
                        Rule {
                            id: String::new(),
                            ..r.clone()
                        } == *rule
                    };
                    group.rules.iter().any(same)
                };
                rules.retain(|rule| !known(rule));
                if rules.is_empty() {
                    return Ok(Outcome::Done);
                }
                changed(self.ec2.authorize(&group.id, egress, &rules).await)
            }
            REVOKE_INGRESS | REVOKE_EGRESS => {
                let surplus: Vec<String> = others(group, &id.name, &ids, egress)
                    .map(|rule| rule.id.clone())
                    .collect();
                if surplus.is_empty() {
                    return Ok(Outcome::Done);
                }
                changed(self.ec2.revoke(&group.id, egress, surplus).await)
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    pub(crate) async fn delete_security_group(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let groups = self.named_groups(site).await.map_err(classed)?;
        let full = site.full(&id.name);
        let Some(group) = groups.iter().find(|g| g.name == full) else {
            return Ok(Outcome::Done);
        };
        site.ours(&id.to_string(), &group.tags)?;
        // Interfaces of instances and balancers hold it for minutes after those are gone.
        deleted(
            self.ec2.delete_security_group(&group.id).await,
            &["InvalidGroup.NotFound"],
            &["DependencyViolation"],
        )
    }
}

/// The rules that a step asks for.
fn asked(
    group: &SecurityGroup,
    arguments: Arguments<'_>,
    egress: bool,
) -> Result<Vec<Rule>, ProviderError> {
    let rule = |protocol: &str, from, to, peer| Rule {
        id: String::new(),
        egress,
        protocol: protocol.to_owned(),
        from,
        to,
        peer,
    };
    if egress {
        let peer = Peer::V4(arguments.text(ALL_OUT)?.to_owned());
        return Ok(vec![rule("-1", -1, -1, peer)]);
    }
    let mut rules = Vec::new();
    for ports in declared(&arguments.resource().name) {
        for (name, from) in ports.rules().filter(|(name, _)| arguments.has(name)) {
            let value = arguments.text(&name)?.to_owned();
            let peer = match from {
                From::AnyV4 => Peer::V4(value),
                From::AnyV6 => Peer::V6(value),
                From::Itself => Peer::Group(group.id.clone()),
                From::Group(_) => Peer::Group(value),
            };
            rules.push(rule(ports.protocol, ports.first, ports.last, peer));
        }
    }
    Ok(rules)
}
