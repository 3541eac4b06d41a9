//! One region of the account: everything in it, and its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::autoscaling::Group;
use crate::clock::{Clock, Event};
use crate::ec2::{Image, Instance, Interface, KeyPair, SecurityGroup, Subnet, Tags, Template, Vpc};
use crate::elasticache::{Cluster, ReplicationGroup, SubnetGroup};
use crate::elbv2::{Balancer, Listener, Rule, TargetGroup};
use crate::settings::{Quotas, Timings};
use crate::table::Table;

/// How the request in hand sees the region.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// What it creates is not found by others for so long.
    pub(crate) unseen_for: Duration,
    /// No page has more items.
    pub(crate) page_size: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) clock: Clock,
    pub(crate) timings: Timings,
    pub(crate) quotas: Quotas,
    pub(crate) sight: Sight,
    ids: u64,

    pub(crate) vpcs: Table<Vpc>,
    pub(crate) subnets: Table<Subnet>,
    pub(crate) key_pairs: Table<KeyPair>,
    pub(crate) security_groups: Table<SecurityGroup>,
    pub(crate) interfaces: Table<Interface>,
    pub(crate) templates: Table<Template>,
    pub(crate) images: Table<Image>,
    pub(crate) snapshots: Table<Tags>,
    pub(crate) instances: Table<Instance>,
    /// Images that others published, by region and id.
    pub(crate) published: BTreeMap<(String, String), String>,
    /// Instance types and the zones that offer them.
    pub(crate) offerings: BTreeMap<String, Vec<String>>,
    /// Certificates that are issued.
    pub(crate) certificates: BTreeSet<String>,
    /// EC2 has no capacity: launches fail with this code.
    pub(crate) launches_fail: Option<String>,

    pub(crate) groups: Table<Group>,

    pub(crate) balancers: Table<Balancer>,
    pub(crate) listeners: Table<Listener>,
    pub(crate) rules: Table<Rule>,
    pub(crate) target_groups: Table<TargetGroup>,

    pub(crate) subnet_groups: Table<SubnetGroup>,
    pub(crate) replication_groups: Table<ReplicationGroup>,
    pub(crate) clusters: Table<Cluster>,
}

impl Region {
    pub(crate) fn new(
        name: &str,
        account: &str,
        now: Timestamp,
        timings: &Timings,
        quotas: &Quotas,
    ) -> Self {
        Self {
            name: name.to_owned(),
            account: account.to_owned(),
            clock: Clock::new(now),
            timings: timings.clone(),
            quotas: quotas.clone(),
            sight: Sight::default(),
            ids: 0,
            vpcs: Table::default(),
            subnets: Table::default(),
            key_pairs: Table::default(),
            security_groups: Table::default(),
            interfaces: Table::default(),
            templates: Table::default(),
            images: Table::default(),
            snapshots: Table::default(),
            instances: Table::default(),
            published: BTreeMap::new(),
            offerings: offered(name),
            certificates: BTreeSet::new(),
            launches_fail: None,
            groups: Table::default(),
            balancers: Table::default(),
            listeners: Table::default(),
            rules: Table::default(),
            target_groups: Table::default(),
            subnet_groups: Table::default(),
            replication_groups: Table::default(),
            clusters: Table::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// From when on reads find what is created now.
    pub(crate) fn seen_from(&self) -> Timestamp {
        self.now() + self.sight.unseen_for
    }

    pub(crate) fn after(&mut self, wait: Duration, event: Event) {
        self.clock.put(self.clock.now() + wait, event);
    }

    /// Looks random, as AWS's ids do, and is the same in every run.
    fn lot(&mut self) -> u64 {
        self.ids += 1;
        // The finaliser of SplitMix64: a bijection, so no two are alike.
        let mut z = self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// An id such as `sg-0123456789abcdef0`.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.lot())
    }

    /// An id such as ELBv2 puts behind names in ARNs.
    pub(crate) fn short_id(&mut self) -> String {
        format!("{:016x}", self.lot())
    }

    /// An id such as `8e4d4d8a-…`, 36 characters.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.lot(), self.lot());
        let text = format!("{a:016x}{b:016x}");
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }

    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.name, self.account
        )
    }

    /// Lets everything happen until then.
    pub(crate) fn advance_to(&mut self, until: Timestamp) {
        while let Some(event) = self.clock.next(until) {
            match event {
                Event::InstanceRuns(id) => self.instance_runs(&id),
                Event::InstanceEnds(id) => self.instance_ends(&id),
                Event::InstanceForgotten(id) => drop(self.instances.remove(&id)),
                Event::ImageReady(id) => self.image_ready(&id),
                Event::GroupLook(group, again) => self.group_look(&group, again),
                Event::HookEnds(group, instance, token) => {
                    self.hook_ends(&group, &instance, &token);
                }
                Event::MemberServes(group, instance) => self.member_serves(&group, &instance),
                Event::MemberDrained(group, instance) => self.member_drained(&group, &instance),
                Event::TargetsChecked(arn) => self.targets_checked(&arn),
                Event::TargetGone(arn, instance, number) => {
                    self.target_gone(&arn, &instance, number);
                }
                Event::BalancerReady(arn) => self.balancer_ready(&arn),
                Event::InterfacesGone(ids) => {
                    for id in ids {
                        self.interfaces.remove(&id);
                    }
                }
                Event::ClusterReady(id) => self.cluster_ready(&id),
                Event::ReplicationReady(id) => self.replication_ready(&id),
            }
        }
    }
}

/// What a region offers at first: types of OpenVidu's template and of its caches, in every zone.
fn offered(region: &str) -> BTreeMap<String, Vec<String>> {
    let zones = ["a", "b", "c"].map(|zone| format!("{region}{zone}"));
    [
        "c5.large",
        "c5.xlarge",
        "c5.2xlarge",
        "c6a.xlarge",
        "m5.xlarge",
        "t3.medium",
        "t3.xlarge",
    ]
    .into_iter()
    .map(|kind| (kind.to_owned(), zones.clone().into()))
    .collect()
}
