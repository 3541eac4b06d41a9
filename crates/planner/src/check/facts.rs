//! The snapshot, indexed for the checker.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_api::profile::{NodeSource, Profile};
use ovo_api::spec::{DeletionDrain, DeletionPolicy, OpenViduClusterSpec};
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::{
    NodeName, Now, Observation, ObservedResource, Ownership, Presence, Resource, ResourceId,
    Scalar, Scope, Snapshot,
};

use super::node::Node;

/// Kind of what launches and ends instances.
pub(super) const GROUP: &str = "Group";
/// Kind of what stands for a machine.
pub(super) const MACHINE: &str = "Machine";

/// The snapshot, indexed.
pub(super) struct Facts<'a> {
    pub(super) snap: &'a Snapshot,
    pub(super) spec: &'a OpenViduClusterSpec,
    pub(super) status: Option<&'a OpenViduClusterStatus>,
    pub(super) profile: &'static Profile,
    pub(super) now: Now,
    desired: BTreeMap<&'a ResourceId, &'a Resource>,
    found: BTreeMap<&'a ResourceId, &'a ObservedResource>,
    nodes: BTreeMap<&'a str, Node<'a>>,
    /// The cluster object was deleted.
    pub(super) deleting: bool,
    /// Every part of the world that is declared, or that anybody tried to read, was read whole.
    pub(super) complete: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(snap: &'a Snapshot) -> Self {
        let mut facts = Self {
            snap,
            spec: &snap.cluster.spec,
            status: snap.cluster.status.as_ref(),
            profile: snap.profile,
            now: snap.now,
            desired: snap.desired.iter().map(|r| (&r.id, r)).collect(),
            found: BTreeMap::new(),
            nodes: BTreeMap::new(),
            deleting: snap.cluster.metadata.deletion_timestamp.is_some(),
            complete: snap.observed.values().all(Observation::is_known)
                && snap
                    .desired
                    .iter()
                    .all(|r| snap.observed.contains_key(&r.scope)),
        };
        let known = || {
            snap.observed.values().filter_map(|o| match o {
                Observation::Known { resources, nodes } => Some((resources, nodes)),
                Observation::Unknown { .. } => None,
            })
        };
        facts.found = known().flat_map(|(resources, _)| resources).collect();
        facts.nodes = known()
            .flat_map(|(_, nodes)| nodes.values())
            .map(|n| (&*n.name.0, Node::seen(n)))
            .collect();
        facts.add_unseen();
        for (name, record) in &snap.nodes {
            if let Some(node) = facts.nodes.get_mut(&*name.0) {
                node.record = Some(record);
            }
        }
        for (name, readings) in &*snap.readings {
            if let Some(node) = facts.nodes.get_mut(&*name.0) {
                node.readings = Some(readings);
            }
        }
        facts
    }

    /// Nodes that are not among the observed ones: recorded, or machines that are listed.
    fn add_unseen(&mut self) {
        let snap = self.snap;
        for (name, record) in &snap.nodes {
            if !self.nodes.contains_key(&*name.0) {
                let known = self.known_unseen(&name.0, record.spec.role);
                self.nodes
                    .insert(&name.0, Node::unseen(&name.0, record.spec.role, known));
            }
        }
        for resource in snap.desired.iter().filter(|r| r.id.kind == MACHINE) {
            let (name, role) = (
                resource.id.name.as_str(),
                resource.role.unwrap_or(Role::Media),
            );
            let known = self.knows(&resource.scope);
            let node = self
                .nodes
                .entry(name)
                .or_insert_with(|| Node::unseen(name, role, known));
            node.listed = true;
        }
    }

    /// Whether a node that is in no observation is known not to be there.
    fn known_unseen(&self, name: &str, role: Role) -> bool {
        match self.profile.nodes {
            // Nobody is a member of a group that was read whole unless listed there.
            NodeSource::Group => self
                .groups()
                .filter(|g| g.role == Some(role))
                .all(|g| self.knows(&g.scope)),
            NodeSource::Machines => {
                let observed = self.snap.observed.get(&Scope(format!("machine/{name}")));
                observed.map_or(self.complete, Observation::is_known)
            }
        }
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &'a Resource> {
        self.snap.desired.iter().filter(|r| r.id.kind == GROUP)
    }

    pub(super) fn knows(&self, scope: &Scope) -> bool {
        self.snap
            .observed
            .get(scope)
            .is_some_and(Observation::is_known)
    }

    pub(super) fn desired(&self, id: &ResourceId) -> Option<&'a Resource> {
        self.desired.get(id).copied()
    }

    pub(super) fn found(&self, id: &ResourceId) -> Option<&'a ObservedResource> {
        self.found.get(id).copied()
    }

    pub(super) fn all_found(&self) -> impl Iterator<Item = &'a ObservedResource> {
        self.found.values().copied()
    }

    /// What is there and carries this cluster's mark.
    pub(super) fn ours(&self, id: &ResourceId) -> Option<&'a ObservedResource> {
        self.found(id).filter(|r| r.ownership == Ownership::Ours)
    }

    pub(super) fn node(&self, name: &NodeName) -> Option<&Node<'a>> {
        self.nodes.get(&*name.0)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.values()
    }

    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.values().filter(move |n| n.role == role)
    }

    /// The role whose nodes a group launches.
    pub(super) fn role_of_group(&self, group: &ResourceId) -> Option<Role> {
        let declared = self.desired(group).and_then(|r| r.role);
        let member = || {
            self.nodes
                .values()
                .find(|n| n.in_group(group))
                .map(|n| n.role)
        };
        declared.or_else(member)
    }

    /// Members of a group that are not gone.
    pub(super) fn members<'f>(
        &'f self,
        group: &'f ResourceId,
    ) -> impl Iterator<Item = &'f Node<'a>> {
        let there = |n: &&Node<'a>| n.observed.is_some_and(|o| o.presence != Presence::Gone);
        self.nodes
            .values()
            .filter(|n| n.in_group(group))
            .filter(there)
    }

    /// The desired capacity that a group was observed to have.
    pub(super) fn capacity(&self, group: &ResourceId) -> Option<i64> {
        self.number(group, "desired")
    }

    /// An observed number.
    pub(super) fn number(&self, id: &ResourceId, property: &str) -> Option<i64> {
        match self.found(id)?.properties.get(property) {
            Some(Scalar::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// The deployment is to be taken away: deleted, and nothing in the object speaks against it.
    pub(super) fn tearing_down(&self) -> bool {
        let deletion = &self.spec.deletion;
        self.deleting && !deletion.protected() && deletion.policy() == DeletionPolicy::Delete
    }

    /// The user wants nodes ended at once when the cluster is deleted.
    pub(super) fn teardown_by_force(&self) -> bool {
        self.tearing_down() && self.spec.deletion.drain() == DeletionDrain::Force
    }

    /// A person changed the spec and no status speaks of it yet.
    pub(super) fn unobserved(&self) -> bool {
        self.status.and_then(|s| s.observed_generation) != self.snap.cluster.metadata.generation
    }
}
