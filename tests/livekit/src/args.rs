//! What the program is told on its command line and in its environment.

use std::io;
use std::net::{IpAddr, SocketAddr};

use clap::{Args, Parser};

use crate::worker::Kind;
use crate::{door, server, signals, worker};

/// Models of the servers of a deployment of OpenVidu. None of them is the real one.
#[derive(Parser)]
#[command(name = "ovo-livekit-model")]
pub enum Command {
    /// A model of LiveKit's server.
    Livekit(Box<Livekit>),
    /// A model of LiveKit's egress.
    Egress(Worker),
    /// A model of LiveKit's ingress.
    Ingress(Worker),
    /// A port that answers every request with 200, for servers of which only their health is asked.
    Port(Port),
}

/// Settings of the model of LiveKit's server. Its secrets, `LIVEKIT_API_SECRET` and `REDIS_PASSWORD`, are read from the
/// environment alone.
#[derive(Args)]
pub struct Livekit {
    /// Address that it listens on and that other nodes find it at.
    #[arg(long, env = "NODE_IP")]
    pub(crate) ip: IpAddr,
    /// Port of its API. Other nodes are believed to have the same.
    #[arg(long, default_value_t = 7880)]
    pub(crate) port: u16,
    /// Port of its metrics, and of the door of the model.
    #[arg(long, default_value_t = 6789)]
    pub(crate) metrics_port: u16,
    /// The key of its API.
    #[arg(long, env = "LIVEKIT_API_KEY")]
    pub(crate) api_key: String,
    /// One Redis.
    #[arg(
        long,
        env = "REDIS_ADDRESS",
        conflicts_with = "sentinels",
        required_unless_present = "sentinels"
    )]
    pub(crate) redis: Option<SocketAddr>,
    /// Sentinels that know which Redis is the primary of `openvidu`.
    #[arg(long, env = "REDIS_SENTINELS", value_delimiter = ',')]
    pub(crate) sentinels: Vec<SocketAddr>,
}

/// Settings of a model of egress or ingress.
#[derive(Args)]
pub struct Worker {
    /// Where its health, and the door of the model, are.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
}

/// Settings of a port.
#[derive(Args)]
pub struct Port {
    /// Where.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
}

/// Runs until it is stopped; its exit code.
///
/// # Errors
/// When a port is taken.
pub fn run(command: Command) -> io::Result<u8> {
    // Before there is any other thread: they inherit that these signals wait for one of ours.
    let signals = signals::receive()?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(async {
            match command {
                Command::Livekit(settings) => server::run(*settings, signals).await,
                Command::Egress(settings) => {
                    worker::run(Kind::Egress, settings.listen, signals).await
                }
                Command::Ingress(settings) => {
                    worker::run(Kind::Ingress, settings.listen, signals).await
                }
                Command::Port(settings) => door::run_port(settings.listen, signals).await,
            }
        })
}
