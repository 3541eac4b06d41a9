//! What the model and the real server have to agree on.
//!
//! The suite knows neither: it speaks Redis, HTTP, WebSocket and signals to a [`Target`]. Whoever has real servers
//! fills one in for them and runs every [`Check`].
//!
//! It was never run on a real server. Where it comes from: LiveKit's source, version 1.13, read.

mod ask;
mod checks;
mod lives;

use std::fmt;
use std::io;
use std::net::SocketAddr;

use nix::sys::signal::Signal;

/// Two servers with one Redis that nobody else uses, and what it takes to reach them.
pub struct Target {
    /// The servers. The suite ends them and starts them again.
    pub servers: [Server; 2],
    /// Redis, such as `redis://:password@127.0.0.1:7000`. The suite makes it pause for some seconds.
    pub redis: String,
    /// Key of the API.
    pub key: String,
    /// Its secret.
    pub secret: String,
}

/// One server.
pub struct Server {
    /// Where its API is.
    pub api: SocketAddr,
    /// Where its metrics are.
    pub metrics: SocketAddr,
    /// The process.
    pub process: Box<dyn Process>,
}

/// A server's process.
pub trait Process {
    /// Starts it, when it does not run.
    ///
    /// # Errors
    /// When that cannot be done.
    fn start(&mut self) -> io::Result<()>;

    /// Sends it a signal.
    ///
    /// # Errors
    /// When that cannot be done, or it does not run.
    fn signal(&mut self, signal: Signal) -> io::Result<()>;

    /// Whether it runs.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn runs(&mut self) -> io::Result<bool>;
}

/// Something that should hold of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A server that is up is healthy, serves, and says so every two seconds.
    Record,
    /// Nothing is done without a token that grants it.
    Tokens,
    /// Rooms are made and listed, in protobuf and in JSON.
    Rooms,
    /// People in a room are counted where the room is, whichever server they came to.
    People,
    /// No record of its own for four seconds: 406.
    Silence,
    /// The first signal, SIGQUIT, drains: nothing new, nobody cut off, and it ends when the last one has left.
    Drain,
    /// SIGTERM drains; a room with nobody in it holds nothing up.
    EmptyRoom,
    /// SIGINT drains; the second signal cuts everybody off, telling why.
    SecondSignal,
    /// SIGHUP kills.
    HangUp,
    /// SIGKILL leaves records, which are believed for five seconds; a later start has another id and clears up.
    Kill,
}

impl Check {
    /// All of them, in an order in which they can run one after the other.
    pub const ALL: [Self; 10] = [
        Self::Record,
        Self::Tokens,
        Self::Rooms,
        Self::People,
        Self::Silence,
        Self::Drain,
        Self::EmptyRoom,
        Self::SecondSignal,
        Self::HangUp,
        Self::Kill,
    ];

    /// Asks the servers; starts those that do not run. At most a minute, a few seconds for most.
    ///
    /// # Errors
    /// When it does not hold, or could not be found out.
    pub async fn run(self, target: &mut Target) -> Result<(), Failure> {
        lives::up(target).await?;
        match self {
            Self::Record => checks::record(target).await,
            Self::Tokens => checks::tokens(target).await,
            Self::Rooms => checks::rooms(target).await,
            Self::People => checks::people(target).await,
            Self::Silence => checks::silence(target).await,
            Self::Drain => lives::drain(target).await,
            Self::EmptyRoom => lives::empty_room(target).await,
            Self::SecondSignal => lives::second_signal(target).await,
            Self::HangUp => lives::hang_up(target).await,
            Self::Kill => lives::kill(target).await,
        }
    }
}

/// Why something does not hold.
#[derive(Debug)]
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Fails with this text unless it holds.
fn hold(that: bool, otherwise: impl fmt::Display) -> Result<(), Failure> {
    if that {
        Ok(())
    } else {
        Err(Failure(otherwise.to_string()))
    }
}
