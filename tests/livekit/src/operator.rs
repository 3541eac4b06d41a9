//! A model of what OpenVidu's own operator does on a master, as far as a deployment of models needs it: media nodes get
//! the keys of the API, and connections that come in are passed on to a media node that serves.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::{Operator, keys};
use crate::registry::Registry;
use crate::selection::{now, select};

/// How often it looks who is there.
const LOOK: Duration = Duration::from_secs(1);

/// The media node that is next; `None` while there is none.
type Next = Arc<Mutex<Option<IpAddr>>>;

pub(crate) async fn run(
    settings: Operator,
    mut signals: UnboundedReceiver<Signal>,
) -> io::Result<u8> {
    let (key, secret) = keys()?;
    let registry = settings.redis.registry()?;
    let listener = TcpListener::bind(settings.listen).await?;
    let next = Next::default();
    tokio::select! {
        () = look(&registry, &key, &secret, &next) => {}
        passed = pass_on(&listener, settings.port, &next) => passed?,
        _ = signals.recv() => {}
    }
    Ok(0)
}

async fn look(registry: &Registry, key: &str, secret: &str, next: &Next) {
    loop {
        let found = match registry.give_keys(key, secret).await {
            Ok(()) => registry.nodes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(nodes) => {
                let node = select(&nodes, now()).and_then(|node| node.ip.parse().ok());
                *next.lock().unwrap_or_else(PoisonError::into_inner) = node;
            }
            Err(error) => eprintln!("model: Redis: {error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn pass_on(listener: &TcpListener, port: u16, next: &Next) -> io::Result<()> {
    loop {
        let (mut near, _) = listener.accept().await?;
        let node = *next.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(node) = node else {
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut far) = TcpStream::connect(SocketAddr::new(node, port)).await {
                // Either side may break off at any time: that is theirs to notice.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
}
