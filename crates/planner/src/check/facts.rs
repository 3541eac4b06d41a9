//! The snapshot, indexed for the checker.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_api::profile::{NodeSource, Profile};
use ovo_api::spec::{DeletionDrain, DeletionPolicy, OpenViduClusterSpec};
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::{
    NodeName, Now, Observation, ObservedResource, Ownership, Presence, Resource, ResourceId, Scalar, Scope, Snapshot,
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
    nodes: BTreeMap<&'a NodeName, Node<'a>>,
    /// The cluster object was deleted.
    pub(super) deleting: bool,
    /// Every part of the world that is declared or that we own was read whole.
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
                && snap.desired.iter().all(|r| snap.observed.contains_key(&r.scope)),
        };
        for observation in snap.observed.values() {
            let Observation::Known { resources, nodes } = observation else { continue };
            facts.found.extend(resources);
            facts.nodes.extend(nodes.values().map(|n| (&n.name, Node::seen(n))));
        }
        facts.add_records();
        facts.add_machines();
        for (name, readings) in &*snap.readings {
            if let Some(node) = facts.nodes.get_mut(name) {
                node.readings = Some(readings);
            }
        }
        facts
    }

    fn add_records(&mut self) {
        let snap = self.snap;
        for (name, record) in &snap.nodes {
            let role = record.spec.role;
            let known = match (self.nodes.contains_key(name), snap.profile.nodes) {
                (true, _) => true,
                // What is not among the members of a group that was read whole is not there.
                (false, NodeSource::Group) => {
                    self.snap.desired.iter().any(|r| r.id.kind == GROUP && r.role == Some(role) && self.knows(&r.scope))
                }
                (false, NodeSource::Machines) => self.machine_known(name, false),
            };
            let node = self.nodes.entry(name).or_insert_with(|| Node::unseen(name, role, known));
            node.record = Some(record);
        }
    }

    fn add_machines(&mut self) {
        let snap = self.snap;
        let Some(on_prem) = snap.cluster.spec.infrastructure.on_prem.as_ref() else { return };
        let listed: BTreeMap<&str, Role> = on_prem.machines.iter().map(|m| (m.name.as_str(), m.role)).collect();
        for (name, node) in &mut self.nodes {
            node.listed = listed.contains_key(&*name.0);
        }
        let unread = snap.desired.iter().filter(|r| r.id.kind == MACHINE && !self.knows(&r.scope));
        let count = unread.filter(|r| !self.nodes.keys().any(|n| *n.0 == *r.id.name)).count();
        // A listed machine that was never seen and has no record has no name to borrow; it is only counted.
        self.nodes.values_mut().for_each(|n| n.unlisted_allowed = count == 0);
        let complete = self.complete;
        for node in self.nodes.values_mut().filter(|n| n.observed.is_none() && !n.listed) {
            let scope = Scope(format!("machine/{}", node.name));
            node.known = snap.observed.get(&scope).map_or(complete, Observation::is_known);
        }
    }
}
