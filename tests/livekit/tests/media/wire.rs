//! Between the client and the deployment: what leads to another place, or waits for something to happen first.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use ovo_model::{NodeName, ProviderError};
use ovo_provider::{Dial, Dialled, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens before a stream is opened.
type Before = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

pub struct Wire {
    addresses: BTreeMap<NodeName, Ipv4Addr>,
    bent: Mutex<BTreeMap<(String, u16), SocketAddr>>,
    before: Mutex<BTreeMap<u16, Before>>,
}

impl Wire {
    pub fn new(addresses: BTreeMap<NodeName, Ipv4Addr>) -> Self {
        Self {
            addresses,
            bent: Mutex::default(),
            before: Mutex::default(),
        }
    }

    /// Leads a port of a node elsewhere.
    pub fn bend(&self, node: &str, port: u16, to: SocketAddr) {
        self.bent
            .lock()
            .unwrap()
            .insert((node.to_owned(), port), to);
    }

    pub fn straighten(&self) {
        self.bent.lock().unwrap().clear();
        self.before.lock().unwrap().clear();
    }

    /// Lets something happen each time before this port is dialled on any node.
    pub fn before(&self, port: u16, happens: Before) {
        self.before.lock().unwrap().insert(port, happens);
    }
}

impl Dial for Wire {
    fn dial<'a>(&'a self, _: &'a Target, node: &'a NodeName, port: u16) -> Dialled<'a> {
        let first = self
            .before
            .lock()
            .unwrap()
            .get(&port)
            .map(|happens| happens());
        let bent = self
            .bent
            .lock()
            .unwrap()
            .get(&(node.to_string(), port))
            .copied();
        let to = bent.unwrap_or_else(|| (self.addresses[node], port).into());
        Box::pin(async move {
            if let Some(first) = first {
                first.await;
            }
            let stream = TcpStream::connect(to).await;
            let stream = stream.map_err(|error| {
                ProviderError::Retryable(format!("{node}: port {port}: {error}"))
            })?;
            Ok(Box::new(stream) as Box<dyn ovo_provider::ByteStream>)
        })
    }
}

/// How a server misbehaves.
#[derive(Clone)]
pub enum Manner {
    /// It answers each connection with these bytes and closes.
    Says(Vec<u8>),
    /// It takes connections and says nothing.
    Hangs,
    /// It sends back what it got, as an error of Redis.
    Repeats,
}

impl Manner {
    pub fn http(code: u16, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {code} X\r\ncontent-length: {length}\r\n\r\n{body}");
        Self::Says(text.into_bytes())
    }
}

/// A server that misbehaves, until the test's runtime ends.
pub async fn server(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner.clone()));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut heard = vec![0; 4096];
    let Ok(length) = stream.read(&mut heard).await else {
        return;
    };
    match manner {
        Manner::Says(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Manner::Hangs => tokio::time::sleep(Duration::from_hours(1)).await,
        Manner::Repeats => {
            let text = String::from_utf8_lossy(&heard[..length]).replace(['\r', '\n'], " ");
            let _ = stream
                .write_all(format!("-ERR unknown command {text}\r\n").as_bytes())
                .await;
        }
    }
}
