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

/// What a name is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An annotation that people set.
    ByPeople,
    /// An annotation that the operator sets.
    ByOperator,
    /// A label.
    Label,
    /// A finalizer.
    Finalizer,
}

/// One name of ours in the metadata of objects.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name.
    pub name: &'static str,
    /// What it is, and whose.
    pub subject: Subject,
    /// On which objects.
    pub on: &'static str,
    /// What its value is.
    pub value: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

const fn entry(
    name: &'static str,
    subject: Subject,
    on: &'static str,
    value: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        name,
        subject,
        on,
        value,
        meaning,
    }
}

/// Every name of ours in the metadata of objects: the page in `docs/` is made of it.
pub const ALL: &[Entry] = &[
    entry(
        DRAIN,
        Subject::ByPeople,
        "node",
        "the reason, for people",
        "Closes the node to new sessions and ends it when it is empty. Taking it away takes the drain back where the profile can. Where nobody can close a node by name (OpenVidu 2 on AWS) the event DrainUnsupported says so.",
    ),
    entry(
        FORCE,
        Subject::ByPeople,
        "node",
        "the name of the node object",
        "Ends the node at once and cuts what runs there. The name must be typed, against slips.",
    ),
    entry(
        PROTECT,
        Subject::ByPeople,
        "node",
        "`true`",
        "Keeps the node from being chosen for scale-in.",
    ),
    entry(
        RECONCILE_AT,
        Subject::ByPeople,
        "cluster",
        "any new value, such as the time",
        "Looks now.",
    ),
    entry(
        ABANDON,
        Subject::ByPeople,
        "cluster that is being deleted",
        "the name of the cluster object",
        "Lets the object go although resources are left. They are listed in the log, and they may cost money.",
    ),
    entry(
        INFRASTRUCTURE_ID,
        Subject::ByOperator,
        "cluster",
        "eight characters",
        "Names and owner tags of everything that is made for the cluster derive from it. Written once. Set it by hand only to let a restored object find its deployment again.",
    ),
    entry(
        CLUSTER_LABEL,
        Subject::Label,
        "node, generated Secret",
        "the name of the cluster object",
        "What belongs to a cluster.",
    ),
    entry(
        ROLE_LABEL,
        Subject::Label,
        "node",
        "`Master`, `Media` or `LoadBalancer`",
        "What a node is for.",
    ),
    entry(
        FINALIZER,
        Subject::Finalizer,
        "cluster, node",
        "",
        "The object stays until what it stands for is drained and taken down.",
    ),
    entry(
        IN_USE_FINALIZER,
        Subject::Finalizer,
        "Secret",
        "",
        "The Secret stays until no cluster needs it, deletion included.",
    ),
];
