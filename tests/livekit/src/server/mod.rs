//! The model of LiveKit's server.

mod heart;
mod metrics;
mod node;
mod relay;
mod rooms;
mod rtc;
mod stop;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use nix::sys::signal::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::Livekit;
use crate::door;
use crate::registry::Registry;
use node::Node;

/// Runs until it is drained or forced; then its records are gone and all that is left is to end the process.
pub(crate) async fn run(settings: Livekit, signals: UnboundedReceiver<Signal>) -> io::Result<u8> {
    let secret = std::env::var("LIVEKIT_API_SECRET")
        .map_err(|_| io::Error::other("LIVEKIT_API_SECRET is not set"))?;
    let password = std::env::var("REDIS_PASSWORD").ok();
    let registry = Registry::new(settings.redis, &settings.sentinels, password.as_deref())
        .map_err(io::Error::other)?;
    let node = Arc::new(Node::new(&settings, &secret, registry));

    let api = TcpListener::bind((settings.ip, settings.port)).await?;
    let metrics = TcpListener::bind(SocketAddr::new(settings.ip, settings.metrics_port)).await?;
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
