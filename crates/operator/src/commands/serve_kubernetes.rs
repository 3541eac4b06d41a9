//! `serve` without a directory: the engine over an API server.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ovo_engine::{Engine, Policy, Runner};
use ovo_provider_sim::{SimMedia, SimProvider};
use ovo_store::Store as _;
use ovo_store::kubernetes::{
    Elector, KubernetesOptions, KubernetesStore, Leadership, LeaseOptions, Scope, infer,
};

use super::definitions::Definitions;
use super::led::{LeaderGate, Led};
use super::serve::{Shown, policy, runtime, signalled, simulated_options};
use crate::cli::{LogArgs, LogFormat, ServeArgs, ViewChoice};
use crate::failure::Failure;
use crate::http::{HttpServer, Pages};
use crate::local::{SimOptions, world_in};
use crate::metrics::Metrics;
use crate::probe::Probe;
use crate::tenancy::identities;
use crate::view::{Board, Progress, Watch, say, tell_lines, tell_logs};

/// How long the end of the process waits for events that are not written yet.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until it is told to stop.
pub(super) fn run(
    args: &ServeArgs,
    logs: LogArgs,
    options: &SimOptions,
    probe: Option<Arc<dyn Probe>>,
) -> Result<ExitCode, Failure> {
    let pace = args.lease.checked()?;
    if args.view == ViewChoice::Table {
        return Err(Failure::Usage(
            "--view table shows a served directory (--local DIR); here `kubectl get ovc,ovn --watch` does".to_owned(),
        ));
    }
    let shown = match logs.log_format {
        LogFormat::Json => Shown::Logs,
        LogFormat::Text => Shown::Lines,
    };
    // A folder that is taken away with the process, where none is given. A pod has no place for one: its root is read-only.
    let scratch;
    let folder = if let Some(folder) = &args.simulate_dir {
        folder.as_path()
    } else {
        scratch = tempfile::Builder::new()
            .prefix("openvidu-world-")
            .tempdir()
            .map_err(Failure::file("a temporary directory"))?;
        scratch.path()
    };
    runtime()?.block_on(async {
        // First of all: whoever finds our port may ask us to stop.
        let stop = signalled()?;
        let http = HttpServer::bind(args.listen).await?;
        let client = infer().await?;
        let scope = match &args.namespace {
            _ if args.all_namespaces => Scope::AllNamespaces,
            Some(namespace) => Scope::Namespace(namespace.clone()),
            None => Scope::Namespace(client.default_namespace().to_owned()),
        };
        let home = match &scope {
            Scope::Namespace(namespace) => namespace.clone(),
            Scope::AllNamespaces => client.default_namespace().to_owned(),
        };
        let policy = match &scope {
            Scope::Namespace(_) => policy(args),
            Scope::AllNamespaces => Policy {
                identities: identities(home.clone(), args.tenancy.tenants.as_deref())?,
                ..policy(args)
            },
        };
        let lease = LeaseOptions {
            duration: pace.duration,
            renew_every: pace.renew_every,
            call_timeout: pace.call_timeout,
            ..LeaseOptions::new(home, instance())
        };
        let mut elector = Elector::new(client.clone(), lease);
        let leadership = elector.leadership().clone();
        let gate = LeaderGate {
            leadership: leadership.clone(),
            call_timeout: pace.call_timeout,
            probe,
        };
        let settings = KubernetesOptions {
            call_timeout: pace.call_timeout,
            ..KubernetesOptions::new(scope.clone(), instance())
        };
        // It watches from now on, so that nothing has to be listed when this process takes over.
        let store = KubernetesStore::start(client.clone(), &settings, gate.clone());
        let definitions = Arc::new(Definitions::new(client));
        let speed = options.speed;
        let metrics = Metrics::new(None, speed);
        let progress = Arc::new(Progress::new(speed));
        announce(&scope, &http, shown);
        let health = store.health().clone();
        let known = definitions.clone();
        let pages = Arc::new(Pages {
            metrics: metrics.clone(),
            progress: progress.clone(),
            store: Box::new(move || both(known.check(), health.check())),
        });
        let tell = match shown {
            Shown::Logs => tell_logs(),
            Shown::Lines | Shown::Table => tell_lines(),
        };
        let board = Arc::new(Board::default());
        let watch = Watch::new(board, metrics, progress.clone(), Some(tell));
        let mut stop = std::pin::pin!(stop);
        let work = async {
            tokio::select! {
                () = ready_to_lead(&store, &leadership, &progress) => {}
                // Told to stop before there was anything to do.
                () = &mut stop => return Ok(Ended::Asked),
            }
            say_that_we_lead(shown);
            // Opened by the leader alone: a world has one writer.
            let (door, clock) = world_in(folder, options)?;
            let engine = Engine::new(
                store.clone(),
                Led {
                    inner: SimProvider::new(door.clone()),
                    gate: gate.clone(),
                },
                Led {
                    inner: SimMedia::new(door),
                    gate,
                },
                clock,
                simulated_options(args.concurrency, policy)?,
            );
            let mut ended = Ended::Asked;
            let stop = async {
                tokio::select! {
                    () = stop => {}
                    () = leadership.lost() => ended = Ended::Deposed,
                    () = definitions.outdated() => ended = Ended::Outdated,
                }
                progress.end();
            };
            Runner::new(Arc::new(engine), Arc::new(watch))
                .run(stop)
                .await;
            Ok::<_, Failure>(ended)
        };
        let ended = tokio::select! {
            ended = work => ended?,
            () = http.run(pages) => Ended::Asked,
            // It goes on until the work has noticed and ended its step.
            () = async {
                // Whoever could not lead leaves the Lease to an older process that can.
                definitions.complete().await;
                elector.run().await;
                std::future::pending::<()>().await;
            } => Ended::Deposed,
        };
        elector.release().await;
        store.flush_events(LAST_WORDS).await;
        match ended {
            Ended::Asked => Ok(ExitCode::SUCCESS),
            // What it remembers is another leader's past: it begins anew as one that waits.
            Ended::Deposed => Err(Failure::Server(
                "this process no longer leads; start it again to wait for its turn".to_owned(),
            )),
            Ended::Outdated => Err(Failure::Server(
                definitions.check().err().unwrap_or_default(),
            )),
        }
    })
}

