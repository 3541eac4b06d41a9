//! The snapshot, put in the order in which the planner asks.

use std::collections::BTreeMap;

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::annotations;
use ovo_api::node::{NodePhase, OpenViduNode};
use ovo_api::profile::NodeSource;
use ovo_api::{OpenViduClusterSpec, OpenViduClusterStatus};
use ovo_model::{
    Cause, Executor, NodeName, NodeReadings, Observation, ObservedNode, ObservedResource, Op,
    Ownership, Resource, ResourceId, ResourceState, Scalar, Scope, Snapshot, Step,
};

use crate::bugs::{Bug, Bugs};

/// All that is known of one node.
pub(crate) struct NodeView<'a> {
    pub(crate) name: NodeName,
    /// Its place in the order of all nodes.
    pub(crate) place: usize,
    pub(crate) role: Role,
    /// Listed in the spec, or a member of one of our groups.
    pub(crate) listed: bool,
    /// Whether the scope in which it is seen was read whole.
    pub(crate) known: bool,
    pub(crate) record: Option<&'a OpenViduNode>,
    pub(crate) observed: Option<&'a ObservedNode>,
    /// What is installed on it, for machines.
    pub(crate) machine: Option<&'a ObservedResource>,
    pub(crate) readings: Option<&'a NodeReadings>,
}

impl NodeView<'_> {
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.record?
            .metadata
            .annotations
            .as_ref()?
            .get(name)
            .map(String::as_str)
    }

    /// Forced by a person who typed the record's own name.
    pub(crate) fn forced(&self) -> bool {
        let name = self.record.and_then(|r| r.metadata.name.as_deref());
        name.is_some() && self.annotation(annotations::FORCE) == name
    }

    pub(crate) fn protected_by_user(&self) -> bool {
        self.annotation(annotations::PROTECT) == Some("true")
    }

    pub(crate) fn deleted_by_user(&self) -> bool {
        self.record
            .is_some_and(|r| r.metadata.deletion_timestamp.is_some())
    }

    pub(crate) fn phase(&self) -> NodePhase {
        self.record
            .and_then(|r| r.status.as_ref())
            .map(|s| s.phase)
            .unwrap_or_default()
    }
}

/// The snapshot, indexed.
pub(crate) struct View<'a> {
    pub(crate) snap: &'a Snapshot,
    pub(crate) spec: &'a OpenViduClusterSpec,
    pub(crate) status: &'a OpenViduClusterStatus,
    pub(crate) nodes: BTreeMap<NodeName, NodeView<'a>>,
    pub(crate) resources: BTreeMap<&'a ResourceId, &'a ObservedResource>,
    /// Everything was read whole.
    pub(crate) complete: bool,
    pub(crate) bugs: Bugs,
}

impl<'a> View<'a> {
    pub(crate) fn new(snap: &'a Snapshot, status: &'a OpenViduClusterStatus, bugs: Bugs) -> Self {
        let mut resources = BTreeMap::new();
        for observation in snap.observed.values() {
            if let Observation::Known {
                resources: list, ..
            } = observation
            {
                resources.extend(list);
            }
        }
        let mut view = Self {
            snap,
            spec: &snap.cluster.spec,
            status,
            nodes: BTreeMap::new(),
            resources,
            complete: false,
            bugs,
        };
        view.complete = snap.desired.iter().all(|r| view.scope_known(&r.scope))
            && snap.observed.values().all(Observation::is_known);
        view.nodes = view.index_nodes();
        view
    }

