//! Arguments of `preflight`.

use std::path::PathBuf;

use clap::Args;
use ovo_api::targets::Loopback;

/// Arguments of `preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// A file with manifests: the cluster, and the Secret with the SSH key; may be repeated
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// For tests and laboratories: let clusters name machines at loopback addresses
    #[arg(long)]
    pub(crate) allow_loopback_targets: bool,
}

impl PreflightArgs {
    /// Whether the operator may be sent to its own machine.
    pub(crate) const fn loopback(&self) -> Loopback {
        if self.allow_loopback_targets {
            Loopback::Allowed
        } else {
            Loopback::Refused
        }
    }
}
