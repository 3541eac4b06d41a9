//! The objects that people write and read, and the facts about each OpenVidu profile.

pub mod act;
pub mod node;
pub mod profile;
pub mod spec;
pub mod status;
pub mod value;

pub use act::{ActKind, Cuts, Role};
pub use node::{OpenViduNode, OpenViduNodeSpec, OpenViduNodeStatus};
pub use profile::Profile;
pub use spec::{OpenViduCluster, OpenViduClusterSpec};
pub use status::OpenViduClusterStatus;
