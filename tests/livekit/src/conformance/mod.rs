//! What the model and the real server have to agree on.
//!
//! The suite knows neither: it speaks Redis, HTTP, WebSocket and signals to a [`Target`]. Whoever has real servers
//! fills one in for them and calls [`run`].
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

/// A check, and what it found.
#[derive(Debug)]
pub struct Verdict {
    /// What should hold.
    pub check: &'static str,
    /// Why it does not.
    pub failure: Option<Failure>,
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

/// Runs every check, one after the other; each one starts what another one ended. About a minute.
pub async fn run(target: &mut Target) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    macro_rules! check {
        ($what:literal, $check:expr) => {
            let failure = match lives::up(target).await {
                Ok(()) => $check(target).await.err(),
                Err(failure) => Some(failure),
            };
            verdicts.push(Verdict {
                check: $what,
                failure,
            });
        };
    }
    check!(
        "a server that is up is healthy, serves, and says so every two seconds",
        checks::record
    );
    check!(
        "nothing is done without a token that grants it",
        checks::tokens
    );
    check!(
        "rooms are made and listed, in protobuf and in JSON",
        checks::rooms
    );
    check!(
        "people in a room are counted where the room is, whichever server they came to",
        checks::people
    );
    check!(
        "no record of its own for four seconds: 406",
        checks::silence
    );
    check!(
        "the first signal, SIGQUIT, drains: nothing new, nobody cut, and it ends when the last one left",
        lives::drain
    );
    check!(
        "SIGTERM drains; a room with nobody in it holds nothing up",
        lives::empty_room
    );
    check!(
        "SIGINT drains; the second signal, whichever, cuts everybody off, telling why",
        lives::second_signal
    );
    check!("SIGHUP kills", lives::hang_up);
    check!(
        "SIGKILL leaves records, which are believed for five seconds; a later start has another id and clears up",
        lives::kill
    );
    verdicts
}

/// Fails with this text unless it holds.
fn hold(that: bool, otherwise: impl fmt::Display) -> Result<(), Failure> {
    if that {
        Ok(())
    } else {
        Err(Failure(otherwise.to_string()))
    }
}