/// All that is wrong: where there are no definitions, it is the watches that say so.
fn both(one: Result<(), String>, other: Result<(), String>) -> Result<(), String> {
    let wrong = [one.err(), other.err()].into_iter().flatten();
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

/// Why serving ended.
enum Ended {
    Asked,
    Deposed,
    /// Somebody put older definitions back.
    Outdated,
}

/// Waits until everything is listed, and then for leadership. Whoever only waits is ready too.
async fn ready_to_lead(store: &KubernetesStore, leadership: &Leadership, progress: &Progress) {
    store.synced().await;
    progress.begin([]);
    leadership.gained().await;
    progress.begin(store.clusters().await.unwrap_or_default());
}

fn say_that_we_lead(shown: Shown) {
    let who = instance();
    if shown == Shown::Logs {
        tracing::info!(identity = who, "leads");
    } else {
        say(&format!("{who} leads"));
    }
}

/// Who reports events: the pod, or the process where there is none.
fn instance() -> String {
    let pod = std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty());
    pod.unwrap_or_else(|| format!("process-{}", std::process::id()))
}

fn announce(scope: &Scope, http: &HttpServer, shown: Shown) {
    let what = match scope {
        Scope::Namespace(namespace) => format!("namespace {namespace}"),
        Scope::AllNamespaces => "all namespaces".to_owned(),
    };
    let address = http.address();
    if shown == Shown::Logs {
        tracing::info!(%address, "serving {what} on a simulated world");
    } else {
        say(&format!(
            "serving {what} on a simulated world; http://{address}/metrics"
        ));
    }
}
