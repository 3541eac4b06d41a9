//! What the user brings: networks, subnets, key pairs; and what a zone offers. Made by the test, described here.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{Tags, all_found, filters, listed, tag_set};

#[derive(Clone, Debug)]
pub(crate) struct Vpc {
    pub(crate) cidr: String,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) vpc: String,
    /// The first three numbers of its addresses: it is a /24.
    pub(crate) net: String,
    pub(crate) zone: String,
    pub(crate) used: u32,
    pub(crate) tags: Tags,
}

/// Addresses of a /24 without the five that AWS keeps.
const ADDRESSES: u32 = 251;

#[derive(Clone, Debug)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) tags: Tags,
}

impl Region {
    /// Zones of the region: three, as most have.
    pub(crate) fn zones(&self) -> Vec<String> {
        ["a", "b", "c"]
            .map(|letter| format!("{}{letter}", self.name))
            .into()
    }

    /// The id of a zone, the same for every account.
    pub(crate) fn zone_id(&self, zone: &str) -> String {
        let number = self
            .zones()
            .iter()
            .position(|z| z == zone)
            .unwrap_or_default()
            + 1;
        let initials: String = self
            .name
            .split('-')
            .map(|word| {
                if word.parse::<u8>().is_ok() {
                    word.to_owned()
                } else {
                    word[..1].to_owned()
                }
            })
            .collect();
        format!("{initials}-az{number}")
    }

    /// Takes the next address of a subnet.
    pub(crate) fn address_in(&mut self, subnet: &str) -> String {
        self.subnets
            .get_mut(subnet)
            .map_or_else(String::new, |subnet| {
                // The first four are AWS's.
                let address = format!("{}.{}", subnet.net, 4 + subnet.used % ADDRESSES);
                subnet.used += 1;
                address
            })
    }
}

pub(super) fn zones(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.texts("ZoneNames");
    let zones = region.zones();
    all_found(
        &asked,
        |zone| zones.iter().any(|z| z == zone),
        "InvalidParameterValue",
        "zone",
    )?;
    let mut found = Vec::new();
    for zone in zones
        .iter()
        .filter(|z| asked.is_empty() || asked.contains(z))
    {
        let hit = filters::matches(input, &Tags::new(), |name| match name {
            "zone-name" => Some(vec![zone.clone()]),
            "zone-id" => Some(vec![region.zone_id(zone)]),
            "state" => Some(vec!["available".to_owned()]),
            _ => None,
        })?;
        if hit {
            found.push(
                Record::new()
                    .with("RegionName", &region.name)
                    .with("ZoneName", zone)
                    .with("ZoneId", region.zone_id(zone))
                    .with("ZoneType", "availability-zone")
                    .with("State", "available"),
            );
        }
    }
    Ok(Record::new().with("AvailabilityZones", found))
}

pub(super) fn vpcs(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("VpcIds"), region.now());
    all_found(
        &asked,
        |id| region.vpcs.seen(id, now).is_some(),
        "InvalidVpcID.NotFound",
        "vpc ID",
    )?;
    let mut items = Vec::new();
    for (id, vpc) in region.vpcs.seen_all(now) {
        let hit = filters::matches(input, &vpc.tags, |name| match name {
            "vpc-id" => Some(vec![id.to_owned()]),
            "cidr" => Some(vec![vpc.cidr.clone()]),
            _ => None,
        })?;
        if hit && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let record = Record::new()
                .with("VpcId", id)
                .with("CidrBlock", &vpc.cidr)
                .with("OwnerId", &region.account)
                .with("IsDefault", false)
                .with("State", "available")
                .with("Tags", tag_set(&vpc.tags));
            items.push((id.to_owned(), record));
        }
    }
    let (vpcs, next) = listed(region, input, items)?;
    Ok(Record::new().with("Vpcs", vpcs).with("NextToken", next))
}

pub(super) fn subnets(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("SubnetIds"), region.now());
    let seen = |id: &str| region.subnets.seen(id, now).is_some();
    all_found(&asked, seen, "InvalidSubnetID.NotFound", "subnet ID")?;
    let mut items = Vec::new();
    for (id, subnet) in region.subnets.seen_all(now) {
        let hit = filters::matches(input, &subnet.tags, |name| match name {
            "subnet-id" => Some(vec![id.to_owned()]),
            "vpc-id" => Some(vec![subnet.vpc.clone()]),
            "availability-zone" => Some(vec![subnet.zone.clone()]),
            _ => None,
        })?;
        if hit && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let free = i64::from(ADDRESSES.saturating_sub(subnet.used));
            let record = Record::new()
                .with("SubnetId", id)
                .with("VpcId", &subnet.vpc)
                .with("CidrBlock", format!("{}.0/24", subnet.net))
                .with("AvailabilityZone", &subnet.zone)
                .with("AvailabilityZoneId", region.zone_id(&subnet.zone))
                .with("AvailableIpAddressCount", free)
                .with("MapPublicIpOnLaunch", true)
                .with("OwnerId", &region.account)
                .with("State", "available")
                .with("Tags", tag_set(&subnet.tags));
            items.push((id.to_owned(), record));
        }
    }
    let (subnets, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Subnets", subnets)
        .with("NextToken", next))
}

pub(super) fn key_pairs(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("KeyNames"), region.now());
    let seen = |name: &str| region.key_pairs.seen(name, now).is_some();
    all_found(&asked, seen, "InvalidKeyPair.NotFound", "key pair")?;
    let mut found = Vec::new();
    for (name, pair) in region.key_pairs.seen_all(now) {
        let hit = filters::matches(input, &pair.tags, |filter| match filter {
            "key-name" => Some(vec![name.to_owned()]),
            "key-pair-id" => Some(vec![pair.id.clone()]),
            _ => None,
        })?;
        if hit && (asked.is_empty() || asked.iter().any(|a| a == name)) {
            found.push(
                Record::new()
                    .with("KeyPairId", &pair.id)
                    .with("KeyName", name)
                    .with("KeyType", "ed25519")
                    .with("Tags", tag_set(&pair.tags)),
            );
        }
    }
    Ok(Record::new().with("KeyPairs", found))
}

pub(super) fn offerings(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let by = input.text("LocationType").unwrap_or("region");
    let mut items = Vec::new();
    for (kind, zones) in &region.offerings {
        let locations = match by {
            "region" => vec![region.name.clone()],
            "availability-zone" => zones.clone(),
            "availability-zone-id" => zones.iter().map(|zone| region.zone_id(zone)).collect(),
            _ => Vec::new(),
        };
        for location in locations {
            let hit = filters::matches(input, &Tags::new(), |name| match name {
                "instance-type" => Some(vec![kind.clone()]),
                "location" => Some(vec![location.clone()]),
                _ => None,
            })?;
            if hit {
                let record = Record::new()
                    .with("InstanceType", kind)
                    .with("LocationType", by)
                    .with("Location", &location);
                items.push((format!("{kind} {location}"), record));
            }
        }
    }
    let (offerings, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("InstanceTypeOfferings", offerings)
        .with("NextToken", next))
}
