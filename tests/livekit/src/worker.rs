//! Models of egress and ingress: jobs that somebody begins and ends through the door, health, and how they end.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::door::{self, Told};
use crate::registry::Registry;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Egress,
    Ingress,
}

struct Worker {
    kind: Kind,
    /// Where LiveKit's server would write what an ingress tells it.
    registry: Option<Registry>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    draining: bool,
    jobs: BTreeMap<String, Value>,
    signals: Vec<String>,
}

impl Worker {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half-done by a panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until it was told to end and no job is left. SIGINT ends the jobs, too.
pub(crate) async fn run(
    kind: Kind,
    listen: SocketAddr,
    registry: Option<Registry>,
    signals: UnboundedReceiver<Signal>,
) -> io::Result<u8> {
    let worker = Arc::new(Worker {
        kind,
        registry,
        inner: Mutex::default(),
    });
    let listener = TcpListener::bind(listen).await?;
    let routes = Router::new()
        .route("/", get(health))
        .route("/availability", get(availability))
        .route(door::PATH, get(told))
        .route("/model/jobs/{id}", put(begin).delete(end))
        .with_state(Arc::clone(&worker));
    tokio::select! {
        served = axum::serve(listener, routes) => served?,
        () = on_signals(&worker, signals) => {}
    }
    Ok(0)
}

async fn on_signals(worker: &Worker, mut signals: UnboundedReceiver<Signal>) {
    let Some(first) = signals.recv().await else {
        return;
    };
    {
        let mut inner = worker.lock();
        inner.signals.push(first.to_string());
        inner.draining = true;
        if first == Signal::SIGINT {
            inner.jobs.clear();
        }
    }
    // Later signals are swallowed: counted, and nothing else.
    loop {
        tokio::select! {
            later = signals.recv() => if let Some(later) = later {
                worker.lock().signals.push(later.to_string());
            },
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        if worker.lock().jobs.is_empty() {
            return;
        }
    }
}

/// Egress answers with its load and its jobs, ingress with one word.
async fn health(State(worker): State<Arc<Worker>>) -> String {
    match worker.kind {
        Kind::Ingress => "Healthy".to_owned(),
        Kind::Egress => {
            let mut told = worker.lock().jobs.clone();
            told.insert("CpuLoad".to_owned(), json!(0.1));
            json!(told).to_string()
        }
    }
}

async fn availability(State(worker): State<Arc<Worker>>) -> StatusCode {
    if worker.lock().draining {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}

async fn told(State(worker): State<Arc<Worker>>) -> Json<Told> {
    Json(Told {
        node_id: String::new(),
        signals: worker.lock().signals.clone(),
    })
}

/// Begins a job; one that drains takes none.
async fn begin(State(worker): State<Arc<Worker>>, Path(id): Path<String>) -> StatusCode {
    {
        let mut inner = worker.lock();
        if inner.draining {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        inner.jobs.insert(id.clone(), json!({}));
    }
    told_redis(&worker, &id, true)
        .await
        .unwrap_or(StatusCode::CREATED)
}

/// Has it written down whether this ingress is taken in. `Some`: that failed.
async fn told_redis(worker: &Worker, id: &str, runs: bool) -> Option<StatusCode> {
    let registry = worker.registry.as_ref()?;
    let told = registry.take_in(id, runs).await;
    told.err().map(|error| {
        eprintln!("model: Redis: {error}");
        StatusCode::BAD_GATEWAY
    })
}

async fn end(State(worker): State<Arc<Worker>>, Path(id): Path<String>) -> StatusCode {
    if worker.lock().jobs.remove(&id).is_none() {
        return StatusCode::NOT_FOUND;
    }
    told_redis(&worker, &id, false)
        .await
        .unwrap_or(StatusCode::NO_CONTENT)
}
