//! Instances: launched from a template, pending, running, shutting down, terminated, remembered for a while.

use jiff::Timestamp;

use crate::clock::Event;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::templates::launch_tags;
use super::{Owner, Tags, all_found, filters, listed, tag_set};

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) state: InstanceState,
    pub(crate) image: String,
    pub(crate) kind: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) address: String,
    pub(crate) public_address: Option<String>,
    pub(crate) launched: Timestamp,
    /// From when on what runs on it answers health checks.
    pub(crate) answers_from: Option<Timestamp>,
    /// What runs on it does not answer, by the test's word.
    pub(crate) silent: bool,
    pub(crate) groups: Vec<String>,
    interface: String,
    key: Option<String>,
    profile: Option<String>,
    metadata: Option<Record>,
    reason: Option<(String, String)>,
    pub(crate) tags: Tags,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// On its way down.
    ShuttingDown,
    /// Gone, and described for a while.
    Terminated,
}

impl InstanceState {
    fn named(self) -> (i64, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
        }
    }

    /// Neither down nor on its way.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// Virtual CPUs by size, of the types that OpenVidu's template allows.
fn vcpus(kind: &str) -> u32 {
    match kind.rsplit_once('.').map_or("", |(_, size)| size) {
        "xlarge" => 4,
        "2xlarge" => 8,
        "4xlarge" => 16,
        _ => 2,
    }
}

impl Region {
    /// Launches an instance from a template's data, as Auto Scaling asks for it.
    ///
    /// # Errors
    /// EC2's code and message: they end up in the scaling activity.
    pub(crate) fn launch(
        &mut self,
        data: &Record,
        subnet_id: &str,
        more_tags: &Tags,
    ) -> Result<String, Fault> {
        if let Some(code) = &self.launches_fail {
            return Err(Fault::new(
                code,
                "We currently do not have sufficient capacity in the Availability Zone you requested.",
            ));
        }
        let text = |name: &str| data.text(name).unwrap_or_default().to_owned();
        let (image, kind, key) = (text("ImageId"), text("InstanceType"), data.text("KeyName"));
        let subnet = self.subnets.get(subnet_id).cloned().ok_or_else(|| {
            Fault::new(
                "InvalidSubnetID.NotFound",
                format!("The subnet ID '{subnet_id}' does not exist"),
            )
        })?;
        match self.images.get(&image) {
            None => {
                return Err(Fault::new(
                    "InvalidAMIID.NotFound",
                    format!("The image id '[{image}]' does not exist"),
                ));
            }
            Some(found) if !found.available => {
                return Err(Fault::new(
                    "InvalidAMIID.Unavailable",
                    format!("The image ID '{image}' is not available"),
                ));
            }
            Some(_) => {}
        }
        if let Some(key) = key.filter(|key| self.key_pairs.get(key).is_none()) {
            return Err(Fault::new(
                "InvalidKeyPair.NotFound",
                format!("The key pair '{key}' does not exist"),
            ));
        }
        let groups = data.texts("SecurityGroupIds");
        if let Some(group) = groups
            .iter()
            .find(|g| self.security_groups.get(g).is_none())
        {
            return Err(super::security::not_found(group));
        }
        let offered = self
            .offerings
            .get(&kind)
            .is_some_and(|zones| zones.contains(&subnet.zone));
        if !offered {
            return Err(Fault::new(
                "Unsupported",
                format!(
                    "Your requested instance type ({kind}) is not supported in your requested Availability Zone ({}).",
                    subnet.zone
                ),
            ));
        }
        let used: u32 = self
            .instances
            .values()
            .filter(|i| i.state.is_up())
            .map(|i| vcpus(&i.kind))
            .sum();
        if used + vcpus(&kind) > self.quotas.vcpus {
            return Err(Fault::new(
                "VcpuLimitExceeded",
                format!(
                    "You have requested more vCPU capacity than your current vCPU limit of {} allows for the instance bucket that the specified instance type belongs to.",
                    self.quotas.vcpus
                ),
            ));
        }
        let id = self.id("i");
        let interface = self.add_interface(subnet_id, &groups, Owner::Instance(id.clone()));
        let address = self
            .interfaces
            .get(&interface)
            .map(|i| i.address.clone())
            .unwrap_or_default();
        let mut tags = launch_tags(data, "instance");
        tags.extend(more_tags.clone());
        let profile = data.record("IamInstanceProfile").and_then(|profile| {
            let arn = profile.text("Arn").map(str::to_owned);
            let named = |name| format!("arn:aws:iam::{}:instance-profile/{name}", self.account);
            arn.or_else(|| profile.text("Name").map(named))
        });
        let instance = Instance {
            state: InstanceState::Pending,
            image,
            kind,
            subnet: subnet_id.to_owned(),
            zone: subnet.zone,
            address,
            public_address: None,
            launched: self.now(),
            answers_from: None,
            silent: false,
            groups,
            interface,
            key: key.map(str::to_owned),
            profile,
            metadata: data.record("MetadataOptions").cloned(),
            reason: None,
            tags,
        };
        self.instances.insert(&id, instance, self.seen_from());
        self.after(
            self.timings.instance_pending,
            Event::InstanceRuns(id.clone()),
        );
        Ok(id)
    }

