//! The door of a model, through which a test asks what no real server would tell, and a port that only answers.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

/// Where the door is, on the port of metrics or health.
pub(crate) const PATH: &str = "/model";

/// What a model tells of itself.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Told {
    /// Its id in Redis; empty where it has none.
    pub(crate) node_id: String,
    /// The signals that it got, in order.
    pub(crate) signals: Vec<String>,
}

/// A server that answers everything with 200, until SIGTERM, SIGINT or SIGQUIT.
pub(crate) async fn run_port(
    listen: SocketAddr,
    mut signals: UnboundedReceiver<Signal>,
) -> io::Result<u8> {
    let listener = TcpListener::bind(listen).await?;
    let router = Router::new().fallback(|| async { "OK" });
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        _ = signals.recv() => {}
    }
    Ok(0)
}
