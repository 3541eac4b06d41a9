//! What clusters may name.

use std::path::PathBuf;

use clap::Args;
use ovo_api::targets::Loopback;

/// What clusters may name.
#[derive(Clone, Debug, Args)]
pub struct TenancyArgs {
    /// A file that says which namespace may act as whom in AWS; without it none but the operator's own may
    #[arg(long, value_name = "FILE", requires = "all_namespaces")]
    pub(crate) tenants: Option<PathBuf>,
    /// For tests and laboratories: let clusters name machines and servers at loopback addresses
    #[arg(long)]
    pub(crate) allow_loopback_targets: bool,
}

impl TenancyArgs {
    /// Whether the operator may be sent to its own machine.
    pub(crate) const fn loopback(&self) -> Loopback {
        if self.allow_loopback_targets {
            Loopback::Allowed
        } else {
            Loopback::Refused
        }
    }
}
