//! The snapshot, put in the order in which the planner asks.

use std::collections::{BTreeMap, btree_map};

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
    /// The cluster object was deleted, whatever comes of that.
    pub(crate) cluster_goes: bool,
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

    /// A person deleted this one record. Where the whole cluster is being deleted, the garbage collector deletes all
    /// records too (foreground cascade, the end of a namespace), and nobody asked for a replacement.
    pub(crate) fn deleted_by_user(&self) -> bool {
        !self.cluster_goes
            && self
                .record
                .is_some_and(|r| r.metadata.deletion_timestamp.is_some())
    }

    pub(crate) fn phase(&self) -> NodePhase {
        self.record
            .and_then(|r| r.status.as_ref())
            .map(|s| s.phase)
            .unwrap_or_default()
    }
}

/// A resource that should be, and what was seen of it.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'a> {
    pub(crate) resource: &'a Resource,
    /// Whether its scope was read whole.
    pub(crate) known: bool,
    /// What is there under its kind and name, whoever's it is.
    pub(crate) found: Option<&'a ObservedResource>,
}

impl Declared<'_> {
    fn is_machine(&self) -> bool {
        self.resource.id.kind == MACHINE
    }
}

/// A map that is read side by side with another one of the same order.
struct Beside<'a, V>(std::iter::Peekable<btree_map::Iter<'a, NodeName, V>>);

impl<'a, V> Beside<'a, V> {
    fn of(map: &'a BTreeMap<NodeName, V>) -> Self {
        Self(map.iter().peekable())
    }

    /// The value under this name, if there is one. Names are asked for in order.
    fn at(&mut self, name: &NodeName) -> Option<&'a V> {
        while self.0.next_if(|(key, _)| *key < name).is_some() {}
        self.0
            .next_if(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// The snapshot, indexed.
pub(crate) struct View<'a> {
    pub(crate) snap: &'a Snapshot,
    pub(crate) spec: &'a OpenViduClusterSpec,
    pub(crate) status: &'a OpenViduClusterStatus,
    pub(crate) nodes: BTreeMap<NodeName, NodeView<'a>>,
    pub(crate) resources: BTreeMap<&'a ResourceId, &'a ObservedResource>,
    /// What should be, in the provider's order, and what is there of it.
    pub(crate) declared: Vec<Declared<'a>>,
    /// Everything was read whole.
    pub(crate) complete: bool,
    pub(crate) bugs: Bugs,
}

impl<'a> View<'a> {
    pub(crate) fn new(snap: &'a Snapshot, status: &'a OpenViduClusterStatus, bugs: Bugs) -> Self {
        let known = snap.observed.values().filter_map(|o| match o {
            Observation::Known { resources, .. } => Some(resources),
            Observation::Unknown { .. } => None,
        });
        let mut view = Self {
            snap,
            spec: &snap.cluster.spec,
            status,
            nodes: BTreeMap::new(),
            // Built at once: scopes and what is in them come nearly in order.
            resources: known.flatten().collect(),
            declared: Vec::new(),
            complete: false,
            bugs,
        };
        view.declared = snap.desired.iter().map(|r| view.declared(r)).collect();
        view.complete = view.declared.iter().all(|d| d.known)
            && snap.observed.values().all(Observation::is_known);
        view.nodes = view.index_nodes();
        view
    }

    fn declared(&self, resource: &'a Resource) -> Declared<'a> {
        Declared {
            resource,
            known: self.scope_known(&resource.scope),
            found: self.resources.get(&resource.id).copied(),
        }
    }

    fn index_nodes(&self) -> BTreeMap<NodeName, NodeView<'a>> {
        let snap = self.snap;
        let blank = |name: &NodeName, role| NodeView {
            name: name.clone(),
            place: 0,
            role,
            listed: false,
            cluster_goes: snap.cluster.metadata.deletion_timestamp.is_some(),
            known: false,
            record: None,
            observed: None,
            machine: None,
            readings: None,
        };
        let seen = |node: &'a ObservedNode| {
            let view = NodeView {
                observed: Some(node),
                listed: node.group.is_some(),
                known: true,
                ..blank(&node.name, node.role)
            };
            (node.name.clone(), view)
        };
        let mut nodes: BTreeMap<_, _> = snap.observed_nodes().map(seen).collect();
        for (name, record) in &snap.nodes {
            if !nodes.contains_key(name) {
                nodes.insert(name.clone(), blank(name, record.spec.role));
            }
        }
        for declared in self.declared.iter().filter(|d| d.is_machine()) {
            let name = declared.resource.id.name.as_str();
            let role = declared.resource.role.unwrap_or(Role::Media);
            if !nodes.contains_key(name) {
                let name = NodeName::from(name);
                nodes.insert(name.clone(), blank(&name, role));
            }
            if let Some(node) = nodes.get_mut(name) {
                node.listed = true;
                node.role = role;
            }
        }
        // All in the order of names: side by side, no name is looked for.
        let mut records = Beside::of(&snap.nodes);
        let mut readings = Beside::of(&snap.readings);
        for (place, (name, node)) in nodes.iter_mut().enumerate() {
            node.place = place;
            node.record = records.at(name).map(|record| &**record);
            node.readings = readings.at(name);
        }
        for resource in self.resources.values().filter(|r| r.id.kind == MACHINE) {
            if resource.ownership == Ownership::Ours
                && let Some(node) = nodes.get_mut(resource.id.name.as_str())
            {
                node.machine = Some(resource);
            }
        }
        let machines = snap.profile.nodes == NodeSource::Machines;
        for (name, node) in &mut nodes {
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
        self.resources.get(id).copied().filter(|r| self.is_ours(r))
    }

    pub(crate) fn is_ours(&self, found: &ObservedResource) -> bool {
        found.ownership == Ownership::Ours || self.bugs.has(Bug::WrongOwner)
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
