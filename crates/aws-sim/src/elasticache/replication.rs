//! Replication groups: a primary and its replicas, spread over the subnets of the group.

use crate::clock::Event;
use crate::ec2::Tags;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::clusters::Make;
use super::{Status, clash, identifier, invalid, listed, tags};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the service's own"
)]
#[derive(Clone, Debug)]
pub(crate) struct ReplicationGroup {
    description: String,
    make: Make,
    status: Status,
    members: Vec<String>,
    failover: bool,
    multi_zone: bool,
    tls: bool,
    /// Whether there is a token: the token itself is kept by nobody.
    auth: bool,
    encrypted_at_rest: bool,
    pub(super) tags: Tags,
}

fn not_found(id: &str) -> Fault {
    Fault::new(
        "ReplicationGroupNotFoundFault",
        format!("ReplicationGroup {id} not found."),
    )
}

impl ReplicationGroup {
    fn check(&self) -> Result<(), Fault> {
        if self.failover && self.members.len() < 2 {
            return Err(clash(
                "Automatic failover needs at least two cache clusters",
            ));
        }
        if self.multi_zone && !self.failover {
            return Err(clash("Multi-AZ needs automatic failover"));
        }
        Ok(())
    }
}

impl Region {
    /// A replication group, and its clusters with it, is at the end of what it does.
    pub(crate) fn replication_ready(&mut self, id: &str) {
        let Some(group) = self.replication_groups.get_mut(id) else {
            return;
        };
        let members = group.members.clone();
        if group.status == Status::Deleting {
            self.replication_groups.remove(id);
        } else {
            group.status = Status::Available;
        }
        for member in members {
            self.cluster_ready(&member);
        }
    }

    fn replication_record(&self, id: &str) -> Option<Record> {
        let group = self.replication_groups.get(id)?;
        let on = |on: bool| if on { "enabled" } else { "disabled" };
        let members: Vec<_> = group
            .members
            .iter()
            .enumerate()
            .map(|(number, cluster)| {
                let zone = self.clusters.get(cluster).map(|c| c.zone.clone());
                Record::new()
                    .with("CacheClusterId", cluster)
                    .with("CacheNodeId", "0001")
                    .with("PreferredAvailabilityZone", zone)
                    .with(
                        "CurrentRole",
                        if number == 0 { "primary" } else { "replica" },
                    )
            })
            .collect();
        let endpoint = |part: &str| {
            let prefix = if group.tls { "master." } else { "" };
            let address = format!(
                "{prefix}{id}{part}.sim.ng.0001.{}.cache.amazonaws.com",
                self.name
            );
            Record::new()
                .with("Address", address)
                .with("Port", group.make.port)
        };
        let node_group = Record::new()
            .with("NodeGroupId", "0001")
            .with("Status", group.status.name())
            .with("PrimaryEndpoint", endpoint(""))
            .with("ReaderEndpoint", endpoint("-ro"))
            .with("NodeGroupMembers", members);
        // The endpoints are known once the nodes are there.
        let created = group.status != Status::Creating;
        Some(
            Record::new()
                .with("ReplicationGroupId", id)
                .with("Description", &group.description)
                .with("Status", group.status.name())
                .with("MemberClusters", group.members.clone())
                .with("NodeGroups", created.then(|| vec![node_group]))
                .with("AutomaticFailover", on(group.failover))
                .with("MultiAZ", on(group.multi_zone))
                .with("ClusterEnabled", false)
                .with("CacheNodeType", &group.make.kind)
                .with("AuthTokenEnabled", group.auth)
                .with("TransitEncryptionEnabled", group.tls)
                .with("AtRestEncryptionEnabled", group.encrypted_at_rest)
                .with(
                    "ARN",
                    self.arn("elasticache", &format!("replicationgroup:{id}")),
                )
                .with("AutoMinorVersionUpgrade", group.make.minor_upgrades),
        )
    }

    /// A group that can be changed: it is available.
    fn available(&self, id: &str) -> Result<ReplicationGroup, Fault> {
        let group = self
            .replication_groups
            .seen(id, self.now())
            .ok_or_else(|| not_found(id))?;
        if group.status != Status::Available {
            return Err(Fault::new(
                "InvalidReplicationGroupState",
                format!(
                    "Replication group {id} is not available: it is {}",
                    group.status.name()
                ),
            ));
        }
        Ok(group.clone())
    }