    fn index_nodes(&self) -> BTreeMap<NodeName, NodeView<'a>> {
        let snap = self.snap;
        let mut nodes: BTreeMap<NodeName, NodeView<'a>> = BTreeMap::new();
        let blank = |name: &NodeName, role| NodeView {
            name: name.clone(),
            place: 0,
            role,
            listed: false,
            known: false,
            record: None,
            observed: None,
            machine: None,
            readings: snap.readings.get(name),
        };
        for node in snap.observed_nodes() {
            nodes.insert(
                node.name.clone(),
                NodeView {
                    observed: Some(node),
                    listed: node.group.is_some(),
                    known: true,
                    ..blank(&node.name, node.role)
                },
            );
        }
        for (name, record) in &snap.nodes {
            nodes
                .entry(name.clone())
                .or_insert_with(|| blank(name, record.spec.role))
                .record = Some(record);
        }
        for resource in snap.desired.iter().filter(|r| r.id.kind == MACHINE) {
            let (name, role) = (
                NodeName::from(resource.id.name.as_str()),
                resource.role.unwrap_or(Role::Media),
            );
            let node = nodes
                .entry(name.clone())
                .or_insert_with(|| blank(&name, role));
            node.listed = true;
            node.role = role;
        }
        for resource in self.resources.values().filter(|r| r.id.kind == MACHINE) {
            if let Some(node) = nodes.get_mut(resource.id.name.as_str())
                && resource.ownership == Ownership::Ours
            {
                node.machine = Some(resource);
            }
        }
        let machines = snap.profile.nodes == NodeSource::Machines;
        for (place, (name, node)) in nodes.iter_mut().enumerate() {
            node.place = place;
            if node.observed.is_none() {
                node.known = if machines {
                    match snap.observed.get(&machine_scope(name)) {
                        Some(observation) => observation.is_known(),
                        // A provider answers for every listed machine, and for every other one that is ours.
                        None => !node.listed && self.complete,
                    }
                } else {
                    self.group(node.role)
                        .is_some_and(|g| self.scope_known(&g.scope))
                };
            }
        }
        nodes
    }

    pub(crate) fn scope_known(&self, scope: &Scope) -> bool {
        self.snap
            .observed
            .get(scope)
            .is_some_and(Observation::is_known)
    }

    /// The group of a role, where nodes come from groups.
    pub(crate) fn group(&self, role: Role) -> Option<&'a Resource> {
        self.snap
            .desired
            .iter()
            .find(|r| r.id.kind == GROUP && r.role == Some(role))
    }

    pub(crate) fn role(&self, role: Role) -> impl Iterator<Item = &NodeView<'a>> {
        self.nodes.values().filter(move |n| n.role == role)
    }

    /// An observed resource that is ours.
    pub(crate) fn ours(&self, id: &ResourceId) -> Option<&'a ObservedResource> {
        self.resources
            .get(id)
            .copied()
            .filter(|r| r.ownership == Ownership::Ours || self.bugs.has(Bug::WrongOwner))
    }

    /// There, ours and ready.
    pub(crate) fn ready(&self, id: &ResourceId) -> bool {
        self.ours(id)
            .is_some_and(|r| r.state == ResourceState::Ready)
    }

    pub(crate) fn deleting(&self) -> bool {
        self.snap.cluster.metadata.deletion_timestamp.is_some()
    }

    /// Deleted, and not protected from it.
    pub(crate) fn tearing_down(&self) -> bool {
        self.deleting() && !self.spec.deletion.protected()
    }

    /// Whether the user changed the spec since the last status.
    pub(crate) fn changed_by_user(&self) -> bool {
        self.status.observed_generation != self.snap.cluster.metadata.generation
    }

    /// A step with what follows from its content.
    pub(crate) fn step(
        &self,
        op: Op,
        act: ActKind,
        role: Option<Role>,
        cause: Cause,
        reason: String,
    ) -> Step {
        let executor = match op {
            Op::GenerateCredentials { .. } => Executor::Store,
            Op::Close { .. } | Op::Reopen { .. } => Executor::Media,
            _ => Executor::Provider,
        };
        let cuts = if self.bugs.has(Bug::WrongCuts) {
            Cuts::Nothing
        } else {
            self.snap.profile.cuts(act, role)
        };
        Step {
            id: op.id(),
            op,
            act,
            role,
            cuts,
            cause,
            reason,
            executor,
        }
    }

    /// The value of an observed property.
    pub(crate) fn property(&self, id: &ResourceId, name: &str) -> Option<&'a Scalar> {
        self.ours(id)?.properties.get(name)
    }
}

/// The scope in which a machine is seen.
pub(crate) fn machine_scope(name: &NodeName) -> Scope {
    Scope(format!("machine/{name}"))
}

/// Kind of the resources that stand for machines.
pub(crate) const MACHINE: &str = "Machine";
/// Kind of the resources that launch and end instances.
pub(crate) const GROUP: &str = "Group";
