//! Annotations, labels and finalizers, on one page.

/// On a node, by a person: drain it, with the reason as value.
pub const DRAIN: &str = "openvidu.io/drain";
/// On a node, by a person: end it whatever runs there. Its value must be the node object's own name.
pub const FORCE: &str = "openvidu.io/force";
/// On a node, by a person: `true` keeps it from being chosen for scale-in.
pub const PROTECT: &str = "openvidu.io/protect";
/// On a cluster, by a person: look now.
pub const RECONCILE_AT: &str = "openvidu.io/reconcile-at";
/// On a cluster that is being deleted, by a person: let go of what is left. Its value must be the cluster's name.
pub const ABANDON: &str = "openvidu.io/abandon";
/// On a cluster, written once: the eight characters from which all names and owner tags derive.
pub const INFRASTRUCTURE_ID: &str = "openvidu.io/infrastructure-id";
/// Finalizer of clusters and nodes.
pub const FINALIZER: &str = "openvidu.io/teardown";
/// Finalizer of Secrets that are in use.
pub const IN_USE_FINALIZER: &str = "openvidu.io/in-use";
/// Label of what belongs to a cluster.
pub const CLUSTER_LABEL: &str = "openvidu.io/cluster";
/// Label of a node's role.
pub const ROLE_LABEL: &str = "openvidu.io/role";
