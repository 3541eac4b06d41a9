//! The objects that people write and read, and the facts about each OpenVidu profile.

pub mod act;
pub mod annotations;
pub mod claims;
mod crd;
pub mod credentials;
pub mod docs;
pub mod manifest;
pub mod node;
pub mod notice;
pub mod profile;
mod rules;
pub mod spec;
pub mod status;
pub mod targets;
pub mod validate;
pub mod value;
pub mod windows;

pub use act::{ActKind, Cuts, Role};
pub use crd::crds;
pub use credentials::credential_keys;
pub use docs::generated_files;
pub use manifest::parse_manifest;
pub use node::{OpenViduNode, OpenViduNodeSpec, OpenViduNodeStatus};
pub use notice::{FieldNotice, not_built_yet};
pub use profile::Profile;
pub use spec::{OpenViduCluster, OpenViduClusterSpec};
pub use status::OpenViduClusterStatus;
pub use validate::{FieldError, apply_defaults, validate};
