//! The command line.

mod at;
mod preflight;
mod report;
mod tenancy;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ovo_api::value::Duration;

use crate::failure::Failure;

pub use at::{At, KubeArgs};
pub use preflight::PreflightArgs;
pub use report::ReportArgs;
pub use tenancy::TenancyArgs;

const EXAMPLES: &str = "\
Examples:
  openvidu-operator demo                                   watch two simulated clusters live for two minutes
  openvidu-operator example v3-onprem > c/video.yaml       a complete manifest to start from
  openvidu-operator validate -f c/video.yaml               every mistake, with line, field and way out
  openvidu-operator serve --local c --simulate             run it without machines and without a cloud
  openvidu-operator get --local c                          how it stands
  openvidu-operator why openvidu --local c                 why it is not done yet
  openvidu-operator plan -f c/video.yaml --local c         what a change would do, and whom it would cut";

/// Builds OpenVidu deployments and keeps them so, without cutting a conversation.
#[derive(Debug, Parser)]
#[command(name = "openvidu-operator", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) logs: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Under this name the program is a plugin of kubectl.
const PLUGIN: &str = "kubectl-openvidu";

impl Cli {
    /// The command line of this process; ends it with help or an error where there is nothing to run.
    #[must_use]
    pub fn of_process() -> Self {
        let mut arguments = std::env::args_os();
        let name = arguments.next().map(PathBuf::from).unwrap_or_default();
        if name.file_name().is_none_or(|name| name != PLUGIN) {
            return Self::parse();
        }
        // Help and errors then say what was typed, which is `kubectl openvidu`.
        let command = Self::command().name(PLUGIN).bin_name("kubectl openvidu");
        let matches = command.get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// How the program tells what it does.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArgs {
    /// How logs are written to standard error
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "OPENVIDU_OPERATOR_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// The least severe logs to write
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "OPENVIDU_OPERATOR_LOG_LEVEL"
    )]
    pub(crate) log_level: LogLevel,
}

/// A format of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line; `serve` then reports its changes as logs too.
    Json,
}

/// A level of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What somebody should look at.
    #[default]
    Warn,
    /// What changed.
    Info,
    /// Why.
    Debug,
    /// Everything.
    Trace,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator on a Kubernetes API server, or on a directory of manifests
    #[command(after_help = "\
Without --local the objects are in the API server of KUBECONFIG, of ~/.kube/config or of the pod's service account. \
One operator serves a namespace at a time.

DIR holds your manifests (*.yaml) and Secrets; what the operator knows is kept beside them. It stays in force when \
the operator is down: a manifest that vanishes leaves its cluster running, untouched.

Examples:
  openvidu-operator serve --local c --simulate
  openvidu-operator serve --local c --simulate=7 --simulate-speed 30 --log-format json
  openvidu-operator serve --local c                        on the machines that the manifests name
  openvidu-operator serve --namespace video --simulate")]
    Serve(ServeArgs),
    /// Show what a manifest would change, step by step, and whom each step would cut
    #[command(after_help = "\
Nothing is written anywhere. Exit code: 0 nothing to do, 2 changes, 1 error.

Examples:
  openvidu-operator plan -f video.yaml --offline           from nothing, before anything exists
  openvidu-operator plan -f video.yaml --local c --diff    against what is there, property by property")]
    Plan(PlanArgs),
    /// Check manifests: every mistake with file, line, field and way out
    #[command(after_help = "\
No API server and no other cluster is asked. Whether another cluster has a machine, bucket or id already, whether the
namespace may act as whom it names, and whether Secrets are there, is seen where the cluster is served: in its
condition Stalled.

Exit code: 0 when every file is accepted, 1 otherwise.

Example:
  openvidu-operator validate -f c/video.yaml -f c/secrets.yaml")]
    Validate(ValidateArgs),
    /// Ask the machines of a manifest whether they are fit for OpenVidu; nothing is changed on any
    #[command(after_help = "\
The same is asked before anything is installed. Exit code: 0 all are fit, 2 one is not, 1 error.

