//! Balancers, and the interfaces by which they hold their security groups.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::clock::Event;
use crate::ec2::{Owner, Tags};
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{check_name, listed, tags};

#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    pub(crate) name: String,
    dns: String,
    created: Timestamp,
    scheme: String,
    vpc: String,
    subnets: Vec<String>,
    groups: Vec<String>,
    active: bool,
    interfaces: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new(
        "LoadBalancerNotFound",
        format!("Load balancer '{arn}' not found"),
    )
}

impl Region {
    pub(crate) fn balancer_ready(&mut self, arn: &str) {
        if let Some(balancer) = self.balancers.get_mut(arn) {
            balancer.active = true;
        }
    }

    /// The network of a balancer's subnets: one, and two zones at least.
    fn network_of(&self, subnets: &[String]) -> Result<String, Fault> {
        let (mut zones, mut networks) = (BTreeSet::new(), BTreeSet::new());
        for id in subnets {
            let subnet = self.subnets.seen(id, self.now()).ok_or_else(|| {
                Fault::new(
                    "SubnetNotFound",
                    format!("The subnet ID '{id}' does not exist"),
                )
            })?;
            if !zones.insert(&subnet.zone) {
                return Err(Fault::new(
                    "InvalidConfigurationRequest",
                    "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
                ));
            }
            networks.insert(subnet.vpc.clone());
        }
        if zones.len() < 2 {
            return Err(Fault::validation(
                "At least two subnets in two different Availability Zones must be specified",
            ));
        }
        match (networks.pop_first(), networks.pop_first()) {
            (Some(network), None) => Ok(network),
            _ => Err(Fault::new(
                "InvalidConfigurationRequest",
                "The subnets must be in the same VPC",
            )),
        }
    }

    fn groups_exist(&self, groups: &[String], vpc: &str) -> Result<(), Fault> {
        for id in groups {
            let group = self.security_groups.seen(id, self.now());
            if group.is_none_or(|g| g.vpc != vpc) {
                return Err(Fault::new(
                    "InvalidSecurityGroup",
                    format!("One or more security groups are invalid: {id}"),
                ));
            }
        }
        Ok(())
    }

    fn zones_of(&self, subnets: &[String]) -> Vec<Record> {
        subnets
            .iter()
            .map(|id| {
                let zone = self.subnets.get(id).map(|s| s.zone.clone());
                Record::new().with("ZoneName", zone).with("SubnetId", id)
            })
            .collect()
    }

    fn balancer_record(&self, arn: &str, balancer: &Balancer) -> Record {
        let code = if balancer.active {
            "active"
        } else {
            "provisioning"
        };
        Record::new()
            .with("LoadBalancerArn", arn)
            .with("DNSName", &balancer.dns)
            // One for each region; this one is made up.
            .with("CanonicalHostedZoneId", "Z0SIMULATED00")
            .with("CreatedTime", balancer.created)
            .with("LoadBalancerName", &balancer.name)
            .with("Scheme", &balancer.scheme)
            .with("VpcId", &balancer.vpc)
            .with("State", Record::new().with("Code", code))
            .with("Type", "application")
            .with("AvailabilityZones", self.zones_of(&balancer.subnets))
            .with("SecurityGroups", balancer.groups.clone())
            .with("IpAddressType", "ipv4")
    }

    /// Interfaces in the new places, those in the old ones gone.
    fn move_interfaces(&mut self, arn: &str, subnets: &[String], groups: &[String]) {
        let Some(balancer) = self.balancers.get(arn) else {
            return;
        };
        let (old, path) = (balancer.interfaces.clone(), path(arn));
        for id in old {
            self.interfaces.remove(&id);
        }
        let owner = Owner::Service("amazon-elb", format!("ELB {path}"));
        let new = subnets
            .iter()
            .map(|subnet| self.add_interface(subnet, groups, owner.clone()))
            .collect();
        if let Some(balancer) = self.balancers.get_mut(arn) {
            balancer.interfaces = new;
        }
    }
}

