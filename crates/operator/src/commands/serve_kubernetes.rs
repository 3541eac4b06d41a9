//! `serve` without a directory: the engine over an API server.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ovo_engine::{Engine, Runner};
use ovo_provider_sim::{SimMedia, SimProvider};
use ovo_store::Store as _;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, Scope, infer};

use super::serve::{Shown, runtime, signalled, simulated_options};
use crate::cli::{LogArgs, LogFormat, ServeArgs, ViewChoice};
use crate::failure::Failure;
use crate::http::{HttpServer, Pages};
use crate::local::{SimOptions, world_in};
use crate::metrics::Metrics;
use crate::view::{Board, Progress, Watch, say, tell_lines, tell_logs};

/// How long the end of the process waits for events that are not written yet.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until it is told to stop.
pub(super) fn run(
    args: &ServeArgs,
    logs: LogArgs,
    options: &SimOptions,
) -> Result<ExitCode, Failure> {
    if args.view == ViewChoice::Table {
        return Err(Failure::Usage(
            "--view table shows a served directory (--local DIR); here `kubectl get ovc,ovn --watch` does".to_owned(),
        ));
    }
    let shown = match logs.log_format {
        LogFormat::Json => Shown::Logs,
        LogFormat::Text => Shown::Lines,
    };
    // A folder that is taken away with the process, where none is given.
    let scratch = tempfile::Builder::new()
        .prefix("openvidu-world-")
        .tempdir()
        .map_err(Failure::file("a temporary directory"))?;
    let folder = args.simulate_dir.as_deref().unwrap_or(scratch.path());
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
        let (door, clock) = world_in(folder, options)?;
        let settings = KubernetesOptions::new(scope.clone(), instance());
        let store = KubernetesStore::start(client, &settings, AlwaysOpen);
        let engine = Engine::new(
            store.clone(),
            SimProvider::new(door.clone()),
            SimMedia::new(door),
            clock.clone(),
            simulated_options(args.concurrency)?,
        );
        let metrics = Metrics::new(None, clock.speed());
        let progress = Arc::new(Progress::new(clock.speed()));
        let tell = match shown {
            Shown::Logs => tell_logs(),
            Shown::Lines | Shown::Table => tell_lines(),
        };
        let watch = Watch::new(
            Arc::new(Board::default()),
            metrics.clone(),
            progress.clone(),
            Some(tell),
        );
        announce(&scope, &http, shown);
        let runner = Runner::new(Arc::new(engine), Arc::new(watch));
        let health = store.health().clone();
        let pages = Arc::new(Pages {
            metrics,
            progress: progress.clone(),
            store: Box::new(move || health.check()),
        });
        let mut stop = std::pin::pin!(stop);
        let work = async {
            tokio::select! {
                () = store.synced() => {}
                // Told to stop before there was anything to do.
                () = &mut stop => return,
            }
            progress.begin(store.clusters().await.unwrap_or_default());
            let stop = async {
                stop.await;
                progress.end();
            };
            runner.run(stop).await;
        };
        tokio::select! {
            () = work => {}
            () = http.run(pages) => {}
        }
        store.flush_events(LAST_WORDS).await;
        Ok(ExitCode::SUCCESS)
    })
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
