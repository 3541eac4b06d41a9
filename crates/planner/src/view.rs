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
use crate::roster::{Roster, machines_found};

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

    /// Whether it is written down already that it is to be emptied.
    pub(crate) fn drains_on_record(&self) -> bool {
        let status = self.record.and_then(|r| r.status.as_ref());
        status.is_some_and(|status| status.drain.is_some())
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

/// A resource that is there, and the scope in which it was seen.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) resource: &'a ObservedResource,
    pub(crate) scope: &'a Scope,
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
    pub(crate) fn is_machine(&self) -> bool {
        self.resource.id.kind == MACHINE
    }
}

/// The snapshot, indexed.
pub(crate) struct View<'a> {
    pub(crate) snap: &'a Snapshot,
    pub(crate) spec: &'a OpenViduClusterSpec,
    pub(crate) status: &'a OpenViduClusterStatus,
    pub(crate) nodes: Roster<'a>,
    pub(crate) resources: BTreeMap<&'a ResourceId, Found<'a>>,
    /// What should be, in the provider's order, and what is there of it.
    pub(crate) declared: Vec<Declared<'a>>,
    /// Everything was read whole.
    pub(crate) complete: bool,
    pub(crate) bugs: Bugs,
}

impl<'a> View<'a> {
    pub(crate) fn new(snap: &'a Snapshot, status: &'a OpenViduClusterStatus, bugs: Bugs) -> Self {
        let known = snap.observed.iter().filter_map(|(scope, o)| match o {
            Observation::Known { resources, .. } => {
                let found = move |(id, resource)| (id, Found { resource, scope });
                Some(resources.iter().map(found))
            }
            Observation::Unknown { .. } => None,
        });
        let mut view = Self {
            snap,
            spec: &snap.cluster.spec,
            status,
            nodes: Roster::default(),
            // Built at once: scopes and what is in them come nearly in order.
            resources: known.flatten().collect(),
            declared: Vec::new(),
            complete: false,
            bugs,
        };
        view.declared = view.declare();
        view.complete = view.declared.iter().all(|d| d.known)
            && snap.observed.values().all(Observation::is_known);
        let mut nodes = Roster::of(&view);
        for node in nodes.values_mut().filter(|n| n.observed.is_none()) {
            node.known = view.known_unseen(node);
        }
        view.nodes = nodes;
        view
    }

    fn declare(&self) -> Vec<Declared<'a>> {
        let machines = machines_found(self);
        let declare = |(resource, machine): (&'a Resource, Option<Found<'a>>)| {
            let found = if resource.id.kind == MACHINE {
                machine
            } else {
                self.resources.get(&resource.id).copied()
            };
            Declared {
                resource,
                // Where it was found, its own scope need not be looked for.
                known: found.is_some_and(|f| *f.scope == resource.scope)
                    || self.scope_known(&resource.scope),
                found: found.map(|f| f.resource),
            }
        };
        self.snap
            .desired
            .iter()
            .zip(machines)
            .map(declare)
            .collect()
    }

    /// Whether a node that was not seen is known not to be there.
    fn known_unseen(&self, node: &NodeView<'_>) -> bool {
        if self.snap.profile.nodes == NodeSource::Machines {
            match self.snap.observed.get(&machine_scope(&node.name)) {
                Some(observation) => observation.is_known(),
                // A provider answers for every listed machine, and for every other one that is ours.
                None => !node.listed && self.complete,
            }
        } else {
            self.group(node.role)
                .is_some_and(|g| self.scope_known(&g.scope))
        }
    }

    /// All that is there, whoever's it is, in order.
    pub(crate) fn found(&self) -> impl Iterator<Item = &'a ObservedResource> {
        self.resources.values().map(|found| found.resource)
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
        let found = self.resources.get(id)?.resource;
        Some(found).filter(|r| self.is_ours(r))
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
