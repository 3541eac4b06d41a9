//! The world itself: its clock, and who handles what happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_model::{Millis, NodeName, Wall};
use serde::{Deserialize, Serialize};

use crate::config::WorldConfig;
use crate::deployment::{Deployment, Sight};
use crate::draw::Draw;
use crate::event::Event;
use crate::ledger::{Blame, Harm, Ledger};
use crate::node::{Body, Machine, Node, Power};
use crate::queue::Queue;

/// Which deployment of a world. Good for as long as the world is: deployments never leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dep(usize);

/// A simulated world. See the [crate](crate)'s words on what it is and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    pub(crate) config: WorldConfig,
    pub(crate) seed: u64,
    now: Wall,
    pub(crate) queue: Queue,
    names: BTreeMap<Arc<str>, Dep>,
    deployments: Vec<Deployment>,
    pub(crate) adversary: Draw,
    pub(crate) ledger: Ledger,
    /// Counts what must never have the same name twice: lives, starts, ids.
    serial: u64,
    /// Counts placed rooms: what came before and after what.
    pub(crate) placed: u64,
}

impl World {
    /// An empty world.
    pub fn new(seed: u64, config: WorldConfig) -> Self {
        Self {
            seed,
            now: config.start,
            queue: Queue::default(),
            names: BTreeMap::new(),
            deployments: Vec::new(),
            adversary: Draw::of(seed, "adversary", 0),
            ledger: Ledger::default(),
            serial: 0,
            placed: 0,
            config,
        }
    }

    /// Its time.
    pub const fn now(&self) -> Wall {
        self.now
    }

    /// How it is made up.
    pub const fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// When something happens next by itself.
    pub fn next_event(&self) -> Option<Wall> {
        self.queue.next()
    }

    /// Lets everything happen up to and at this time. A time that has passed changes nothing.
    pub fn advance_to(&mut self, until: Wall) {
        while let Some((at, event)) = self.queue.take(until) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(until);
    }

    /// The oracle's book.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Counts the rooms placed so far: a look at the world remembers it, and what was placed later was not
    /// seen.
    pub const fn mark(&self) -> u64 {
        self.placed
    }

    /// The deployment of this infrastructure id, if anything was ever seen of it.
    pub fn find(&self, infrastructure_id: &str) -> Option<Dep> {
        self.names.get(infrastructure_id).copied()
    }

    /// The id of a deployment that exists and is this owner's (`namespace/name`), other than the given one.
    pub fn elsewhere(&self, owner: &str, infrastructure_id: &str) -> Option<&str> {
        self.deployments
            .iter()
            .filter(|d| d.owner.as_deref() == Some(owner) && *d.id != *infrastructure_id)
            .find(|d| !d.leftovers().is_empty())
            .map(|d| &*d.id)
    }

    /// All deployments.
    pub fn deployments(&self) -> impl Iterator<Item = (Dep, &Deployment)> {
        self.deployments
            .iter()
            .enumerate()
            .map(|(i, d)| (Dep(i), d))
    }

