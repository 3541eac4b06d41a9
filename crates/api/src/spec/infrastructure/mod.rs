//! Where the deployment runs.

mod aws;
mod on_prem;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aws::{Aws, AwsDns, Capacity, Iam, Image, Images, Redis};
pub use on_prem::{
    BecomeRoot, HostKeyPolicy, Installer, JumpHost, Machine, OnPrem, Preflight, PreflightCheck, Ssh,
};

/// Where the deployment runs: exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::infrastructure)]
pub struct Infrastructure {
    /// Amazon Web Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
    /// Machines that are reached by SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_prem: Option<OnPrem>,
}
