//! The web server from which machines fetch the stand-in installer, and which tells it what to do.

mod orders;
mod script;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use data_encoding::HEXLOWER;
use ovo_machines::Lab;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use orders::Orders;
pub use orders::{Order, Point};

/// The version behind `latest`.
const LATEST: &str = "3.8.0";

/// A web server on the hub of a lab. It ends with this value.
#[derive(Debug)]
pub struct InstallerServer {
    address: SocketAddr,
    state: Arc<Served>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Served {
    base: String,
    image: Option<PathBuf>,
    changing: Mutex<Changing>,
}

#[derive(Debug, Default)]
struct Changing {
    orders: Orders,
    tampered: bool,
    fetched: Vec<(Ipv4Addr, String)>,
}

impl Served {
    fn with<T>(&self, act: impl FnOnce(&mut Changing) -> T) -> T {
        // Nothing in here is left half-done by a panic.
        act(&mut self.changing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl InstallerServer {
    /// Serves an installer whose unit runs without containers: for tests of the installation alone.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(lab: &Lab) -> io::Result<Self> {
        Self::serve(lab, None)
    }

    /// Serves an installer whose unit runs containers from this image, the tar of a root file system.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn with_image(lab: &Lab, image: PathBuf) -> io::Result<Self> {
        Self::serve(lab, Some(image))
    }

    fn serve(lab: &Lab, image: Option<PathBuf>) -> io::Result<Self> {
        let listener = lab.listen(0)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(Served {
            base: format!("http://{address}"),
            image,
            changing: Mutex::default(),
        });
        let router = Router::new()
            .route("/pro/ha/{version}/{script}", get(script))
            .route("/stand-in/orders", get(order))
            .route("/stand-in/image.tar", get(served_image))
            .with_state(Arc::clone(&state))
            .into_make_service_with_connect_info::<SocketAddr>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                tokio::select! {
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What `spec.infrastructure.onPrem.installer.baseURL` must be.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SHA-256 of the script of this version (`3.0.0` to `3.8.0`), in hexadecimal digits. The same for both roles.
    pub fn sha256(&self, version: &str) -> String {
        HEXLOWER.encode(&Sha256::digest(script::text(
            &self.state.base,
            version,
            self.state.image.is_some(),
        )))
    }

    /// From now on scripts are served with other bytes than [`InstallerServer::sha256`] was made from, or again without.
    pub fn tamper(&self, tampered: bool) {
        self.state.with(|state| state.tampered = tampered);
    }

    /// What every machine is told at a point, but for those with an order of their own.
    pub fn order_all(&self, point: Point, order: Order) {
        self.state.with(|state| state.orders.all(point, order));
    }

    /// What one machine is told at a point.
    pub fn order(&self, machine: Ipv4Addr, point: Point, order: Order) {
        self.state
            .with(|state| state.orders.one(machine, point, order));
    }

    /// Machines wait at this point until so many different ones are there; then all go on.
    pub fn gather(&self, point: Point, machines: usize) {
        self.state
            .with(|state| state.orders.gather(point, machines));
    }

    /// The machines whose installer has been at this point.
    pub fn seen(&self, point: Point) -> BTreeSet<Ipv4Addr> {
        self.state.with(|state| state.orders.seen(point))
    }

    /// Waits until the installer of this machine is held at this point by [`Order::Wait`].
    ///
    /// # Errors
    /// When the time is over.
    pub fn await_waiting(
        &self,
        machine: Ipv4Addr,
        point: Point,
        limit: Duration,
    ) -> io::Result<()> {
        let began = Instant::now();
        let told = || self.state.with(|state| state.orders.told(machine, point));
        while told() != Some(Order::Wait) {
            if began.elapsed() > limit {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the installer on {machine} does not wait at {point:?}"),
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Which machine fetched which script, in order: paths such as `3.8.0/install_ov_master_node.sh`.
    pub fn fetched(&self) -> Vec<(Ipv4Addr, String)> {
        self.state.with(|state| state.fetched.clone())
    }
}

impl Drop for InstallerServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Nothing to tell a test that is at its end.
            let _ = thread.join();
        }
    }
}

fn machine(peer: SocketAddr) -> Ipv4Addr {
    match peer {
        SocketAddr::V4(peer) => *peer.ip(),
        // The listener is one of IPv4.
        SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

async fn script(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((version, script)): Path<(String, String)>,
) -> Result<String, StatusCode> {
    let scripts = ["install_ov_master_node.sh", "install_ov_media_node.sh"];
    let number = if version == "latest" {
        LATEST
    } else {
        version.as_str()
    };
    if !scripts.contains(&script.as_str()) || !script::is_known(number) {
        return Err(StatusCode::NOT_FOUND);
    }
    let mut text = script::text(&served.base, number, served.image.is_some());
    served.with(|state| {
        state
            .fetched
            .push((machine(peer), format!("{version}/{script}")));
        if state.tampered {
            text.push_str("# changed on its way\n");
        }
    });
    Ok(text)
}

#[derive(Deserialize)]
struct Asked {
    at: Point,
}

async fn order(
    State(served): State<Arc<Served>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(asked): Query<Asked>,
) -> &'static str {
    served
        .with(|state| state.orders.tell(machine(peer), asked.at))
        .word()
}

async fn served_image(State(served): State<Arc<Served>>) -> Result<Vec<u8>, StatusCode> {
    let image = served.image.as_ref().ok_or(StatusCode::NOT_FOUND)?;
    tokio::fs::read(image)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