    pub(crate) fn instance_runs(&mut self, id: &str) {
        let answers_from = self.now() + self.timings.application_start;
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        if instance.state != InstanceState::Pending {
            return;
        }
        instance.state = InstanceState::Running;
        instance.answers_from = Some(answers_from);
        // Of the block for documentation (RFC 5737): it leads nowhere.
        let last = instance.address.rsplit('.').next().unwrap_or_default();
        instance.public_address = Some(format!("203.0.113.{last}"));
        self.member_runs(id);
    }

    /// Ends an instance, whoever wants it. One that ends already is left alone.
    pub(crate) fn terminate(&mut self, id: &str, code: &str, message: &str) {
        let Some(instance) = self.instances.get_mut(id).filter(|i| i.state.is_up()) else {
            return;
        };
        instance.state = InstanceState::ShuttingDown;
        instance.reason = Some((code.to_owned(), message.to_owned()));
        self.after(
            self.timings.instance_shutting_down,
            Event::InstanceEnds(id.to_owned()),
        );
    }

    pub(crate) fn instance_ends(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.state = InstanceState::Terminated;
        instance.public_address = None;
        let interface = instance.interface.clone();
        self.interfaces.remove(&interface);
        self.forget_target(id);
        self.member_ended(id);
        self.after(
            self.timings.instance_remembered,
            Event::InstanceForgotten(id.to_owned()),
        );
    }

    /// Whether what runs on an instance answers a health check now.
    pub(crate) fn answers(&self, id: &str) -> bool {
        let now = self.now();
        self.instances.get(id).is_some_and(|i| {
            i.state == InstanceState::Running
                && !i.silent
                && i.answers_from.is_some_and(|from| from <= now)
        })
    }
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (asked, now) = (input.texts("InstanceIds"), region.now());
    let seen = |id: &str| region.instances.seen(id, now).is_some();
    all_found(&asked, seen, "InvalidInstanceID.NotFound", "instance ID")?;
    let mut items = Vec::new();
    for (id, instance) in region.instances.seen_all(now) {
        let vpc = region.subnets.get(&instance.subnet).map(|s| s.vpc.clone());
        let hit = filters::matches(input, &instance.tags, |name| match name {
            "instance-id" => Some(vec![id.to_owned()]),
            "instance-state-name" => Some(vec![instance.state.named().1.to_owned()]),
            "image-id" => Some(vec![instance.image.clone()]),
            "instance.group-id" => Some(instance.groups.clone()),
            "vpc-id" => Some(vpc.clone().into_iter().collect()),
            "subnet-id" => Some(vec![instance.subnet.clone()]),
            _ => None,
        })?;
        if !hit || !(asked.is_empty() || asked.iter().any(|a| a == id)) {
            continue;
        }
        let (code, name) = instance.state.named();
        let there = instance.state != InstanceState::Terminated;
        let groups: Vec<_> = instance
            .groups
            .iter()
            .map(|g| region.group_identifier(g))
            .collect();
        let reason = instance
            .reason
            .as_ref()
            .map(|(code, message)| Record::new().with("Code", code).with("Message", message));
        let profile = instance
            .profile
            .as_ref()
            .map(|arn| Record::new().with("Arn", arn));
        let record = Record::new()
            .with("InstanceId", id)
            .with("ImageId", &instance.image)
            .with("InstanceType", &instance.kind)
            .with("KeyName", instance.key.clone())
            .with("LaunchTime", instance.launched)
            .with("State", Record::new().with("Code", code).with("Name", name))
            .with("StateReason", reason)
            .with(
                "Placement",
                Record::new().with("AvailabilityZone", &instance.zone),
            )
            // A terminated instance has lost its network.
            .with("SubnetId", there.then(|| instance.subnet.clone()))
            .with("VpcId", vpc.filter(|_| there))
            .with("PrivateIpAddress", there.then(|| instance.address.clone()))
            .with("PublicIpAddress", instance.public_address.clone())
            .with("IamInstanceProfile", profile)
            .with("MetadataOptions", instance.metadata.clone())
            .with("SecurityGroups", if there { groups } else { Vec::new() })
            .with("Tags", tag_set(&instance.tags));
        let reservation = Record::new()
            .with("ReservationId", id.replacen("i-", "r-", 1))
            .with("OwnerId", &region.account)
            .with("Instances", vec![record]);
        items.push((id.to_owned(), reservation));
    }
    let (reservations, next) = listed(region, input, items)?;
    Ok(Record::new()
        .with("Reservations", reservations)
        .with("NextToken", next))
}
