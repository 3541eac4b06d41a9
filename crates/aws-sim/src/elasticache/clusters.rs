//! Cache clusters: alone with one node, or the nodes of a replication group.

use jiff::Timestamp;

use crate::clock::Event;
use crate::ec2::{Owner, Tags};
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{Status, clash, identifier, invalid, listed, subnet_groups, tags};

#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(super) make: Make,
    pub(super) status: Status,
    created: Timestamp,
    pub(super) subnet_group: String,
    pub(super) subnet: String,
    pub(super) zone: String,
    interface: String,
    pub(super) replication_group: Option<String>,
    pub(super) tags: Tags,
}

/// What a cluster and a replication group have in common.
#[derive(Clone, Debug)]
pub(crate) struct Make {
    pub(super) kind: String,
    pub(super) engine: String,
    pub(super) version: String,
    pub(super) parameters: String,
    pub(super) port: i64,
    pub(super) groups: Vec<String>,
    pub(super) minor_upgrades: bool,
}

impl Make {
    /// What a creating request asks for.
    pub(super) fn asked(region: &Region, input: &Record) -> Result<Self, Fault> {
        let kind = input
            .text("CacheNodeType")
            .ok_or_else(|| clash("CacheNodeType must be specified"))?;
        if !kind.starts_with("cache.") {
            return Err(invalid(format!("Invalid cache node type: {kind}")));
        }
        let engine = input.text("Engine").unwrap_or("redis");
        if !["redis", "valkey"].contains(&engine) {
            return Err(invalid(format!(
                "The simulator has the engines redis and valkey, not {engine}"
            )));
        }
        // The newest of a line where a line is asked for.
        let version = match input.text("EngineVersion") {
            Some("6.x") => "6.2.6",
            Some(version) => version,
            None if engine == "valkey" => "8.0.1",
            None => "7.1.0",
        };
        let family = version.split('.').next().unwrap_or_default();
        let line = match (engine, family) {
            ("redis", "6") => "redis6.x".to_owned(),
            (engine, family) => format!("{engine}{family}"),
        };
        let groups = input.texts("SecurityGroupIds");
        groups_exist(region, &groups)?;
        Ok(Self {
            kind: kind.to_owned(),
            engine: engine.to_owned(),
            version: version.to_owned(),
            parameters: input
                .text("CacheParameterGroupName")
                .map_or(format!("default.{line}"), str::to_owned),
            port: input.integer("Port").unwrap_or(6379),
            groups,
            minor_upgrades: input.boolean("AutoMinorVersionUpgrade").unwrap_or(true),
        })
    }

    /// What a modifying request changes.
    pub(super) fn change(&mut self, region: &Region, input: &Record) -> Result<(), Fault> {
        if input.list("SecurityGroupIds").is_some() {
            self.groups = input.texts("SecurityGroupIds");
            groups_exist(region, &self.groups)?;
        }
        if let Some(parameters) = input.text("CacheParameterGroupName") {
            parameters.clone_into(&mut self.parameters);
        }
        if let Some(upgrades) = input.boolean("AutoMinorVersionUpgrade") {
            self.minor_upgrades = upgrades;
        }
        Ok(())
    }
}

fn groups_exist(region: &Region, groups: &[String]) -> Result<(), Fault> {
    match groups
        .iter()
        .find(|g| region.security_groups.seen(g, region.now()).is_none())
    {
        None => Ok(()),
        Some(group) => Err(invalid(format!(
            "The security group '{group}' does not exist"
        ))),
    }
}

fn not_found(id: &str) -> Fault {
    Fault::new(
        "CacheClusterNotFound",
        format!("CacheCluster not found: {id}"),
    )
}

impl Region {
    /// Subnets for so many nodes: one after the other of the group's.
    pub(super) fn places(
        &self,
        input: &Record,
        count: usize,
    ) -> Result<(String, Vec<String>), Fault> {
        let name = input
            .text("CacheSubnetGroupName")
            .ok_or_else(|| {
                clash(
                    "The simulator has no default network: CacheSubnetGroupName must be specified",
                )
            })?
            .to_ascii_lowercase();
        let group = self
            .subnet_groups
            .seen(&name, self.now())
            .ok_or_else(|| subnet_groups::not_found(&name))?;
        if self.clusters.len() + count > self.quotas.cache_nodes {
            return Err(Fault::new(
                "NodeQuotaForCustomerExceeded",
                "The request cannot be processed because it would exceed the allowed number of cache nodes per customer.",
            ));
        }
        let subnets = group.subnets.iter().cycle().take(count).cloned().collect();
        Ok((name, subnets))
    }

    pub(super) fn add_cluster(
        &mut self,
        id: &str,
        make: Make,
        (subnet_group, subnet): (&str, &str),
        replication_group: Option<&str>,
        tags: Tags,
    ) {
        let owner = Owner::Service("amazon-elasticache", format!("ElastiCache {id}"));
        let interface = self.add_interface(subnet, &make.groups, owner);
        let zone = self
            .subnets
            .get(subnet)
            .map(|s| s.zone.clone())
            .unwrap_or_default();
        let cluster = Cluster {
            make,
            status: Status::Creating,
            created: self.now(),
            subnet_group: subnet_group.to_owned(),
            subnet: subnet.to_owned(),
            zone,
            interface,
            replication_group: replication_group.map(str::to_owned),
            tags,
        };
        self.clusters.insert(id, cluster, self.seen_from());
    }

