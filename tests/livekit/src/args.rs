//! What the program is told on its command line and in its environment.

use std::io;
use std::net::{IpAddr, SocketAddr};

use clap::{Args, Parser, ValueEnum};

use crate::registry::Registry;
use crate::worker::Kind;
use crate::{door, operator, server, signals, worker};

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
    /// A model of OpenVidu's own operator on a master: gives its keys to the media nodes, and passes connections on to them.
    Operator(Operator),
    /// A port that answers every request with 200, for servers of which only their health is asked.
    Port(Port),
}

/// Where Redis is. Its password, `REDIS_PASSWORD`, is read from the environment alone.
#[derive(Args)]
pub(crate) struct Redis {
    /// One Redis.
    #[arg(
        long,
        env = "REDIS_ADDRESS",
        conflicts_with = "sentinels",
        required_unless_present = "sentinels"
    )]
    redis: Option<SocketAddr>,
    /// Sentinels that know which Redis is the primary of `openvidu`.
    #[arg(long, env = "REDIS_SENTINELS", value_delimiter = ',')]
    sentinels: Vec<SocketAddr>,
}

impl Redis {
    pub(crate) fn registry(&self) -> io::Result<Registry> {
        let password = std::env::var("REDIS_PASSWORD").ok();
        Registry::new(self.redis, &self.sentinels, password.as_deref()).map_err(io::Error::other)
    }
}

/// Where Redis is, for a program that can do without.
#[derive(Args)]
pub(crate) struct MaybeRedis {
    /// One Redis.
    #[arg(long, env = "REDIS_ADDRESS", conflicts_with = "sentinels")]
    redis: Option<SocketAddr>,
    /// Sentinels that know which Redis is the primary of `openvidu`.
    #[arg(long, env = "REDIS_SENTINELS", value_delimiter = ',')]
    sentinels: Vec<SocketAddr>,
}

impl MaybeRedis {
    fn registry(self) -> io::Result<Option<Registry>> {
        let Self { redis, sentinels } = self;
        let given = redis.is_some() || !sentinels.is_empty();
        given
            .then(|| Redis { redis, sentinels }.registry())
            .transpose()
    }
}

/// Key and secret of the API, from `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` in the environment.
pub(crate) fn keys() -> io::Result<(String, String)> {
    let read = |name: &str| {
        std::env::var(name).map_err(|_| io::Error::other(format!("{name} is not set")))
    };
    Ok((read("LIVEKIT_API_KEY")?, read("LIVEKIT_API_SECRET")?))
}

/// Settings of the model of LiveKit's server.
#[derive(Args)]
pub struct Livekit {
    /// Address that other nodes find it at.
    #[arg(long, env = "NODE_IP")]
    pub(crate) ip: IpAddr,
    /// Address that it listens on; that one, when absent.
    #[arg(long)]
    pub(crate) bind: Option<IpAddr>,
    /// Port of its API. Other nodes are believed to have the same.
    #[arg(long, default_value_t = 7880)]
    pub(crate) port: u16,
    /// Port of its metrics, and of the door of the model.
    #[arg(long, default_value_t = 6789)]
    pub(crate) metrics_port: u16,
    /// Take key and secret of the API from Redis, where the model of OpenVidu's operator puts them.
    #[arg(long)]
    pub(crate) keys_from_redis: bool,
    /// Do this wrong, so that the suite is seen to notice it.
    #[arg(long, value_enum, hide = true)]
    pub(crate) defect: Option<Defect>,
    #[command(flatten)]
    pub(crate) redis: Redis,
}

/// What a model of LiveKit's server does wrong, if it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Defect {
    /// It verifies no signature.
    BelievesAnybody,
    /// It is healthy, whatever Redis does.
    AlwaysHealthy,
    /// Its record says that it serves while it drains.
    HidesDrain,
    /// The first signal cuts everybody off.
    CutsAtOnce,
    /// Rooms without people hold a drain up.
    WaitsForRooms,
    /// The second signal does nothing.
    WaitsForEver,
    /// The second signal breaks connections without a word.
    SaysNothing,
    /// SIGHUP drains.
    DrainsOnHangUp,
    /// It leaves its record behind when it ends.
    LeavesRecord,
    /// Each start has the same id.
    KeepsId,
}

/// Settings of the model of OpenVidu's operator.
#[derive(Args)]
pub struct Operator {
    /// Where connections to media nodes come in.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// Port of the API of media nodes.
    #[arg(long, default_value_t = 7880)]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) redis: Redis,
}

/// Settings of a model of egress or ingress.
#[derive(Args)]
pub struct Worker {
    /// Where its health, and the door of the model, are.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    redis: MaybeRedis,
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
    let drains_on_hang_up = matches!(&command,
        Command::Livekit(settings) if settings.defect == Some(Defect::DrainsOnHangUp));
    let signals = signals::receive(drains_on_hang_up)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(async {
            match command {
                Command::Livekit(settings) => server::run(*settings, signals).await,
                Command::Egress(settings) => {
                    worker::run(Kind::Egress, settings.listen, None, signals).await
                }
                Command::Ingress(settings) => {
                    let registry = settings.redis.registry()?;
                    worker::run(Kind::Ingress, settings.listen, registry, signals).await
                }
                Command::Operator(settings) => operator::run(settings, signals).await,
                Command::Port(settings) => door::run_port(settings.listen, signals).await,
            }
        })
}
