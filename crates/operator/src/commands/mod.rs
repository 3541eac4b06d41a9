//! One module for each command, and who runs which.

mod act;
mod completion;
mod crds;
#[cfg(feature = "kubernetes")]
mod definitions;
mod events;
pub(crate) mod example;
mod get;
#[cfg(feature = "kubernetes")]
mod led;
mod plan;
mod preflight;
mod report;
mod serve;
#[cfg(feature = "kubernetes")]
mod serve_kubernetes;
mod serve_machines;
mod status;
mod table;
mod validate;
mod why;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::{At, Cli, Command, LogLevel};
use crate::failure::Failure;
use crate::local::{Client, Request, Response};
use crate::logs;
use crate::probe::Probe;

pub(crate) use serve::{Server, Shown, runtime, signalled, simulated_options};

/// Runs a command.
///
/// # Errors
/// Why it failed, in words for people.
pub fn run(cli: Cli) -> Result<ExitCode, Failure> {
    dispatch(cli, None)
}

/// [`run`], with somebody who is told before anything is changed in Kubernetes or a backend.
///
/// # Errors
/// As [`run`].
#[doc(hidden)]
pub fn run_probed(cli: Cli, probe: Arc<dyn Probe>) -> Result<ExitCode, Failure> {
    dispatch(cli, Some(probe))
}

fn dispatch(cli: Cli, probe: Option<Arc<dyn Probe>>) -> Result<ExitCode, Failure> {
    // Where lines are logs, what changes is a log too.
    let json = cli.logs.log_format == crate::cli::LogFormat::Json;
    let serves = matches!(cli.command, Command::Serve(_));
    let least = (json && serves).then_some(LogLevel::Info);
    logs::start(cli.logs, least, serves);
    let ended = command(cli, probe);
    #[cfg(feature = "otlp")]
    crate::traces::end();
    ended
}

fn command(cli: Cli, probe: Option<Arc<dyn Probe>>) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(&args, cli.logs, probe),
        Command::Plan(args) => plan::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Preflight(args) => preflight::run(&args),
        Command::Example { profile, secrets } => example::run(profile, secrets),
        Command::Crds { output } => crds::run(output.as_deref()),
        Command::Get(args) => get::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Status { at, cluster } => status::run(&at, cluster.as_deref()),
        Command::Why { at, name } => why::run(&at, &name),
        Command::Report(args) => report::run(&args),
        Command::Drain { at, node, reason } => act::run(&at, Request::Drain { node, reason }),
        Command::Undrain { at, node } => act::run(&at, Request::Undrain { node }),
        Command::Force { at, node, confirm } => act::run(&at, Request::Force { node, confirm }),
        Command::Protect { at, node, off } => act::run(&at, Request::Protect { node, on: !off }),
        Command::Delete { at, cluster } => act::run(&at, Request::Delete { cluster }),
        Command::Simulate {
            at,
            cluster,
            script,
        } => act::simulate(&at.dir, cluster, &script),
        Command::Demo(args) => crate::demo::run(&args, cli.logs),
        Command::Completion { shell } => completion::run(shell),
    }
}

/// Writes to standard output. Whoever does not read to the end has read enough.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::file("standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Asks whoever has the objects: the one that serves a directory, its records, or an API server.
fn ask(at: &At, request: Request) -> Result<Response, Failure> {
    match &at.dir {
        Some(dir) => Client::connect(dir)?.ask(request),
        None => remote(&at.kube, request),
    }
}

#[cfg(feature = "kubernetes")]
fn remote(kube: &crate::cli::KubeArgs, request: Request) -> Result<Response, Failure> {
    wait(async {
        crate::remote::Remote::connect(kube)
            .await?
            .answer(request)
            .await
    })
}

#[cfg(not(feature = "kubernetes"))]
fn remote(_: &crate::cli::KubeArgs, _: Request) -> Result<Response, Failure> {
    Err(without_kubernetes())
}

#[cfg(not(feature = "kubernetes"))]
fn without_kubernetes() -> Failure {
    Failure::NotBuilt {
        what: "asking Kubernetes".to_owned(),
        instead: "this program was built without the feature `kubernetes`; name a directory with --local DIR".to_owned(),
    }
}

/// Runs one command's work to its end.
fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map_err(Failure::file("the runtime"))?
        .block_on(work)
}

fn unexpected() -> Failure {
    Failure::Server("the operator that serves gave another answer than was asked for: is it of the same release?".to_owned())
}

fn pretty<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}
