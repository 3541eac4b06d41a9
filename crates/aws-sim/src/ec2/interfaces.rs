//! Network interfaces: of instances, balancers and caches. What is in a security group by one of them holds the group.

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{Tags, all_found, filters, listed, tag_set};

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) subnet: String,
    pub(crate) groups: Vec<String>,
    pub(crate) address: String,
    pub(crate) owner: Owner,
    pub(crate) tags: Tags,
}

/// Whose interface it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Instance(String),
    /// A service of AWS: who asked for it, and the description that the service gives.
    Service(&'static str, String),
}

impl Region {
    pub(crate) fn add_interface(
        &mut self,
        subnet: &str,
        groups: &[String],
        owner: Owner,
    ) -> String {
        let id = self.id("eni");
        let interface = Interface {
            subnet: subnet.to_owned(),
            groups: groups.to_vec(),
            address: self.address_in(subnet),
            owner,
            tags: Tags::new(),
        };
        self.interfaces.insert(&id, interface, self.seen_from());
        id
    }
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("NetworkInterfaceIds"), region.now());
    let seen = |id: &str| region.interfaces.seen(id, now).is_some();
    all_found(
        &asked,
        seen,
        "InvalidNetworkInterfaceID.NotFound",
        "networkInterface ID",
    )?;
    let mut items = Vec::new();
    for (id, interface) in region.interfaces.seen_all(now) {
        let subnet = region.subnets.get(&interface.subnet);
        let vpc = subnet.map(|s| s.vpc.clone());
        let zone = subnet.map(|s| s.zone.clone());
        let (description, requester, instance) = match &interface.owner {
            Owner::Instance(id) => (String::new(), None, Some(id.clone())),
            Owner::Service(who, what) => (what.clone(), Some(*who), None),
        };
        let hit = filters::matches(input, &interface.tags, |name| match name {
            "network-interface-id" => Some(vec![id.to_owned()]),
            "group-id" => Some(interface.groups.clone()),
            "subnet-id" => Some(vec![interface.subnet.clone()]),
            "vpc-id" => Some(vpc.clone().into_iter().collect()),
            "description" => Some(vec![description.clone()]),
            "attachment.instance-id" => Some(instance.clone().into_iter().collect()),
            _ => None,
        })?;
        if hit && (asked.is_empty() || asked.iter().any(|a| a == id)) {
            let groups: Vec<_> = interface
                .groups
                .iter()
                .map(|group| region.group_identifier(group))
                .collect();
            let attachment = Record::new()
                .with("InstanceId", instance)
                .with("Status", "attached");
            let record = Record::new()
                .with("NetworkInterfaceId", id)
                .with("SubnetId", &interface.subnet)
                .with("VpcId", vpc)
                .with("AvailabilityZone", zone)
                .with("Description", description)
                .with("OwnerId", &region.account)
                .with("RequesterId", requester)
                .with("RequesterManaged", requester.is_some())
                .with("Status", "in-use")
                .with("PrivateIpAddress", &interface.address)
                .with("Groups", groups)
                .with("Attachment", attachment)
                .with("TagSet", tag_set(&interface.tags));
            items.push((id.to_owned(), record));
        }
    }
    let (interfaces, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("NetworkInterfaces", interfaces)
        .with("NextToken", next))
}

impl Region {
    pub(super) fn group_identifier(&self, id: &str) -> Record {
        let name = self.security_groups.get(id).map(|g| g.name.clone());
        Record::new().with("GroupId", id).with("GroupName", name)
    }
}
