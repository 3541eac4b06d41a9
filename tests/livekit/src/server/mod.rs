//! The model of LiveKit's server.

mod heart;
mod metrics;
mod node;
mod relay;
mod rooms;
mod rtc;
mod stop;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use nix::sys::signal::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::{Livekit, keys};
use crate::door;
use node::Node;

/// Runs until it is drained or forced; then its records are gone and all that is left is to end the process.
pub(crate) async fn run(settings: Livekit, signals: UnboundedReceiver<Signal>) -> io::Result<u8> {
    let registry = settings.redis.registry()?;
    let (key, secret) = if settings.keys_from_redis {
        let keys = registry.keys().await.map_err(io::Error::other)?;
        keys.ok_or_else(|| io::Error::other("no master has put the keys into Redis yet"))?
    } else {
        keys()?
    };
    let node = Arc::new(Node::new(&settings, &key, &secret, registry));

    let bind = settings.bind.unwrap_or(settings.ip);
    let api = TcpListener::bind((bind, settings.port)).await?;
    let metrics = TcpListener::bind((bind, settings.metrics_port)).await?;
    let api_routes = Router::new()
        .route("/", get(health))
        .route("/rtc", get(rtc::join))
        .route("/rtc/validate", get(rtc::validate))
        .route("/twirp/livekit.RoomService/{method}", post(rooms::call))
        .with_state(Arc::clone(&node));
    let metrics_routes = Router::new()
        .route("/metrics", get(metrics::text))
        .route(door::PATH, get(metrics::door))
        .with_state(Arc::clone(&node));
    println!("model: LiveKit's server, node {}", node.id);
    tokio::select! {
        served = axum::serve(api, api_routes) => served?,
        served = axum::serve(metrics, metrics_routes) => served?,
        () = heart::beat(&node) => {}
        () = stop::on_signals(&node, signals) => {}
    }
    stop::clean(&node).await;
    Ok(0)
}

/// 406 while the node's own record is old: that is how trouble with Redis shows.
async fn health(State(node): State<Arc<Node>>) -> (StatusCode, &'static str) {
    if node.is_fresh() {
        (StatusCode::OK, "OK")
    } else {
        (StatusCode::NOT_ACCEPTABLE, "Not Ready")
    }
}
