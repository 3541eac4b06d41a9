//! What can go wrong with a server.

use std::io;

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::server::{ApiServer, lock};

/// A process that can be stopped in its tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The API server: it accepts connections and says nothing.
    ApiServer,
    /// The store: the API server answers, but knows nothing and keeps nothing.
    Etcd,
}

impl ApiServer {
    /// Kills the API server: connections break in mid-sentence.
    ///
    /// # Errors
    /// When it is down.
    pub fn kill_apiserver(&self) -> io::Result<()> {
        self.stop_apiserver(Signal::KILL)
    }

    /// Asks the API server to end, and waits until it has: watches end as if the server had nothing more to say.
    ///
    /// # Errors
    /// When it is down, or does not end within a minute.
    pub fn terminate_apiserver(&self) -> io::Result<()> {
        self.stop_apiserver(Signal::TERM)
    }

    /// Starts the API server again, with the same address, certificate and store, and returns when it is ready.
    ///
    /// # Errors
    /// When it runs, or does not come up; with what it said.
    pub fn start_apiserver(&self) -> io::Result<()> {
        let mut place = lock(&self.apiserver);
        if place.is_some() {
            return Err(io::Error::other("kube-apiserver runs already"));
        }
        *place = Some(self.launch()?);
        Ok(())
    }

    /// Stops a process in its tracks until [`ApiServer::resume`]. When this returns, none of its threads runs any more.
    ///
    /// # Errors
    /// When it is down.
    pub fn pause(&self, part: Part) -> io::Result<()> {
        self.on(part, Daemon::pause)
    }

    /// Lets a process go on.
    ///
    /// # Errors
    /// When it is down.
    pub fn resume(&self, part: Part) -> io::Result<()> {
        self.on(part, |daemon| daemon.signal(Signal::CONT))
    }

    /// Lets a store that was full take writes again: what was deleted since is forgotten, and its room given back.
    ///
    /// # Errors
    /// When the store is down, or says no.
    pub fn make_room(&self) -> io::Result<()> {
        crate::etcd::make_room(self.state())
    }

    fn stop_apiserver(&self, signal: Signal) -> io::Result<()> {
        let daemon = lock(&self.apiserver).take().ok_or_else(down)?;
        daemon.stop(signal)
    }

    fn on(&self, part: Part, act: impl Fn(&Daemon) -> io::Result<()>) -> io::Result<()> {
        match part {
            Part::ApiServer => act(lock(&self.apiserver).as_ref().ok_or_else(down)?),
            Part::Etcd => act(&lock(&self.etcd)),
        }
    }
}

fn down() -> io::Error {
    io::Error::other("kube-apiserver is down: start it first")
}
