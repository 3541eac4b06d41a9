//! A small operator for tests: no planner, only steps by name.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use ovo_api::OpenViduCluster;
use ovo_api::act::{ActKind, Cuts, Role};
use ovo_model::{
    Cause, ContainerRef, Executor, NodeName, Observation, ObservedNode, Op, Outcome, ProviderError,
    ResourceId, ResourceState, Scalar, Scope, SecretDigest, Step, Value, Wall,
};
use ovo_provider::{Call, Media, NoSecrets, NodeAnswers, Provider, ScopeChoice, Target};
use ovo_provider_sim::{SimDoor, SimMedia, SimProvider};
use ovo_world::{Script, World, WorldConfig};

pub const ID: &str = "abcd1234";

/// A hand on one simulated cluster.
pub struct Hand {
    pub provider: SimProvider,
    pub media: SimMedia,
    pub target: Target,
}

pub fn v3(media: usize) -> OpenViduCluster {
    let mut machines: Vec<_> = (1..=4)
        .map(|n| serde_json::json!({"name": format!("m{n}"), "role": "Master", "address": format!("10.0.0.{n}")}))
        .collect();
    machines.extend((1..=media).map(
        |n| serde_json::json!({"name": format!("w{n}"), "role": "Media", "address": format!("10.0.1.{n}")}),
    ));
    cluster(&serde_json::json!({
        "version": "3.8.0", "topology": "HighAvailability", "domainName": "meet.example.org",
        "license": {"secretKeyRef": {"name": "license", "key": "key"}},
        "media": {"min": 1, "max": media},
        "infrastructure": {"onPrem": {
            "ssh": {"user": "ops", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "key"}}},
            "machines": machines,
        }},
    }))
}

pub fn v2() -> OpenViduCluster {
    cluster(&serde_json::json!({
        "version": "2.32.2", "topology": "HighAvailability", "domainName": "meet.example.org",
        "license": {"secretKeyRef": {"name": "license", "key": "key"}},
        "masters": {"min": 1, "max": 4, "desired": 2},
        "media": {"min": 1, "max": 8},
        "infrastructure": {"aws": {"region": "eu-west-1", "vpcID": "vpc-1", "subnetIDs": ["subnet-1", "subnet-2"]}},
    }))
}

fn cluster(spec: &serde_json::Value) -> OpenViduCluster {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "openvidu.io/v1alpha1", "kind": "OpenViduCluster",
        "metadata": {"name": "meet", "namespace": "video", "annotations": {"openvidu.io/infrastructure-id": ID}},
        "spec": spec,
    }))
    .expect("the test's own cluster")
}

pub fn step(op: Op, act: ActKind) -> Step {
    Step {
        id: op.id(),
        op,
        act,
        role: None,
        cuts: Cuts::Nothing,
        cause: Cause::ScaleIn,
        reason: "test".to_owned(),
        executor: Executor::Provider,
    }
}

impl Hand {
    pub fn new(cluster: OpenViduCluster, config: WorldConfig) -> Self {
        Self::at(SimDoor::new(World::new(7, config)), cluster)
    }

    pub fn at(door: SimDoor, cluster: OpenViduCluster) -> Self {
        let profile = cluster.spec.profile().expect("a supported profile");
        let target = Target {
            cluster: Arc::new(cluster),
            profile,
            infrastructure_id: ID.into(),
        };
        Self {
            provider: SimProvider::new(door.clone()),
            media: SimMedia::new(door),
            target,
        }
    }

    pub fn door(&self) -> &SimDoor {
        self.provider.door()
    }

    pub fn wait(&self, seconds: i64) {
        let now = self.door().look(World::now);
        self.door().advance_to(Wall(now.0 + seconds * 1000));
    }

    /// `None`: the call never came back.
    pub fn try_observe(&self, scopes: &ScopeChoice) -> Option<BTreeMap<Scope, Observation>> {
        self.provider.observe(&self.target, scopes).now_or_never()
    }

    pub fn observe(&self) -> BTreeMap<Scope, Observation> {
        self.try_observe(&ScopeChoice::All)
            .expect("nothing holds it")
    }

    pub fn nodes(&self) -> BTreeMap<NodeName, ObservedNode> {
        self.observe()
            .into_values()
            .filter_map(|o| match o {
                Observation::Known { nodes, .. } => Some(nodes),
                Observation::Unknown { .. } => None,
            })
            .flatten()
            .collect()
    }

    pub fn node(&self, name: &str) -> ObservedNode {
        self.nodes()
            .remove(&NodeName::from(name))
            .unwrap_or_else(|| panic!("{name} was not seen"))
    }

    pub fn try_run(&self, op: Op, act: ActKind) -> Option<Result<Outcome, ProviderError>> {
        self.run_step(&step(op, act))
    }

    pub fn run_step(&self, step: &Step) -> Option<Result<Outcome, ProviderError>> {
        let call = Call {
            secrets: &NoSecrets,
            epoch: 1,
        };
        self.provider
            .execute(&self.target, step, call)
            .now_or_never()
    }

    pub fn run(&self, op: Op, act: ActKind) -> Outcome {
        self.try_run(op, act)
            .expect("nothing holds it")
            .expect("the step goes well")
    }

