//! Plain resources: balancer, Redis, buckets, configuration … made, changed and deleted by name.

use std::collections::BTreeMap;

use ovo_model::{Outcome, Ownership, ProviderError, ResourceId, ResourceState, Scalar, Value};

use crate::deployment::{Shape, Thing};
use crate::ending::Ending;
use crate::event::Event;
use crate::execute::{Done, invalid};
use crate::ledger::{Blame, Harm};
use crate::world::{Dep, World};

/// Properties of a balancer whose change drops the connections that go through it.
const RELOADS: [&str; 4] = ["backends", "certificate", "domain", "engine"];

/// When a look at something that takes a while is worth it.
pub(crate) const LOOK_AGAIN: i64 = 5_000;

impl Thing {
    pub(crate) fn number(&self, property: &str) -> i64 {
        match self.properties.get(property) {
            Some(Scalar::Int(number)) => *number,
            _ => 0,
        }
    }

    /// A group's desired capacity follows its bounds, as `UpdateAutoScalingGroup` has it.
    fn fit_desired(&mut self, blame: &Blame) {
        let (desired, min, max) = (
            self.number("desired"),
            self.number("min"),
            self.number("max"),
        );
        let fits = desired.min(max).max(min);
        if fits != desired {
            self.properties
                .insert("desired".to_owned(), Scalar::Int(fits));
            self.shrunk = (fits < desired).then(|| blame.clone());
        }
    }
}

