//! `serve`: the engine over a directory, and everything around it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ovo_engine::{Engine, Options, Policy, Runner};
use ovo_model::Wall;
use ovo_provider::{Media, Provider};
use ovo_provider_sim::{SimMedia, SimProvider};
use ovo_store::directory::RESCAN_EVERY;
use ovo_store::{Embedded, ObjectKey};
use ovo_world::WorldConfig;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{LogArgs, LogFormat, ServeArgs, ViewChoice};
use crate::failure::Failure;
use crate::http::{HttpServer, Pages};
use crate::local::{AdminServer, Local, LocalClock, SimOptions};
use crate::logs;
use crate::metrics::Metrics;
use crate::probe::Probe;
use crate::view::{Board, Live, Progress, Watch, tell_lines, tell_logs};

type LocalEngine<P, M> = Engine<Embedded, P, M, LocalClock>;

/// How what happens is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A table, redrawn in place.
    Table,
    /// A line for each change, on standard output.
    Lines,
    /// A log for each change.
    Logs,
}

impl Shown {
    /// What fits the terminal and the flags.
    pub(crate) fn choose(view: ViewChoice, logs: LogArgs) -> Self {
        use std::io::IsTerminal as _;
        match (view, logs.log_format) {
            (ViewChoice::Table, _) => Self::Table,
            (ViewChoice::Lines, _) => Self::Lines,
            (ViewChoice::Auto, LogFormat::Json) => Self::Logs,
            (ViewChoice::Auto, LogFormat::Text) => {
                if std::io::stdout().is_terminal() {
                    Self::Table
                } else {
                    Self::Lines
                }
            }
        }
    }
}

pub(super) fn run(
    args: &ServeArgs,
    logs: LogArgs,
    probe: Option<Arc<dyn Probe>>,
) -> Result<ExitCode, Failure> {
    let Some(seed) = args.simulate.simulate else {
        return super::serve_machines::run(args, logs);
    };
    let config = args
        .simulate_world
        .as_deref()
        .map(world_config)
        .transpose()?;
    let options = SimOptions {
        seed,
        speed: args.simulate_speed,
        start: args.simulate_start.map(|time| Wall(time.as_millisecond())),
        config: config.unwrap_or_else(WorldConfig::demo),
    };
    let Some(dir) = args.dir.as_deref() else {
        return kubernetes(args, logs, &options, probe);
    };
    runtime()?.block_on(async {
        // First of all: whoever finds our socket may ask us to stop.
        let stop = signalled()?;
        let local = Local::simulated(dir, &options)?;
        let shown = Shown::choose(args.view, logs);
        let settings = simulated_options(args.concurrency, policy(args))?;
        let server = Server::start(local, Some(args.listen), settings, shown).await?;
        server.run(stop).await;
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(feature = "kubernetes")]
fn kubernetes(
    args: &ServeArgs,
    logs: LogArgs,
    options: &SimOptions,
    probe: Option<Arc<dyn Probe>>,
) -> Result<ExitCode, Failure> {
    super::serve_kubernetes::run(args, logs, options, probe)
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(
    _: &ServeArgs,
    _: LogArgs,
    _: &SimOptions,
    _: Option<Arc<dyn Probe>>,
) -> Result<ExitCode, Failure> {
    Err(Failure::NotBuilt {
        what: "serving from Kubernetes".to_owned(),
        instead: "this program was built without the feature `kubernetes`; build it with, or serve a directory of \
                  manifests with --local DIR"
            .to_owned(),
    })
}

/// A runtime for a server.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::file("the runtime"))
}

/// What clusters may name, where whoever writes them also runs the operator.
pub(super) fn policy(args: &ServeArgs) -> Policy {
    Policy {
        loopback: args.tenancy.loopback(),
        ..Policy::default()
    }
}

fn world_config(file: &Path) -> Result<WorldConfig, Failure> {
    let text = std::fs::read_to_string(file).map_err(Failure::file(file))?;
    serde_json::from_str(&text).map_err(|error| Failure::Damaged {
        path: file.to_owned(),
        why: error.to_string(),
    })
}

/// Ends at the first SIGTERM or SIGINT; a second one ends the process at once.
pub(crate) fn signalled() -> Result<impl Future<Output = ()> + Send, Failure> {
    let listen = |kind| signal(kind).map_err(Failure::file("signals"));
    let (mut term, mut int) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("stopping after the step in hand; once more to stop at once");
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            crate::view::give_terminal_back();
            std::process::exit(130);
        });
    })
}

