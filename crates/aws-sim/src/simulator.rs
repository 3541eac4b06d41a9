//! What a test holds in its hand: the port, the clock, the switches, and the things that the user brings.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::calls::Call;
use crate::dispatch::State;
use crate::ec2::{Image, InstanceState, KeyPair, Subnet, Tags, Vpc};
use crate::faults::Faults;
use crate::region::Region;
use crate::server::Server;
use crate::settings::{Quotas, Timings};

/// The number of the account, of the range that AWS's documentation uses.
const ACCOUNT: &str = "111122223333";
/// Whose the published images are.
const PUBLISHER: &str = "444455556666";

/// A simulated account behind a port on loopback. The port closes when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    state: Arc<Mutex<State>>,
    server: Server,
}

/// What the simulator knows of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    /// Its id.
    pub id: String,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Its zone.
    pub zone: String,
    /// Its private address.
    pub address: String,
    /// The Auto Scaling group that it is a member of.
    pub group: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Simulator {
    /// An empty account with the default timings and quotas.
    ///
    /// # Errors
    /// Without a port or a thread.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Timings::default(), Quotas::default())
    }

    /// An empty account.
    ///
    /// # Errors
    /// Without a port or a thread.
    pub fn start_with(timings: Timings, quotas: Quotas) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State {
            account: ACCOUNT.to_owned(),
            // 2026-01-01T00:00:00Z: any would do, it must only be the same in every run.
            now: Timestamp::constant(1_767_225_600, 0),
            timings,
            quotas,
            regions: BTreeMap::new(),
            published: BTreeMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
        }));
        let server = Server::start(state.clone())?;
        Ok(Self { state, server })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panicking handler left behind is reported by the test that caused it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the SDKs find every service: their endpoint URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The account's number.
    pub fn account(&self) -> String {
        ACCOUNT.to_owned()
    }

    /// The time in the account.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Lets that much time pass: all that is due happens.
    pub fn advance(&self, by: Duration) {
        self.state().advance(by);
    }

    /// Changes the switches.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// What was asked so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Publishes an image in a region, as OpenVidu does. Gives its id.
    pub fn publish_image(&self, region: &str, name: &str) -> String {
        let mut state = self.state();
        let found = state.region(region);
        let (id, now) = (found.id("ami"), found.now());
        let image = Image {
            name: name.to_owned(),
            owner: PUBLISHER.to_owned(),
            available: true,
            created: now,
            source: None,
            snapshot: None,
            description: None,
            token: None,
            tags: Tags::new(),
        };
        found.images.insert(&id, image, now);
        let key = (region.to_owned(), id.clone());
        state.published.insert(key.clone(), name.to_owned());
        for region in state.regions.values_mut() {
            region.published.insert(key.clone(), name.to_owned());
        }
        id
    }

    /// A region, to bring things into and to look at.
    pub fn region(&self, name: &str) -> RegionHandle<'_> {
        RegionHandle {
            simulator: self,
            name: name.to_owned(),
        }
    }
}

/// A region of the account.
#[derive(Debug)]
pub struct RegionHandle<'a> {
    simulator: &'a Simulator,
    name: String,
}

impl RegionHandle<'_> {
    fn with<T>(&self, what: impl FnOnce(&mut Region) -> T) -> T {
        what(self.simulator.state().region(&self.name))
    }

    /// Brings a network. Gives its id.
    pub fn add_vpc(&self) -> String {
        self.with(|region| {
            let (id, now) = (region.id("vpc"), region.now());
            let vpc = Vpc {
                cidr: "10.0.0.0/16".to_owned(),
                tags: Tags::new(),
            };
            region.vpcs.insert(&id, vpc, now);
            id
        })
    }

    /// Brings a subnet in the zone of that letter. Gives its id.
    pub fn add_subnet(&self, vpc: &str, zone: char) -> String {
        self.with(|region| {
            let (id, now, number) = (region.id("subnet"), region.now(), region.subnets.len());
            let subnet = Subnet {
                vpc: vpc.to_owned(),
                net: format!("10.0.{number}"),
                zone: format!("{}{zone}", region.name),
                used: 0,
                tags: Tags::new(),
            };
            region.subnets.insert(&id, subnet, now);
            id
        })
    }

    /// Brings a key pair.
    pub fn add_key_pair(&self, name: &str) {
        self.with(|region| {
            let (id, now) = (region.id("key"), region.now());
            let pair = KeyPair {
                id,
                tags: Tags::new(),
            };
            region.key_pairs.insert(name, pair, now);
        });
    }

    /// Issues a certificate. Gives its ARN.
    pub fn add_certificate(&self) -> String {
        self.with(|region| {
            let id = region.uuid();
            let arn = region.arn("acm", &format!("certificate/{id}"));
            region.certificates.insert(arn.clone());
            arn
        })
    }

    /// Offers an instance type in the zones of these letters only.
    pub fn offer(&self, kind: &str, zones: &[char]) {
        self.with(|region| {
            let zones = zones
                .iter()
                .map(|zone| format!("{}{zone}", region.name))
                .collect();
            region.offerings.insert(kind.to_owned(), zones);
        });
    }

    /// Launches fail with this code of EC2, such as `InsufficientInstanceCapacity`; `None` ends that.
    pub fn fail_launches(&self, code: Option<&str>) {
        self.with(|region| region.launches_fail = code.map(str::to_owned));
    }

    /// What runs on an instance stops answering, or answers again.
    pub fn silence(&self, instance: &str, silent: bool) {
        self.with(|region| {
            if let Some(instance) = region.instances.get_mut(instance) {
                instance.silent = silent;
            }
        });
    }

    /// Somebody terminates an instance by hand.
    pub fn terminate(&self, instance: &str) {
        self.with(|region| {
            region.terminate(
                instance,
                "Client.UserInitiatedShutdown",
                "User initiated (by hand)",
            );
        });
    }

    /// The instances that EC2 still describes, in the order of their ids.
    pub fn instances(&self) -> Vec<InstanceView> {
        self.with(|region| {
            region
                .instances
                .iter()
                .map(|(id, instance)| InstanceView {
                    id: id.to_owned(),
                    state: instance.state,
                    zone: instance.zone.clone(),
                    address: instance.address.clone(),
                    group: region.group_of(id),
                    tags: instance.tags.clone(),
                })
                .collect()
        })
    }

    /// All that exists and was made by requests, by id, name or ARN: what would cost money or stand in the way.
    /// Terminated instances count as gone.
    pub fn leftovers(&self) -> Vec<String> {
        self.with(|region| {
            let instances = region
                .instances
                .iter()
                .filter(|(_, i)| i.state != InstanceState::Terminated);
            let mut all: Vec<String> = instances.map(|(id, _)| id.to_owned()).collect();
            all.extend(region.security_groups.keys());
            all.extend(region.templates.keys());
            let own = region
                .images
                .iter()
                .filter(|(_, i)| i.owner == region.account);
            all.extend(own.map(|(id, _)| id.to_owned()));
            all.extend(region.snapshots.keys());
            all.extend(region.interfaces.keys());
            all.extend(region.groups.keys());
            all.extend(region.balancers.keys());
            all.extend(region.target_groups.keys());
            all.extend(region.clusters.keys());
            all.extend(region.replication_groups.keys());
            all.extend(region.subnet_groups.keys());
            all
        })
    }
}
