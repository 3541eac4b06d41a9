//! What a provider sees of a deployment.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_model::{
    Container, MediaState, Observation, ObservedNode, ObservedResource, Ownership, Presence,
    ResourceId, ResourceState, Scalar, Scope, SignalMarker,
};

use crate::deployment::{Deployment, Shape, Thing};
use crate::node::{Body, Machine, Node, Phase, Power};
use crate::world::{Dep, World};

/// The scope in which a resource is seen.
pub fn scope_of(id: &ResourceId) -> Scope {
    match id.kind.as_str() {
        "Machine" => Scope(format!("machine/{}", id.name)),
        "Redis" => "state".into(),
        "Config" => "config".into(),
        "LoadBalancer" => "balancer".into(),
        "Group" | "LaunchTemplate" => Scope(id.name.clone()),
        _ => "foundation".into(),
    }
}

impl World {
    /// What there is, scope by scope, of the scopes that are wanted.
    pub fn observe(
        &self,
        dep: Dep,
        wants: &dyn Fn(&Scope) -> bool,
    ) -> BTreeMap<Scope, Observation> {
        let deployment = self.deployment(dep);
        let mut seen = BTreeMap::new();
        let throttled = deployment
            .trouble
            .throttled_until
            .is_some_and(|until| until > self.now());
        let fixed: &[&str] = match deployment.shape {
            Shape::Groups => &[
                "foundation",
                "state",
                "config",
                "masters",
                "balancer",
                "media",
            ],
            Shape::Machines => &["config", "balancer"],
        };
        for name in fixed {
            let scope = Scope::from(*name);
            if wants(&scope) {
                let known = || Observation::Known {
                    resources: BTreeMap::new(),
                    nodes: BTreeMap::new(),
                };
                seen.insert(
                    scope,
                    if throttled {
                        Observation::unknown("throttled")
                    } else {
                        known()
                    },
                );
            }
        }
        for (id, thing) in &deployment.things {
            if let Some(Observation::Known { resources, .. }) = seen.get_mut(&scope_of(id)) {
                resources.insert(id.clone(), thing.observed(id));
            }
        }
        let serve = deployment.masters_serve();
        let slow = deployment
            .trouble
            .redis_slow_until
            .is_some_and(|until| until > self.now());
        for node in deployment.nodes.values() {
            match &node.body {
                Body::Instance(instance) => {
                    if let Some(Observation::Known { nodes, .. }) =
                        seen.get_mut(&Scope::from(instance.group.name.as_str()))
                    {
                        nodes.insert(
                            node.name.clone(),
                            self.observed_node(deployment, node, serve, slow),
                        );
                    }
                }
                Body::Machine(machine) => {
                    let scope = Scope(format!("machine/{}", node.name));
                    if wants(&scope) {
                        let observation = if throttled {
                            Observation::unknown("too many sessions at once")
                        } else if node.power == Power::On {
                            self.observed_machine(deployment, node, machine, serve, slow)
                        } else {
                            Observation::unknown(format!("{} does not answer", node.name))
                        };
                        seen.insert(scope, observation);
                    }
                }
            }
        }
        seen
    }

    fn observed_machine(
        &self,
        deployment: &Deployment,
        node: &Node,
        machine: &Machine,
        serve: bool,
        slow: bool,
    ) -> Observation {
        let mut resources = BTreeMap::new();
        if machine.touched() {
            let id = ResourceId::new("Machine", &*node.name.0);
            let mut properties =
                BTreeMap::from([("serving".to_owned(), Scalar::Bool(machine.unit.active))]);
            if let Some(digest) = &machine.installed {
                properties.insert("installed".to_owned(), Scalar::Text(digest.clone()));
            }
            let ownership = match machine.owner.as_deref() {
                Some(owner) if *owner == *deployment.id => Ownership::Ours,
                Some(owner) => Ownership::Foreign(owner.to_owned()),
                None => Ownership::Unowned,
            };
            let progress = machine.job.as_ref().map(|(_, begun, over)| {
                let whole = over.since(*begun).max(1);
                format!("installing, {} %", self.now().since(*begun) * 100 / whole)
            });
            let state = match (&machine.job, &machine.failed, &machine.installed) {
                (None, Some(words), _) => ResourceState::Failed(words.clone()),
                (None, None, Some(_)) => ResourceState::Ready,
                _ => ResourceState::Pending,
            };
            let outputs =
                BTreeMap::from([("address".to_owned(), Scalar::Text(node.address.to_string()))]);
            resources.insert(
                id.clone(),
                ObservedResource {
                    id,
                    ownership,
                    state,
                    properties,
                    outputs,
                    progress,
                },
            );
        }
        let nodes = BTreeMap::from([(
            node.name.clone(),
            self.observed_node(deployment, node, serve, slow),
        )]);
        Observation::Known { resources, nodes }
    }

    fn observed_node(
        &self,
        deployment: &Deployment,
        node: &Node,
        serve: bool,
        slow: bool,
    ) -> ObservedNode {
        let (mut group, mut protected, mut unit, mut containers, mut version) =
            (None, None, None, None, None);
        let presence = match &node.body {
            Body::Instance(instance) => {
                group = Some(instance.group.clone());
                protected = Some(instance.protected);
                match instance.phase {
                    Phase::Pending | Phase::LaunchHook => Presence::Pending,
                    Phase::InService => Presence::Running,
                    Phase::Terminating => Presence::Terminating,
                }
            }
            Body::Machine(machine) => {
                unit = Some(machine.unit);
                version.clone_from(&machine.installed);
                containers = Some(
                    machine
                        .processes
                        .iter()
                        .map(|p| Container {
                            name: p.is.name.clone(),
                            id: p.is.id.clone(),
                            started_at: p.is.started_at.clone(),
                            running: p.running,
                            drained: p.drained,
                            revived_by_engine: self.config.engine_revives,
                            marker: Self::marker(&machine.markers, &p.is).map(|at| SignalMarker {
                                age_ms: self.now().since(at),
                            }),
                        })
                        .collect(),
                );
                Presence::Running
            }
        };
        let media = match (node.role, deployment.shape) {
            (Role::Media, Shape::Machines) if slow && node.media_state() != MediaState::Absent => {
                MediaState::Unknown
            }
            (Role::Media, _) => node.media_state(),
            _ if !deployment.master_runs(node) => MediaState::Absent,
            _ if serve => MediaState::Serving,
            _ => MediaState::Launching,
        };
        let healthy = node.is_up()
            && !slow
            && match (node.role, &node.body) {
                (Role::Media, Body::Machine(_)) => {
                    matches!(media, MediaState::Serving | MediaState::Closed) && serve
                }
                (_, Body::Instance(instance)) => {
                    instance.up && instance.phase != Phase::Terminating
                }
                _ => serve && deployment.master_runs(node),
            };
        ObservedNode {
            name: node.name.clone(),
            role: node.role,
            group,
            presence,
            protected,
            unit,
            containers,
            media,
            healthy,
            boot_id: format!("{}-{}", node.name, node.boots),
            address: node.address.to_string(),
            zone: node.zone.as_ref().map(ToString::to_string),
            version,
            epoch: node.machine().map_or(0, |machine| machine.epoch),
            // A simulated machine has everything that it takes.
            preflight: None,
        }
    }
}

impl Thing {
    fn observed(&self, id: &ResourceId) -> ObservedResource {
        ObservedResource {
            id: id.clone(),
            ownership: self.ownership.clone(),
            state: self.state.clone(),
            properties: self.properties.clone(),
            outputs: self.outputs.clone(),
            progress: None,
        }
    }
}