/// `app/NAME/ID` of an ARN.
fn path(arn: &str) -> &str {
    arn.split_once("loadbalancer/")
        .map_or(arn, |(_, path)| path)
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("Name");
    check_name(name)?;
    if input.text("Type").unwrap_or("application") != "application" {
        return Err(Fault::new(
            "NotImplemented",
            "the simulator has application load balancers only",
        ));
    }
    let subnets = input.texts("Subnets");
    let vpc = region.network_of(&subnets)?;
    let groups = input.texts("SecurityGroups");
    region.groups_exist(&groups, &vpc)?;
    let scheme = input.text("Scheme").unwrap_or("internet-facing").to_owned();
    let tags = tags::asked(input)?;
    let same = region.balancers.iter().find(|(_, b)| b.name == name);
    if let Some((arn, balancer)) = same {
        // "If you repeat a request with the same settings, it succeeds and gives the existing one."
        let equal = balancer.subnets == subnets
            && balancer.groups == groups
            && balancer.scheme == scheme
            && balancer.tags == tags;
        if equal {
            let record = region.balancer_record(arn, balancer);
            return Ok(Record::new().with("LoadBalancers", vec![record]));
        }
        return Err(Fault::new(
            "DuplicateLoadBalancerName",
            "A load balancer with the same name exists, but with different settings",
        ));
    }
    if region.balancers.len() >= region.quotas.balancers {
        return Err(Fault::new(
            "TooManyLoadBalancers",
            "The maximum number of load balancers has been reached",
        ));
    }
    let (id, created, seen_from) = (region.short_id(), region.now(), region.seen_from());
    let arn = region.arn(
        "elasticloadbalancing",
        &format!("loadbalancer/app/{name}/{id}"),
    );
    let dns_name = region.lower_dns(name, &id, scheme == "internal");
    let balancer = Balancer {
        name: name.to_owned(),
        dns: dns_name,
        created,
        scheme,
        vpc,
        subnets: subnets.clone(),
        groups: groups.clone(),
        active: false,
        interfaces: Vec::new(),
        attributes: BTreeMap::new(),
        tags,
    };
    region.balancers.insert(&arn, balancer, seen_from);
    region.move_interfaces(&arn, &subnets, &groups);
    region.after(
        region.timings.balancer_provisioning,
        Event::BalancerReady(arn.clone()),
    );
    let record = region
        .balancers
        .get(&arn)
        .map(|b| region.balancer_record(&arn, b));
    Ok(Record::new().with("LoadBalancers", record.map(|r| vec![r])))
}

impl Region {
    fn lower_dns(&self, name: &str, id: &str, internal: bool) -> String {
        let prefix = if internal { "internal-" } else { "" };
        let number = u64::from_str_radix(id, 16).unwrap_or_default() % 10_000_000_000;
        format!("{prefix}{name}-{number}.{}.elb.amazonaws.com", self.name)
    }
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arns, names, now) = (
        input.texts("LoadBalancerArns"),
        input.texts("Names"),
        region.now(),
    );
    if let Some(arn) = arns
        .iter()
        .find(|arn| region.balancers.seen(arn, now).is_none())
    {
        return Err(not_found(arn));
    }
    let is_there = |name: &String| region.balancers.seen_all(now).any(|(_, b)| b.name == *name);
    if let Some(name) = names.iter().find(|name| !is_there(name)) {
        return Err(Fault::new(
            "LoadBalancerNotFound",
            format!("Load balancers '[{name}]' not found"),
        ));
    }
    let items: Vec<_> = region
        .balancers
        .seen_all(now)
        .filter(|(arn, b)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn))
                && (names.is_empty() || names.contains(&b.name))
        })
        .map(|(arn, b)| (arn.to_owned(), region.balancer_record(arn, b)))
        .collect();
    let (balancers, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("LoadBalancers", balancers)
        .with("NextMarker", next))
}

/// Deleting what is not there succeeds: "If the load balancer does not exist or has already been deleted, the call
/// succeeds." Its listeners and rules go with it; its interfaces go a while later.
pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("LoadBalancerArn");
    let protected = region.balancers.get(arn).is_some_and(|b| {
        b.attributes
            .get("deletion_protection.enabled")
            .is_some_and(|on| on == "true")
    });
    if protected {
        return Err(Fault::new(
            "OperationNotPermitted",
            format!(
                "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            ),
        ));
    }
    if let Some(balancer) = region.balancers.remove(arn) {
        region.drop_listeners(arn);
        region.after(
            region.timings.balancer_interfaces,
            Event::InterfacesGone(balancer.interfaces),
        );
    }
    Ok(Record::new())
}

pub(super) fn set_groups(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, groups, now) = (
        input.needed("LoadBalancerArn"),
        input.texts("SecurityGroups"),
        region.now(),
    );
    let balancer = region
        .balancers
        .seen(arn, now)
        .ok_or_else(|| not_found(arn))?;
    let (vpc, subnets) = (balancer.vpc.clone(), balancer.subnets.clone());
    region.groups_exist(&groups, &vpc)?;
    if let Some(balancer) = region.balancers.get_mut(arn) {
        balancer.groups.clone_from(&groups);
    }
    region.move_interfaces(arn, &subnets, &groups);
    Ok(Record::new().with("SecurityGroupIds", groups))
}

pub(super) fn set_subnets(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, subnets, now) = (
        input.needed("LoadBalancerArn"),
        input.texts("Subnets"),
        region.now(),
    );
    let balancer = region
        .balancers
        .seen(arn, now)
        .ok_or_else(|| not_found(arn))?;
    let (vpc, groups) = (balancer.vpc.clone(), balancer.groups.clone());
    if region.network_of(&subnets)? != vpc {
        return Err(Fault::new(
            "InvalidConfigurationRequest",
            "The subnets must be in the balancer's VPC",
        ));
    }
    if let Some(balancer) = region.balancers.get_mut(arn) {
        balancer.subnets.clone_from(&subnets);
    }
    region.move_interfaces(arn, &subnets, &groups);
    Ok(Record::new().with("AvailabilityZones", region.zones_of(&subnets)))
}