    fn put_replication(&mut self, id: &str, group: ReplicationGroup) {
        for member in &group.members {
            self.change_cluster(member, group.make.clone(), group.status);
        }
        if let Some(old) = self.replication_groups.get_mut(id) {
            *old = group;
        }
    }
}

fn answer(region: &Region, id: &str) -> Record {
    Record::new().with("ReplicationGroup", region.replication_record(id))
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = identifier(input.needed("ReplicationGroupId"), 40)?;
    if region.replication_groups.get(&id).is_some() {
        return Err(Fault::new(
            "ReplicationGroupAlreadyExists",
            "Replication group already exists",
        ));
    }
    let make = Make::asked(region, input)?;
    // "Up to five replicas."
    let count = input.integer("NumCacheClusters").unwrap_or(1);
    let count = usize::try_from(count)
        .ok()
        .filter(|count| (1..=6).contains(count));
    let count = count.ok_or_else(|| invalid("NumCacheClusters must be 1 to 6"))?;
    let (tls, token) = (
        input.boolean("TransitEncryptionEnabled").unwrap_or(false),
        input.text("AuthToken").map(|token| token.chars().count()),
    );
    if token.is_some() && !tls {
        return Err(clash("An auth token needs transit encryption"));
    }
    if token.is_some_and(|length| !(16..=128).contains(&length)) {
        return Err(invalid("An auth token must have 16 to 128 characters"));
    }
    let (subnet_group, subnets) = region.places(input, count)?;
    let group = ReplicationGroup {
        description: input.needed("ReplicationGroupDescription").to_owned(),
        make: make.clone(),
        status: Status::Creating,
        members: (1..=count)
            .map(|number| format!("{id}-{number:03}"))
            .collect(),
        failover: input.boolean("AutomaticFailoverEnabled").unwrap_or(false),
        multi_zone: input.boolean("MultiAZEnabled").unwrap_or(false),
        tls,
        auth: token.is_some(),
        encrypted_at_rest: input.boolean("AtRestEncryptionEnabled").unwrap_or(false),
        tags: tags::asked(input),
    };
    group.check()?;
    for (member, subnet) in group.members.iter().zip(&subnets) {
        let place = (subnet_group.as_str(), subnet.as_str());
        region.add_cluster(member, make.clone(), place, Some(&id), group.tags.clone());
    }
    let seen_from = region.seen_from();
    region.replication_groups.insert(&id, group, seen_from);
    region.after(
        region.timings.cache_creating,
        Event::ReplicationReady(id.clone()),
    );
    Ok(answer(region, &id))
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("ReplicationGroupId").to_ascii_lowercase();
    let mut group = region.available(&id)?;
    group.make.change(region, input)?;
    if let Some(description) = input.text("ReplicationGroupDescription") {
        description.clone_into(&mut group.description);
    }
    group.failover = input
        .boolean("AutomaticFailoverEnabled")
        .unwrap_or(group.failover);
    group.multi_zone = input.boolean("MultiAZEnabled").unwrap_or(group.multi_zone);
    group.check()?;
    group.status = Status::Modifying;
    region.put_replication(&id, group);
    region.after(
        region.timings.cache_modifying,
        Event::ReplicationReady(id.clone()),
    );
    Ok(answer(region, &id))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input
        .text("ReplicationGroupId")
        .map(str::to_ascii_lowercase);
    let now = region.now();
    if let Some(id) = asked
        .as_ref()
        .filter(|id| region.replication_groups.seen(id, now).is_none())
    {
        return Err(not_found(id));
    }
    let items: Vec<_> = region
        .replication_groups
        .seen_all(now)
        .filter(|(id, _)| asked.as_ref().is_none_or(|asked| asked == id))
        .filter_map(|(id, _)| Some((id.to_owned(), region.replication_record(id)?)))
        .collect();
    let (groups, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Marker", next)
        .with("ReplicationGroups", groups))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("ReplicationGroupId").to_ascii_lowercase();
    let mut group = region.available(&id)?;
    group.status = Status::Deleting;
    region.put_replication(&id, group);
    region.after(
        region.timings.cache_deleting,
        Event::ReplicationReady(id.clone()),
    );
    Ok(answer(region, &id))
}