    /// A cluster, with its replication group or alone, takes a change on: its interface follows.
    pub(super) fn change_cluster(&mut self, id: &str, make: Make, status: Status) {
        let Some(cluster) = self.clusters.get_mut(id) else {
            return;
        };
        let (interface, groups) = (cluster.interface.clone(), make.groups.clone());
        (cluster.make, cluster.status) = (make, status);
        if let Some(interface) = self.interfaces.get_mut(&interface) {
            interface.groups = groups;
        }
    }

    /// A cluster is at the end of what it does.
    pub(crate) fn cluster_ready(&mut self, id: &str) {
        let Some(cluster) = self.clusters.get_mut(id) else {
            return;
        };
        if cluster.status != Status::Deleting {
            cluster.status = Status::Available;
            return;
        }
        let interface = cluster.interface.clone();
        self.interfaces.remove(&interface);
        self.clusters.remove(id);
    }

    fn cluster_record(&self, id: &str, with_nodes: bool) -> Option<Record> {
        let cluster = self.clusters.get(id)?;
        let make = &cluster.make;
        let groups: Vec<_> = make
            .groups
            .iter()
            .map(|g| {
                Record::new()
                    .with("SecurityGroupId", g)
                    .with("Status", "active")
            })
            .collect();
        let parameters = Record::new()
            .with("CacheParameterGroupName", &make.parameters)
            .with("ParameterApplyStatus", "in-sync");
        // The endpoint is known once the node is there.
        let address = format!("{id}.sim.0001.{}.cache.amazonaws.com", self.name);
        let endpoint = Record::new()
            .with("Address", address)
            .with("Port", make.port);
        let created = cluster.status != Status::Creating;
        let node = Record::new()
            .with("CacheNodeId", "0001")
            .with("CacheNodeStatus", cluster.status.name())
            .with("Endpoint", created.then_some(endpoint))
            .with("CustomerAvailabilityZone", &cluster.zone);
        Some(
            Record::new()
                .with("CacheClusterId", id)
                .with("CacheNodeType", &make.kind)
                .with("Engine", &make.engine)
                .with("EngineVersion", &make.version)
                .with("CacheClusterStatus", cluster.status.name())
                .with("NumCacheNodes", 1_i64)
                .with("PreferredAvailabilityZone", &cluster.zone)
                .with("CacheClusterCreateTime", cluster.created)
                .with("CacheParameterGroup", parameters)
                .with("CacheSubnetGroupName", &cluster.subnet_group)
                .with("CacheNodes", (with_nodes && created).then(|| vec![node]))
                .with("AutoMinorVersionUpgrade", make.minor_upgrades)
                .with("SecurityGroups", groups)
                .with("ReplicationGroupId", cluster.replication_group.clone())
                .with("ARN", self.arn("elasticache", &format!("cluster:{id}"))),
        )
    }
}

fn answer(region: &Region, id: &str) -> Record {
    Record::new().with("CacheCluster", region.cluster_record(id, true))
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = identifier(input.needed("CacheClusterId"), 50)?;
    if region.clusters.get(&id).is_some() {
        return Err(Fault::new(
            "CacheClusterAlreadyExists",
            "Cache cluster already exists",
        ));
    }
    if input
        .integer("NumCacheNodes")
        .is_some_and(|count| count != 1)
    {
        return Err(invalid("A cluster of Redis or Valkey has exactly one node"));
    }
    let make = Make::asked(region, input)?;
    let (group, subnets) = region.places(input, 1)?;
    let subnet = subnets.first().cloned().unwrap_or_default();
    region.add_cluster(&id, make, (&group, &subnet), None, tags::asked(input));
    region.after(
        region.timings.cache_creating,
        Event::ClusterReady(id.clone()),
    );
    Ok(answer(region, &id))
}

/// A cluster of its own that is available; one of a replication group is that group's.
fn own(region: &Region, id: &str) -> Result<Cluster, Fault> {
    let cluster = region
        .clusters
        .seen(id, region.now())
        .ok_or_else(|| not_found(id))?;
    let wrong = |why: String| Err(Fault::new("InvalidCacheClusterState", why));
    if let Some(group) = &cluster.replication_group {
        return wrong(format!(
            "Cache cluster {id} is part of replication group {group}"
        ));
    }
    if cluster.status != Status::Available {
        return wrong(format!(
            "Cache cluster {id} is not available: it is {}",
            cluster.status.name()
        ));
    }
    Ok(cluster.clone())
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("CacheClusterId").to_ascii_lowercase();
    let mut make = own(region, &id)?.make;
    make.change(region, input)?;
    region.change_cluster(&id, make, Status::Modifying);
    region.after(
        region.timings.cache_modifying,
        Event::ClusterReady(id.clone()),
    );
    Ok(answer(region, &id))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let asked = input.text("CacheClusterId").map(str::to_ascii_lowercase);
    let (now, nodes) = (
        region.now(),
        input.boolean("ShowCacheNodeInfo").unwrap_or(false),
    );
    if let Some(id) = asked
        .as_ref()
        .filter(|id| region.clusters.seen(id, now).is_none())
    {
        return Err(not_found(id));
    }
    let items: Vec<_> = region
        .clusters
        .seen_all(now)
        .filter(|(id, _)| asked.as_ref().is_none_or(|asked| asked == id))
        .filter_map(|(id, _)| Some((id.to_owned(), region.cluster_record(id, nodes)?)))
        .collect();
    let (clusters, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Marker", next)
        .with("CacheClusters", clusters))
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let id = input.needed("CacheClusterId").to_ascii_lowercase();
    let make = own(region, &id)?.make;
    region.change_cluster(&id, make, Status::Deleting);
    region.after(
        region.timings.cache_deleting,
        Event::ClusterReady(id.clone()),
    );
    Ok(answer(region, &id))
}
