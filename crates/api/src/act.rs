//! What an act is called, whom it touches, and what it cuts.
//!
//! The profile's table ([`crate::profile::Profile::cuts`]) answers "what does this kind of act on this role
//! cut?". The planner copies the answer into each step; the checker derives the kind from the step's own
//! content and looks the answer up again (rule S13).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a node is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Role {
    /// Runs the API, the dashboards and, in v3, the shared state.
    Master,
    /// Carries the conversations.
    Media,
    /// Stands in front of the masters.
    LoadBalancer,
}

/// How far an act reaches into running conversations.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum Cuts {
    /// No conversation notices.
    #[default]
    Nothing,
    /// Everything that runs on the one media node.
    Node,
    /// Everything that hangs on the one master (v2: its sessions; v3: its clients' signalling).
    Master,
    /// Everything in the cluster.
    Cluster,
}

/// The kinds of act that a step can be. One entry per row of the profile's table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum ActKind {
    /// Makes a resource that is not there.
    Create,
    /// Changes a property in place without touching a running process.
    Update,
    /// Puts software on a machine that serves nobody.
    Install,
    /// Starts what is stopped.
    Start,
    /// Raises a capacity.
    Grow,
    /// Switches scale-in protection on.
    Protect,
    /// Takes a closed node back.
    Reopen,
    /// Closes a node to new sessions; what runs goes on.
    Close,
    /// Sends the drain signal to containers; what runs goes on to its end.
    Signal,
    /// Lowers a capacity; the platform chooses whom to close.
    Shrink,
    /// Stops a node's services or ends its machine.
    End,
    /// Lifts scale-in protection.
    Unprotect,
    /// Restarts services.
    Restart,
    /// Changes OpenVidu's configuration, which restarts its services.
    ApplyConfig,
    /// Changes the balancer in a way that drops connections.
    ReloadBalancer,
    /// Deletes a resource and makes it anew.
    Replace,
    /// Deletes a resource.
    Delete,
    /// Takes our software and records off a machine.
    Uninstall,
    /// Makes credentials once, before their first use.
    GenerateCredentials,
}

impl ActKind {
    /// Whether an act of this kind closes, signals, stops, restarts, ends, deletes or lowers a capacity.
    ///
    /// Such an act runs only if it stands in the committed intent, after a live read. What cuts more than
    /// [`Cuts::Nothing`] is destructive as well, whatever its kind.
    pub const fn is_destructive(self) -> bool {
        match self {
            Self::Create
            | Self::Update
            | Self::Install
            | Self::Start
            | Self::Grow
            | Self::Protect
            | Self::Reopen
            | Self::GenerateCredentials => false,
            Self::Close
            | Self::Signal
            | Self::Shrink
            | Self::End
            | Self::Unprotect
            | Self::Restart
            | Self::ApplyConfig
            | Self::ReloadBalancer
            | Self::Replace
            | Self::Delete
            | Self::Uninstall => true,
        }
    }

    /// Whether rule S9 lets an act of this kind through on a paused cluster: it keeps conversations alive.
    pub const fn keeps_alive(self) -> bool {
        matches!(self, Self::Protect)
    }
}