    pub fn read(&self, name: &str) -> NodeAnswers {
        let mut node = None;
        for (found, observed) in self.nodes() {
            if &*found.0 == name {
                node = Some(observed);
            }
        }
        let node = node.unwrap_or_else(|| panic!("{name} was not seen"));
        let mut answers = self
            .media
            .read(&self.target, &[&node], &NoSecrets)
            .now_or_never()
            .expect("nothing holds it");
        answers.nodes.remove(&node.name).unwrap_or_default()
    }

    pub fn script(&self, script: Script) {
        self.door().script(ID, script).expect("no journal to fail");
    }

    pub fn install(&self, machine: &str) -> Outcome {
        let desired = self
            .provider
            .desired(&self.target.cluster, self.target.profile)
            .unwrap();
        let id = ResourceId::new("Machine", machine);
        let resource = desired
            .iter()
            .find(|r| r.id == id)
            .expect("the machine is wanted");
        let installed = resource.properties["installed"].value.clone();
        let properties = BTreeMap::from([("installed".to_owned(), installed)]);
        self.run(
            Op::Set {
                resource: id,
                call: "Install".to_owned(),
                properties,
            },
            ActKind::Install,
        )
    }

    pub fn start(&self, machine: &str) -> Outcome {
        self.run(
            Op::Start {
                node: machine.into(),
            },
            ActKind::Start,
        )
    }

    pub fn refs(&self, machine: &str) -> Vec<ContainerRef> {
        self.node(machine)
            .running_drained()
            .unwrap()
            .map(ovo_model::Container::reference)
            .collect()
    }

    pub fn signal(&self, machine: &str) -> Outcome {
        let containers = self.refs(machine);
        self.run(
            Op::Signal {
                node: machine.into(),
                containers,
            },
            ActKind::Signal,
        )
    }

    pub fn stop(&self, machine: &str) -> Outcome {
        self.run(
            Op::Stop {
                node: machine.into(),
            },
            ActKind::End,
        )
    }

    /// Brings a v3 cluster up, its first `serving` media machines serving.
    pub fn up(&self, serving: usize) {
        self.observe();
        let machines: Vec<_> = self
            .nodes()
            .into_values()
            .map(|n| (n.name.to_string(), n.role))
            .collect();
        for (name, _) in &machines {
            self.install(name);
        }
        self.wait(300);
        for (name, _) in machines.iter().filter(|(_, role)| *role == Role::Master) {
            self.start(name);
        }
        for (name, _) in machines
            .iter()
            .filter(|(_, role)| *role == Role::Media)
            .take(serving)
        {
            self.start(name);
        }
        self.wait(120);
    }

    pub fn set_capacity(&self, group: &str, from: i64, to: i64) -> Result<Outcome, ProviderError> {
        let act = if to < from {
            ActKind::Shrink
        } else {
            ActKind::Grow
        };
        self.try_run(
            Op::SetCapacity {
                group: ResourceId::new("Group", group),
                from,
                to,
            },
            act,
        )
        .unwrap()
    }

    /// Creates everything that a v2 cluster wants, with this many media nodes.
    pub fn up_v2(&self, media: i64) {
        let desired = self
            .provider
            .desired(&self.target.cluster, self.target.profile)
            .unwrap();
        let mut seen = self.resources();
        let mut rounds = 0;
        while desired
            .iter()
            .any(|r| seen.get(&r.id).is_none_or(|s| s.0 != ResourceState::Ready))
        {
            rounds += 1;
            assert!(rounds < 100, "not everything became ready");
            for resource in desired.iter().filter(|r| !seen.contains_key(&r.id)) {
                let ready =
                    |id: &ResourceId| seen.get(id).is_some_and(|s| s.0 == ResourceState::Ready);
                if !resource.after.iter().all(ready) {
                    continue;
                }
                let properties = resource
                    .properties
                    .iter()
                    .map(|(name, property)| {
                        (
                            name.clone(),
                            resolved(&property.value, &seen, &resource.id, media),
                        )
                    })
                    .collect();
                let call = resource.create.clone().unwrap();
                self.try_run(
                    Op::Create {
                        resource: resource.id.clone(),
                        call,
                        properties,
                    },
                    ActKind::Create,
                )
                .unwrap()
                .unwrap();
            }
            self.wait(30);
            seen = self.resources();
        }
        self.wait(600);
    }

    pub fn resources(&self) -> BTreeMap<ResourceId, (ResourceState, BTreeMap<String, Scalar>)> {
        self.observe()
            .into_values()
            .filter_map(|o| match o {
                Observation::Known { resources, .. } => Some(resources),
                Observation::Unknown { .. } => None,
            })
            .flatten()
            .map(|(id, r)| (id, (r.state, r.outputs)))
            .collect()
    }
}

fn resolved(
    value: &Value,
    seen: &BTreeMap<ResourceId, (ResourceState, BTreeMap<String, Scalar>)>,
    id: &ResourceId,
    media: i64,
) -> Value {
    match value {
        Value::Known(_) => value.clone(),
        Value::Secret { key, .. } => Value::Secret {
            key: key.clone(),
            digest: Some(SecretDigest("d1".to_owned())),
        },
        Value::OutputOf { resource, output } => Value::Known(seen[resource].1[output].clone()),
        Value::Planned => Value::Known(Scalar::Int(if id.name == "masters" { 2 } else { media })),
    }
}