    /// A deployment.
    #[expect(
        clippy::indexing_slicing,
        reason = "a Dep is only made for a deployment, and none ever leaves"
    )]
    pub fn deployment(&self, dep: Dep) -> &Deployment {
        &self.deployments[dep.0]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a Dep is only made for a deployment, and none ever leaves"
    )]
    pub(crate) fn dep_mut(&mut self, dep: Dep) -> &mut Deployment {
        &mut self.deployments[dep.0]
    }

    /// Both the deployment and the queue, which its changes put events into.
    #[expect(
        clippy::indexing_slicing,
        reason = "a Dep is only made for a deployment, and none ever leaves"
    )]
    pub(crate) fn split(&mut self, dep: Dep) -> (&mut Deployment, &mut Queue) {
        (&mut self.deployments[dep.0], &mut self.queue)
    }

    pub(crate) fn node(&self, dep: Dep, node: &NodeName) -> Option<&Node> {
        self.deployment(dep).nodes.get(node)
    }

    pub(crate) fn node_mut(&mut self, dep: Dep, node: &NodeName) -> Option<&mut Node> {
        self.dep_mut(dep).nodes.get_mut(node)
    }

    pub(crate) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn after(&self, length: Millis) -> Wall {
        Wall(self.now.0 + length)
    }

    pub(crate) fn put_after(&mut self, length: Millis, event: Event) {
        self.queue.put(Wall(self.now.0 + length), event);
    }

    pub(crate) fn harm(&mut self, dep: Dep, harm: Harm, words: String) {
        let id = self.deployment(dep).id.clone();
        let now = self.now;
        self.ledger.harm(now, &id, harm, words);
    }

    /// Whether this sight tells something new.
    pub fn is_new(&self, sight: &Sight) -> bool {
        self.find(&sight.deployment).is_none_or(|dep| {
            let deployment = self.deployment(dep);
            deployment.limit != sight.limit
                || deployment.owner != sight.owner
                || sight
                    .machines
                    .iter()
                    .any(|m| !deployment.nodes.contains_key(&m.name))
        })
    }

    /// Makes a deployment known: its machines exist from now on, powered on and idle.
    pub fn sight(&mut self, sight: &Sight) -> Dep {
        let dep = self.find(&sight.deployment).unwrap_or_else(|| {
            let dep = Dep(self.deployments.len());
            self.deployments
                .push(Deployment::new(sight, self.seed, self.now));
            self.names.insert(sight.deployment.clone(), dep);
            self.begin_days(dep);
            self.begin_faults(dep);
            dep
        });
        let deployment = self.dep_mut(dep);
        deployment.limit = sight.limit;
        deployment.owner.clone_from(&sight.owner);
        for machine in &sight.machines {
            deployment
                .nodes
                .entry(machine.name.clone())
                .or_insert_with(|| Node {
                    name: machine.name.clone(),
                    role: machine.role,
                    address: machine.address.clone(),
                    zone: None,
                    power: Power::On,
                    boots: 1,
                    life: 0,
                    body: Body::Machine(Machine::default()),
                });
        }
        dep
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Day(dep, day) => self.announce_day(dep, day),
            Event::Arrive(dep, room) => self.arrive(dep, room),
            Event::Retry(dep) => self.retry(dep),
            Event::Room(dep, room, what) => self.room_event(dep, room, what),
            Event::Node(dep, node, life, what) => {
                if self.node(dep, &node).is_some_and(|n| n.life == life) {
                    self.node_event(dep, &node, &what);
                }
            }
            Event::Resource(dep, resource, version) => self.resource_event(dep, &resource, version),
            Event::GroupsTick(dep) => self.groups_tick(dep),
            Event::MastersTick(dep) => self.masters_tick(dep),
            Event::FaultHour(dep, hour) => self.draw_faults(dep, hour),
            Event::Fault(dep, fault) => self.befall(dep, &fault),
        }
    }

    /// Watches the number of media nodes; called whenever one comes up.
    pub(crate) fn count_nodes(&mut self, dep: Dep, words: &str) {
        let deployment = self.deployment(dep);
        let up = u32::try_from(deployment.nodes.values().filter(|n| n.counts()).count())
            .unwrap_or(u32::MAX);
        let over = deployment.limit.filter(|limit| up > *limit);
        self.ledger.most_nodes = self.ledger.most_nodes.max(up);
        if let Some(limit) = over {
            self.harm(
                dep,
                Harm::OverLimit,
                format!("{words}: {up} media nodes, {limit} allowed"),
            );
        }
    }

    pub(crate) const fn count_step(&mut self) {
        self.ledger.executed += 1;
    }

    /// Remembers a closing on our behalf, and whether a room slipped in since our last look.
    pub(crate) fn count_closing(&mut self, dep: Dep, node: &NodeName, blame: &Blame) {
        let raced = self
            .deployment(dep)
            .rooms_on(node)
            .any(|room| room.placed > blame.looked);
        self.ledger.drains_begun += 1;
        self.ledger.closings_raced += u64::from(raced);
    }
}