Example:
  openvidu-operator preflight -f c/video.yaml -f c/secrets.yaml")]
    Preflight(PreflightArgs),
    /// Print a complete manifest to start from
    Example {
        /// For which OpenVidu, where
        #[arg(value_enum)]
        profile: ExampleProfile,
        /// The Secrets that it names instead, with made-up values
        #[arg(long)]
        secrets: bool,
    },
    /// Print the custom resource definitions, or write them and the generated pages of the documentation
    Crds {
        /// Write crds/ and docs/ in this directory instead of printing
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Show clusters and nodes
    #[command(after_help = "\
Examples:
  openvidu-operator get --local c                          clusters, then nodes
  openvidu-operator get --local c nodes -o wide
  openvidu-operator get --local c openvidu -o yaml         one object, by name")]
    Get(GetArgs),
    /// Show what happened, oldest first
    Events(EventsArgs),
    /// Say in a line or two how each cluster stands, and what it waits for
    #[command(after_help = "\
Exit code: 0 when every cluster is Ready, 2 when one is not, 1 error.

Examples:
  openvidu-operator status --namespace video
  kubectl openvidu status --all-namespaces")]
    Status {
        /// Where.
        #[command(flatten)]
        at: At,
        /// Only this cluster: NAME, or NAMESPACE/NAME
        cluster: Option<String>,
    },
    /// Say why a cluster or a node is not as it should be: what it waits for, what was decided last
    #[command(after_help = "\
Examples:
  openvidu-operator why openvidu
  kubectl openvidu why openvidu-w2")]
    Why {
        /// Where.
        #[command(flatten)]
        at: At,
        /// A cluster or a node
        name: String,
    },
    /// Write what somebody needs who is to help: one file, without any secret
    #[command(after_help = "\
Secrets are in it by name, with digests that tell equal values of this one file apart and are worth nothing elsewhere. \
Annotations that are not ours, values of spec.config and whatever is the value of a Secret that is named are left out.

Example:
  openvidu-operator report --output report.tar.gz")]
    Report(ReportArgs),
    /// Close a media node to new meetings and end it when its last one is over
    #[command(after_help = "\
Nobody is cut: what runs on the node goes on to its end.

Example:
  openvidu-operator drain openvidu-w2 --reason 'disk to be replaced'")]
    Drain {
        /// Where.
        #[command(flatten)]
        at: At,
        /// The node: its object's name (CLUSTER-MACHINE), or its machine's where only one cluster has it
        node: String,
        /// Why; everybody sees it
        #[arg(long)]
        reason: String,
    },
    /// Take a drain back, where OpenVidu can take a closed node back
    Undrain {
        /// Where.
        #[command(flatten)]
        at: At,
        /// The node
        node: String,
    },
    /// End a node now, WITH everything that runs on it
    #[command(after_help = "\
The only command that cuts. The name of the node object must be typed twice, against slips.

Example:
  openvidu-operator force openvidu-w2 --confirm openvidu-w2")]
    Force {
        /// Where.
        #[command(flatten)]
        at: At,
        /// The node object's whole name
        node: String,
        /// The same name again
        #[arg(long, value_name = "NODE")]
        confirm: String,
    },
    /// Keep a node from being chosen when fewer are wanted
    Protect {
        /// Where.
        #[command(flatten)]
        at: At,
        /// The node
        node: String,
        /// Let it be chosen again
        #[arg(long)]
        off: bool,
    },
    /// Delete a cluster: its meetings end by themselves first
    #[command(after_help = "\
Removing a manifest deletes nothing; this does. `spec.deletion` says what is kept, and whether it may be deleted.

Example:
  openvidu-operator delete video/openvidu")]
    Delete {
        /// Where.
        #[command(flatten)]
        at: At,
        /// The cluster: NAME, or NAMESPACE/NAME
        cluster: String,
    },
    /// Watch both example clusters on the simulated world: built, repaired, shrunk, reconfigured, nobody cut
    Demo(DemoArgs),
    /// Let something happen in the simulated world of a directory that is served
    #[command(hide = true)]
    Simulate {
        /// Where.
        #[command(flatten)]
        at: LocalArgs,
        /// The cluster: NAME, or NAMESPACE/NAME
        cluster: String,
        /// What happens, as JSON
        script: String,
    },
    /// Print the script that completes commands in a shell
    #[command(after_help = "\
Example:
  openvidu-operator completion bash > ~/.local/share/bash-completion/completions/openvidu-operator")]
    Completion {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// The directory that stands in for a Kubernetes cluster.
#[derive(Clone, Debug, Args)]
pub struct LocalArgs {
    /// The directory with the manifests
    #[arg(long = "local", value_name = "DIR", env = "OPENVIDU_OPERATOR_LOCAL")]
    pub(crate) dir: PathBuf,
}

/// The simulated world.
#[derive(Clone, Copy, Debug, Args)]
pub struct SimulateArgs {
    /// Serve a simulated world instead of machines and clouds; the same SEED gives the same one
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "clap's way to say: absent, present, present with a value"
    )]
    pub(crate) simulate: Option<Option<u64>>,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The directory with the manifests
    #[arg(long = "local", value_name = "DIR", env = "OPENVIDU_OPERATOR_LOCAL")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) simulate: SimulateArgs,
    /// How much faster than real the simulated time runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "simulate")]
    pub(crate) simulate_speed: u32,
    /// When the simulated time of a new world begins (such as 2026-01-05T07:30:00Z); else now
    #[arg(long, value_name = "TIME", requires = "simulate")]
    pub(crate) simulate_start: Option<jiff::Timestamp>,
    /// How a new simulated world is made up: a file in JSON
    #[arg(long, value_name = "FILE", requires = "simulate", hide = true)]
    pub(crate) simulate_world: Option<PathBuf>,
    /// Where health (/healthz), readiness (/readyz) and metrics (/metrics) are served; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9808")]
    pub(crate) listen: SocketAddr,
    /// Where a simulated world is kept when objects are in Kubernetes; without it, it ends with the process
    #[arg(
        long,
        value_name = "DIR",
        requires = "simulate",
        conflicts_with = "dir"
    )]
    pub(crate) simulate_dir: Option<PathBuf>,
    /// The namespace of Kubernetes that is served; else the pod's own, or the one of the kubeconfig's context
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "dir",
        env = "OPENVIDU_OPERATOR_NAMESPACE"
    )]
    pub(crate) namespace: Option<String>,
    /// Serve all namespaces: needs a ClusterRole
    #[arg(long, conflicts_with_all = ["dir", "namespace"])]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    #[command(flatten)]
    pub(crate) tenancy: TenancyArgs,
    /// How many clusters are worked on at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// How what happens is shown on standard output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) view: ViewChoice,
}