/// The engine's settings over a simulated world.
///
/// # Errors
/// When the machine gives no randomness.
pub(crate) fn simulated_options(concurrency: u16, policy: Policy) -> Result<Options, Failure> {
    let mut seed = [0_u8; 8];
    getrandom::fill(&mut seed).map_err(|error| {
        Failure::Usage(format!(
            "no randomness to make infrastructure ids with: {error}"
        ))
    })?;
    Ok(Options {
        concurrency: usize::from(concurrency),
        seed: u64::from_ne_bytes(seed),
        simulated: true,
        policy,
        ..Options::default()
    })
}

/// An operator over a directory.
pub(crate) struct Server<P = SimProvider, M = SimMedia> {
    local: Local,
    engine: Arc<LocalEngine<P, M>>,
    admin: AdminServer,
    http: Option<HttpServer>,
    pub(crate) live: Arc<Live>,
    metrics: Metrics,
    progress: Arc<Progress>,
    shown: Shown,
}

impl Server {
    /// [`Server::over`] the simulated world of a directory.
    pub(crate) async fn start(
        local: Local,
        listen: Option<SocketAddr>,
        options: Options,
        shown: Shown,
    ) -> Result<Self, Failure> {
        let Some(door) = local.door().cloned() else {
            return Err(Failure::Usage(format!(
                "{} has no simulated world: serve it with --simulate",
                local.layout().root().display()
            )));
        };
        let backend = (SimProvider::new(door.clone()), SimMedia::new(door));
        Self::over(local, listen, backend, options, shown).await
    }
}

impl<P: Provider + 'static, M: Media + 'static> Server<P, M> {
    /// Takes sockets and ports; nothing is reconciled yet.
    pub(crate) async fn over(
        local: Local,
        listen: Option<SocketAddr>,
        (provider, media): (P, M),
        options: Options,
        shown: Shown,
    ) -> Result<Self, Failure> {
        let admin = AdminServer::bind(&local)?;
        let http = match listen {
            Some(address) => Some(HttpServer::bind(address).await?),
            None => None,
        };
        let engine = Engine::new(
            local.store().clone(),
            provider,
            media,
            local.clock().clone(),
            options,
        );
        let address = http.as_ref().map(HttpServer::address);
        Ok(Self {
            live: Arc::new(Live::new(
                local.clone(),
                Arc::new(Board::default()),
                address,
            )),
            metrics: Metrics::new(Some(local.store()), local.clock().speed()),
            progress: Arc::new(Progress::new(local.clock().speed())),
            engine: Arc::new(engine),
            local,
            admin,
            http,
            shown,
        })
    }

    /// Works until `stop` is ready, then finishes the steps in hand.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self {
            local,
            engine,
            admin,
            http,
            live,
            metrics,
            progress,
            shown,
        } = self;
        let board = live.board().clone();
        board.scanned(&local.directory().rescan().await);
        let clusters = local.store().list_clusters();
        progress.begin(clusters.iter().map(|view| ObjectKey::of(&*view.cluster)));
        let tell = match shown {
            Shown::Table => None,
            Shown::Lines => Some(tell_lines()),
            Shown::Logs => Some(tell_logs()),
        };
        live.announce(shown == Shown::Logs, shown == Shown::Table);
        let watch = Watch::new(board.clone(), metrics.clone(), progress.clone(), tell);
        let runner = Runner::new(engine, Arc::new(watch));
        let pages = Arc::new(Pages {
            metrics,
            progress: progress.clone(),
            // A file that cannot be written is an error of the round that wrote to it.
            store: Box::new(|| Ok(())),
        });
        let table = async {
            match shown {
                Shown::Table => live.draw_until_dropped().await,
                Shown::Lines | Shown::Logs => std::future::pending().await,
            }
        };
        let follow = local
            .directory()
            .follow(RESCAN_EVERY, |scan| board.scanned(scan));
        let web = async {
            match http {
                Some(http) => http.run(pages).await,
                None => std::future::pending().await,
            }
        };
        let stop = async {
            stop.await;
            progress.end();
        };
        tokio::select! {
            () = runner.run(stop) => {}
            () = admin.run(&local) => {}
            () = web => {}
            () = table => {}
            () = follow => {}
        }
        drop(admin);
        if shown == Shown::Table {
            logs::aside(None);
            live.print_last();
        }
    }
}