/// What a backend keeps of resolved properties: secrets by their digest.
fn scalars(
    properties: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Scalar>, ProviderError> {
    properties
        .iter()
        .map(|(name, value)| match value {
            Value::Known(scalar) => Ok((name.clone(), scalar.clone())),
            Value::Secret {
                digest: Some(digest),
                ..
            } => Ok((name.clone(), Scalar::Text(digest.0.clone()))),
            Value::Secret { key, digest: None } => {
                Err(invalid(name, &format!("{key} is not there")))
            }
            Value::OutputOf { .. } | Value::Planned => Err(invalid(name, "it was not resolved")),
        })
        .collect()
}

impl World {
    fn takes(&mut self, dep: Dep, id: &ResourceId) -> i64 {
        let timings = &self.config.timings;
        let span = match id.kind.as_str() {
            "Redis" => timings.slow_resource,
            "LoadBalancer" if self.deployment(dep).shape == Shape::Groups => timings.slow_resource,
            _ => timings.resource,
        };
        self.dep_mut(dep).draw.within(span)
    }

    pub(crate) fn create(
        &mut self,
        dep: Dep,
        id: &ResourceId,
        properties: &BTreeMap<String, Value>,
        blame: &Blame,
    ) -> Done {
        let properties = scalars(properties)?;
        if let Some(thing) = self.deployment(dep).things.get(id) {
            return match (&thing.ownership, &thing.state) {
                (Ownership::Foreign(owner), _) => {
                    Err(ProviderError::Conflict(format!("{id} belongs to {owner}")))
                }
                (Ownership::Unowned, _) => Err(ProviderError::Conflict(format!(
                    "{id} is there and is not ours"
                ))),
                (_, ResourceState::Deleting) => {
                    Err(ProviderError::Conflict(format!("{id} is being deleted")))
                }
                _ if thing.properties != properties => Err(ProviderError::Conflict(format!(
                    "{id} is there with other properties"
                ))),
                (_, ResourceState::Pending) => Ok(Outcome::InProgress {
                    look_again_in: LOOK_AGAIN,
                }),
                _ => Ok(Outcome::Done),
            };
        }
        let length = self.takes(dep, id);
        let version = self.serial();
        let thing = Thing {
            ownership: Ownership::Ours,
            state: ResourceState::Pending,
            properties,
            outputs: BTreeMap::new(),
            version,
            shrunk: None,
        };
        self.dep_mut(dep).things.insert(id.clone(), thing);
        if id.kind == "Group" {
            self.begin_ticks(dep);
        }
        if id.kind == "Config"
            && self
                .deployment(dep)
                .nodes
                .values()
                .any(crate::node::Node::counts)
        {
            self.restart_everything(dep, blame);
        }
        Ok(self.settle(dep, id, version, length))
    }

    fn settle(&mut self, dep: Dep, id: &ResourceId, version: u64, length: i64) -> Outcome {
        if length == 0 {
            self.resource_event(dep, id, version);
            return Outcome::Done;
        }
        self.put_after(length, Event::Resource(dep, id.clone(), version));
        Outcome::InProgress {
            look_again_in: length.min(LOOK_AGAIN),
        }
    }

    pub(crate) fn set(
        &mut self,
        dep: Dep,
        id: &ResourceId,
        properties: &BTreeMap<String, Value>,
        blame: &Blame,
    ) -> Done {
        let properties = scalars(properties)?;
        let Some(thing) = self.dep_mut(dep).things.get_mut(id) else {
            return Err(ProviderError::NotFound(id.to_string()));
        };
        if thing.state == ResourceState::Deleting {
            return Err(ProviderError::Conflict(format!("{id} is being deleted")));
        }
        let changed = properties
            .iter()
            .any(|(name, value)| thing.properties.get(name) != Some(value));
        if !changed {
            return Ok(Outcome::Done);
        }
        let drops = properties.iter().any(|(name, value)| {
            RELOADS.contains(&name.as_str()) && thing.properties.get(name) != Some(value)
        });
        thing.properties.extend(properties);
        if id.kind == "Group" {
            thing.fit_desired(blame);
        }
        if id.kind == "LaunchTemplate" {
            let version = match thing.outputs.get("version") {
                Some(Scalar::Int(version)) => version + 1,
                _ => 1,
            };
            thing
                .outputs
                .insert("version".to_owned(), Scalar::Int(version));
        }
        match id.kind.as_str() {
            "Config" => self.restart_everything(dep, blame),
            // TURN over TLS and signalling go through it.
            "LoadBalancer" if drops => self.break_all(dep, Ending::By(blame)),
            _ => {}
        }
        Ok(Outcome::Done)
    }

    pub(crate) fn delete(&mut self, dep: Dep, id: &ResourceId, blame: &Blame) -> Done {
        let Some(thing) = self.deployment(dep).things.get(id) else {
            return Ok(Outcome::Done);
        };
        if thing.state == ResourceState::Deleting {
            return Ok(Outcome::InProgress {
                look_again_in: LOOK_AGAIN,
            });
        }
        if id.kind == "Group" {
            let members = self
                .deployment(dep)
                .nodes
                .values()
                .filter(|n| n.instance().is_some_and(|i| i.group == *id))
                .count();
            if members > 0 {
                return Err(ProviderError::Conflict(format!(
                    "{id} still has {members} members"
                )));
            }
        }
        if id.kind == "Bucket" && !blame.allowed {
            self.harm(
                dep,
                Harm::BucketDeleted,
                format!("{}: {id} is gone", blame.step),
            );
        }
        if matches!(
            id.kind.as_str(),
            "Config" | "LoadBalancer" | "Redis" | "SecurityGroup"
        ) {
            self.break_all(dep, Ending::By(blame));
        }
        let length = self.takes(dep, id);
        let version = self.serial();
        if let Some(thing) = self.dep_mut(dep).things.get_mut(id) {
            thing.state = ResourceState::Deleting;
            thing.version = version;
        }
        Ok(self.settle(dep, id, version, length))
    }

    pub(crate) fn resource_event(&mut self, dep: Dep, id: &ResourceId, version: u64) {
        let deployment = self.dep_mut(dep);
        let infrastructure = deployment.id.clone();
        let Some(thing) = deployment
            .things
            .get_mut(id)
            .filter(|t| t.version == version)
        else {
            return;
        };
        if thing.state == ResourceState::Deleting {
            deployment.things.remove(id);
            return;
        }
        thing.state = ResourceState::Ready;
        for (name, value) in outputs(id, &infrastructure) {
            thing.outputs.insert(name.to_owned(), value);
        }
    }
}

/// What a ready resource tells others.
fn outputs(id: &ResourceId, infrastructure: &str) -> Vec<(&'static str, Scalar)> {
    let name = format!("{infrastructure}-{}", id.name);
    match id.kind.as_str() {
        "Bucket" => vec![("name", name.into())],
        "SecurityGroup" => vec![("id", format!("sg-{name}").into())],
        "Queue" => vec![("url", format!("https://queue.simulated/{name}.fifo").into())],
        "Redis" => vec![
            ("endpoint", format!("{name}.redis.simulated").into()),
            ("port", Scalar::Int(6379)),
        ],
        "LaunchTemplate" => vec![
            ("id", format!("lt-{name}").into()),
            ("version", Scalar::Int(1)),
        ],
        "LoadBalancer" => vec![("address", format!("{name}.balancer.simulated").into())],
        _ => Vec::new(),
    }
}
