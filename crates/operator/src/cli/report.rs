//! Arguments of `report`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::At;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// The file that is written (.tar.gz); it must not be there yet
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "openvidu-report.tar.gz"
    )]
    pub(crate) output: PathBuf,
    /// Where the operator's metrics are served, such as at the end of `kubectl port-forward`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9808")]
    pub(crate) metrics: SocketAddr,
    /// Where the operator keeps the simulated world of clusters in Kubernetes, for a plan; only read
    #[arg(long, value_name = "DIR", conflicts_with = "dir")]
    pub(crate) simulate_dir: Option<PathBuf>,
}