/// How one of several processes leads, in Kubernetes.
#[derive(Clone, Copy, Debug, Args)]
pub struct LeaseArgs {
    /// After so long without a renewal another process takes over; whole seconds
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "15s",
        conflicts_with = "dir"
    )]
    lease_duration: Duration,
    /// How often the Lease is renewed
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "3s",
        conflicts_with = "dir"
    )]
    lease_renewal: Duration,
    /// How long a call may take; none begins that the Lease might not outlast
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5s",
        conflicts_with = "dir"
    )]
    call_timeout: Duration,
}

/// [`LeaseArgs`] that fit each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeasePace {
    pub(crate) duration: std::time::Duration,
    pub(crate) renew_every: std::time::Duration,
    pub(crate) call_timeout: std::time::Duration,
}

impl LeaseArgs {
    /// Whoever leads must be able to call something between two renewals.
    #[cfg_attr(
        not(feature = "kubernetes"),
        expect(dead_code, reason = "nobody leads without Kubernetes")
    )]
    pub(crate) fn checked(self) -> Result<LeasePace, Failure> {
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(0);
        let [duration, renewal, call] =
            [self.lease_duration, self.lease_renewal, self.call_timeout].map(millis);
        if duration == 0 || duration % 1000 != 0 {
            return Err(Failure::Usage(format!(
                "--lease-duration {}: Kubernetes counts whole seconds, at least one; 15s is usual",
                self.lease_duration
            )));
        }
        if renewal == 0 || call == 0 || renewal + call >= duration {
            return Err(Failure::Usage(format!(
                "--lease-renewal {} and --call-timeout {}: both must be more than nothing and together less than \
                 --lease-duration {}, or no call could ever begin; 3s and 5s with 15s are usual",
                self.lease_renewal, self.call_timeout, self.lease_duration
            )));
        }
        let of = std::time::Duration::from_millis;
        Ok(LeasePace {
            duration: of(duration),
            renew_every: of(renewal),
            call_timeout: of(call),
        })
    }
}

/// How `serve` shows what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ViewChoice {
    /// A table on a terminal, else lines.
    #[default]
    Auto,
    /// A table that is redrawn in place.
    Table,
    /// One line for each change.
    Lines,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// A manifest; several may be given, Secrets too
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
    /// Where the operator keeps the simulated world of clusters in Kubernetes (its own --simulate-dir); only read
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dir", "offline"])]
    pub(crate) simulate_dir: Option<PathBuf>,
    /// Plan from nothing, without a look at any state
    #[arg(long)]
    pub(crate) offline: bool,
    /// Show each property that changes
    #[arg(long)]
    pub(crate) diff: bool,
    /// How the plan is shown
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: PlanOutput,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people.
    #[default]
    Text,
    /// For tools.
    Json,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// A manifest; several may be given
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// For laboratories: take loopback addresses, as `serve --allow-loopback-targets` does
    #[arg(long)]
    pub(crate) allow_loopback_targets: bool,
}

/// Which example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExampleProfile {
    /// OpenVidu 2 Enterprise HighAvailability on AWS.
    V2Aws,
    /// OpenVidu 3 HighAvailability on your own machines.
    V3Onprem,
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// `clusters`, `nodes`, or the NAME of one object; all if left out
    pub(crate) what: Option<String>,
    /// How objects are shown
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: GetOutput,
}

/// How objects are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GetOutput {
    /// A table.
    #[default]
    Table,
    /// A table with more columns.
    Wide,
    /// Whole objects.
    Yaml,
    /// Whole objects.
    Json,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// Only those about this cluster and its nodes, or about this node
    pub(crate) about: Option<String>,
    /// How events are shown
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: PlanOutput,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Give up after this many seconds of real time
    #[arg(long, value_name = "N", default_value_t = 110, value_parser = clap::value_parser!(u64).range(10..=3600))]
    pub(crate) seconds: u64,
    /// Seed of the simulated world
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How what happens is shown
    #[arg(long, value_enum, default_value_t)]
    pub(crate) view: ViewChoice,
}
