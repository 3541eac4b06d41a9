//! Subnet groups: where caches may have their nodes.

use crate::ec2::Tags;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{listed, tags};

#[derive(Clone, Debug)]
pub(crate) struct SubnetGroup {
    description: String,
    vpc: String,
    pub(super) subnets: Vec<String>,
    pub(super) tags: Tags,
}

pub(super) fn not_found(name: &str) -> Fault {
    Fault::new(
        "CacheSubnetGroupNotFoundFault",
        format!("CacheSubnetGroup {name} not found."),
    )
}

impl Region {
    fn cache_network(&self, subnets: &[String]) -> Result<String, Fault> {
        let wrong = |why: String| Fault::new("InvalidSubnet", why);
        let mut vpc = None;
        for id in subnets {
            let subnet = self
                .subnets
                .seen(id, self.now())
                .ok_or_else(|| wrong(format!("The subnet ID '{id}' does not exist")))?;
            if vpc.as_ref().is_some_and(|vpc| *vpc != subnet.vpc) {
                return Err(wrong("The subnets are not in the same VPC".to_owned()));
            }
            vpc = Some(subnet.vpc.clone());
        }
        vpc.ok_or_else(|| wrong("At least one subnet must be specified".to_owned()))
    }

    fn subnet_group_record(&self, name: &str) -> Option<Record> {
        let group = self.subnet_groups.get(name)?;
        let subnets: Vec<_> = group
            .subnets
            .iter()
            .map(|id| {
                let zone = self.subnets.get(id).map(|s| s.zone.clone());
                Record::new()
                    .with("SubnetIdentifier", id)
                    .with("SubnetAvailabilityZone", Record::new().with("Name", zone))
            })
            .collect();
        Some(
            Record::new()
                .with("CacheSubnetGroupName", name)
                .with("CacheSubnetGroupDescription", &group.description)
                .with("VpcId", &group.vpc)
                .with("Subnets", subnets)
                .with(
                    "ARN",
                    self.arn("elasticache", &format!("subnetgroup:{name}")),
                ),
        )
    }
}

fn answer(region: &Region, name: &str) -> Record {
    Record::new().with("CacheSubnetGroup", region.subnet_group_record(name))
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    // "This value is stored as a lowercase string."
    let name = input.needed("CacheSubnetGroupName").to_ascii_lowercase();
    if region.subnet_groups.get(&name).is_some() {
        return Err(Fault::new(
            "CacheSubnetGroupAlreadyExists",
            format!("Cache subnet group {name} already exists."),
        ));
    }
    let subnets = input.texts("SubnetIds");
    let group = SubnetGroup {
        description: input.needed("CacheSubnetGroupDescription").to_owned(),
        vpc: region.cache_network(&subnets)?,
        subnets,
        tags: tags::asked(input),
    };
    let seen_from = region.seen_from();
    region.subnet_groups.insert(&name, group, seen_from);
    Ok(answer(region, &name))
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("CacheSubnetGroupName").to_ascii_lowercase();
    let now = region.now();
    let old = region
        .subnet_groups
        .seen(&name, now)
        .ok_or_else(|| not_found(&name))?
        .clone();
    let mut new = old.clone();
    if let Some(description) = input.text("CacheSubnetGroupDescription") {
        description.clone_into(&mut new.description);
    }
    if input.list("SubnetIds").is_some() {
        new.subnets = input.texts("SubnetIds");
        new.vpc = region.cache_network(&new.subnets)?;
        let dropped = |subnet: &str| !new.subnets.iter().any(|s| s == subnet);
        let used = region
            .clusters
            .values()
            .filter(|cluster| cluster.subnet_group == name)
            .any(|cluster| dropped(&cluster.subnet));
        if used {
            return Err(Fault::new(
                "SubnetInUse",
                "The requested subnet is being used by another cache cluster.",
            ));
        }
    }
    if let Some(group) = region.subnet_groups.get_mut(&name) {
        *group = new;
    }
    Ok(answer(region, &name))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input
        .text("CacheSubnetGroupName")
        .map(str::to_ascii_lowercase);
    let now = region.now();
    if let Some(name) = asked
        .as_ref()
        .filter(|name| region.subnet_groups.seen(name, now).is_none())
    {
        return Err(not_found(name));
    }
    let items: Vec<_> = region
        .subnet_groups
        .seen_all(now)
        .filter(|(name, _)| asked.as_ref().is_none_or(|asked| asked == name))
        .filter_map(|(name, _)| Some((name.to_owned(), region.subnet_group_record(name)?)))
        .collect();
    // The operation's model has no error for a bad page.
    let (groups, next) = listed(region, input, items).map_err(|f| Fault::validation(f.message))?;
    Ok(Record::new()
        .with("Marker", next)
        .with("CacheSubnetGroups", groups))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let name = input.needed("CacheSubnetGroupName").to_ascii_lowercase();
    region
        .subnet_groups
        .seen(&name, region.now())
        .ok_or_else(|| not_found(&name))?;
    if region
        .clusters
        .values()
        .any(|cluster| cluster.subnet_group == name)
    {
        return Err(Fault::new(
            "CacheSubnetGroupInUse",
            format!("Cache subnet group {name} is currently in use by a cache cluster."),
        ));
    }
    region.subnet_groups.remove(&name);
    Ok(Record::new())
}
