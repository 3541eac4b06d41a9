//! What a plan is made of.

use std::collections::BTreeMap;
use std::fmt;

use ovo_api::act::{ActKind, Cuts, Role};
use serde::{Deserialize, Serialize};

use crate::node::{ContainerRef, NodeName};
use crate::resource::{ResourceId, Value};

/// Follows from a step's content alone, so a step planned anew after a crash is the same step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a step does: at most one mutating call of a backend, or one job on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Makes a resource with all its properties.
    Create {
        /// Which.
        resource: ResourceId,
        /// The backend's call.
        call: String,
        /// Resolved properties; secrets by reference and digest.
        properties: BTreeMap<String, Value>,
    },
    /// Sets properties of a resource that is there.
    Set {
        /// Which.
        resource: ResourceId,
        /// The backend's call.
        call: String,
        /// Resolved properties; secrets by reference and digest.
        properties: BTreeMap<String, Value>,
    },
    /// Deletes a resource.
    Delete {
        /// Which.
        resource: ResourceId,
        /// The backend's call.
        call: String,
    },
    /// Sets the desired capacity of a group.
    SetCapacity {
        /// Which group.
        group: ResourceId,
        /// What it was observed to be: a call that finds another value there changes nothing and answers
        /// `Conflict`.
        from: i64,
        /// What it should be.
        to: i64,
    },
    /// Switches scale-in protection of members on or off.
    SetProtection {
        /// Which group.
        group: ResourceId,
        /// Which members.
        nodes: Vec<NodeName>,
        /// On or off.
        protected: bool,
    },
    /// Ends a member of a group; the group launches another one.
    Terminate {
        /// Which member.
        node: NodeName,
        /// Whether the desired capacity goes down with it.
        decrement: bool,
    },
    /// Enables and starts the services of an installed machine.
    Start {
        /// Which machine.
        node: NodeName,
    },
    /// Sends the drain signal, once to each of these container starts, each with its marker.
    Signal {
        /// Which machine.
        node: NodeName,
        /// Which starts of which containers.
        containers: Vec<ContainerRef>,
    },
    /// Stops and disables the services of a machine.
    Stop {
        /// Which machine.
        node: NodeName,
    },
    /// Takes our software and our record off a machine.
    Uninstall {
        /// Which machine.
        node: NodeName,
    },
    /// Closes a node to new sessions through OpenVidu's own API.
    Close {
        /// Which node.
        node: NodeName,
    },
    /// Takes a closed node back through OpenVidu's own API.
    Reopen {
        /// Which node.
        node: NodeName,
    },
    /// Makes the missing keys of a Secret, once.
    GenerateCredentials {
        /// Name of the Secret.
        secret: String,
        /// The keys to make.
        keys: Vec<String>,
    },
}

/// Who carries a step out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Executor {
    /// The infrastructure's provider.
    Provider,
    /// OpenVidu's own API.
    Media,
    /// The store of objects and Secrets.
    Store,
}

/// Why a step is wanted: what `spec.disruption` is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// The deployment is being built.
    Creation,
    /// More nodes are wanted, or a dead one is made good for.
    Growth,
    /// Fewer nodes are wanted, or a named one should go.
    ScaleIn,
    /// A node is broken.
    Remediation,
    /// The user changed OpenVidu's configuration.
    Config,
    /// The user changed the masters.
    Masters,
    /// The user changed the balancer.
    LoadBalancer,
    /// Somebody changed by hand what is ours.
    Drift,
    /// The cluster or a node object is being deleted.
    Deletion,
    /// A person typed the node's name.
    Force,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Follows from the content.
    pub id: StepId,
    /// What to do.
    pub op: Op,
    /// What kind of act it is.
    pub act: ActKind,
    /// The role it acts on.
    pub role: Option<Role>,
    /// What it cuts, from the profile's table.
    pub cuts: Cuts,
    /// Why it is wanted.
    pub cause: Cause,
    /// Why, in words for people, with the numbers used.
    pub reason: String,
    /// Who carries it out.
    pub executor: Executor,
}

impl Step {
    /// Closes, signals, stops, restarts, ends, deletes, lowers a capacity, or cuts more than nothing: runs only
    /// from the committed intent and after a live read.
    pub const fn is_destructive(&self) -> bool {
        self.act.is_destructive() || !matches!(self.cuts, Cuts::Nothing)
    }
}

impl Op {
    /// The node it acts on, if it acts on one.
    pub const fn node(&self) -> Option<&NodeName> {
        match self {
            Self::Terminate { node, .. }
            | Self::Start { node }
            | Self::Signal { node, .. }
            | Self::Stop { node }
            | Self::Uninstall { node }
            | Self::Close { node }
            | Self::Reopen { node } => Some(node),
            _ => None,
        }
    }

    /// The resource it acts on, if it acts on one.
    pub const fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Create { resource, .. }
            | Self::Set { resource, .. }
            | Self::Delete { resource, .. } => Some(resource),
            Self::SetCapacity { group, .. } | Self::SetProtection { group, .. } => Some(group),
            _ => None,
        }
    }

    /// The id of a step with this content.
    pub fn id(&self) -> StepId {
        StepId(match self {
            Self::Create { resource, .. } => format!("create {resource}"),
            Self::Set {
                resource,
                call,
                properties,
            } => {
                let names: Vec<_> = properties
                    .iter()
                    .map(|(k, v)| format!("{k}={}", v.tag()))
                    .collect();
                format!("set {resource} {call} {}", names.join(","))
            }
            Self::Delete { resource, .. } => format!("delete {resource}"),
            Self::SetCapacity { group, from, to } => format!("capacity {group} {from}->{to}"),
            Self::SetProtection {
                group,
                nodes,
                protected,
            } => {
                let names: Vec<_> = nodes.iter().map(|n| &*n.0).collect();
                format!("protect {group} {protected} {}", names.join(","))
            }
            Self::Terminate { node, decrement } => {
                format!("terminate {node} decrement={decrement}")
            }
            Self::Start { node } => format!("start {node}"),
            Self::Signal { node, containers } => {
                // One text for each draining node of each plan: put together without pieces in between.
                let mut id = format!("signal {node} ");
                for (place, c) in containers.iter().enumerate() {
                    let before = if place == 0 { "" } else { "," };
                    for part in [before, &c.name, ":", &c.id, "@", &c.started_at] {
                        id.push_str(part);
                    }
                }
                id
            }
            Self::Stop { node } => format!("stop {node}"),
            Self::Uninstall { node } => format!("uninstall {node}"),
            Self::Close { node } => format!("close {node}"),
            Self::Reopen { node } => format!("reopen {node}"),
            Self::GenerateCredentials { secret, keys } => {
                format!("credentials {secret} {}", keys.join(","))
            }
        })
    }
}

impl Value {
    /// A short word that differs when the value differs; a secret shows as its digest.
    pub fn tag(&self) -> String {
        match self {
            Self::Known(scalar) => scalar.to_string(),
            Self::Secret { digest, .. } => digest
                .as_ref()
                .map_or_else(|| "?".to_owned(), |d| d.0.clone()),
            Self::OutputOf { resource, output } => format!("{resource}.{output}"),
            Self::Planned => "planned".to_owned(),
        }
    }
}
