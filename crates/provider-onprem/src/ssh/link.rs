//! A machine that we keep a connection to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::access::Access;
use super::connect::Connect;
use super::error::SshError;
use super::session::{Channel, Command, For, Output, Session};

/// How long and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From nothing to logged in.
    pub connect: Duration,
    /// One command, from sending it to its exit code. A fifth of a leader's lease or less: a call that began with the
    /// lease must end within it.
    pub call: Duration,
    /// When nothing was heard for so long, the machine is asked whether it lives.
    pub keep_alive: Duration,
    /// After so many unanswered questions the connection is given up.
    pub keep_alives: usize,
    /// Bytes of one command's output.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            call: Duration::from_secs(5),
            keep_alive: Duration::from_secs(5),
            keep_alives: 2,
            output: 8 << 20,
        }
    }
}

/// A machine and, while it lasts, the connection to it. Commands share the connection, each in a channel of its own.
pub struct Link {
    access: Access,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) limits: Limits,
    session: Mutex<Option<Arc<Session>>>,
}

impl Link {
    /// A link that is not connected yet: the first command does that.
    pub fn new(access: Access, connect: Arc<dyn Connect>, limits: Limits) -> Self {
        Self {
            access,
            connect,
            limits,
            session: Mutex::new(None),
        }
    }

    /// Which machine.
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Runs one command as root and waits for its exit code.
    ///
    /// # Errors
    /// See [`SshError`]. After [`SshError::Broken`] and [`SshError::Timeout`] the command may have had its effect.
    pub async fn run(&self, command: &Command) -> Result<Output, SshError> {
        self.run_within(command, self.limits.call).await
    }

    /// The same with another limit than [`Limits::call`]: for what changes nothing, and so may outlast a lease.
    ///
    /// # Errors
    /// As [`Link::run`].
    pub async fn run_within(&self, command: &Command, limit: Duration) -> Result<Output, SshError> {
        let line = command.line(&self.access)?;
        let (session, channel) = self.open(For::Command).await?;
        let call = tokio::time::timeout(
            limit,
            session.run(channel, line, command.input(), self.limits.output),
        );
        let result = match call.await {
            Ok(result) => result.map_err(|failure| failure.on(&self.access.name)),
            Err(_) => Err(SshError::Timeout {
                machine: self.access.name.clone(),
                what: "a command",
                limit,
            }),
        };
        match result {
            Ok(output) => output.unless_refused(&self.access),
            Err(error) => {
                self.forget(&session).await;
                Err(error)
            }
        }
    }

    /// Ends the connection; the next command makes a new one.
    pub async fn close(&self) {
        let session = self.session.lock().await.take();
        if let Some(session) = session {
            session.close().await;
        }
    }

    /// A channel over the connection that is there, else over a new one. A connection that died unnoticed shows when
    /// the channel is opened: nothing was sent yet, so trying once more is safe.
    pub(super) async fn open(
        &self,
        what_for: For<'_>,
    ) -> Result<(Arc<Session>, Channel), SshError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.is_open()) {
            let opened = tokio::time::timeout(self.limits.connect, session.open(what_for)).await;
            match opened {
                Ok(Ok(channel)) => return Ok((Arc::clone(session), channel)),
                // Refused by word, over a connection that is whole: another one would hear the same.
                Ok(Err(failure)) if failure.refused().is_some() => {
                    return Err(failure.on(&self.access.name));
                }
                _ => {}
            }
        }
        *kept = None;
        let timeout = |_| SshError::Timeout {
            machine: self.access.name.clone(),
            what: "logging in",
            limit: self.limits.connect,
        };
        let both = async {
            let session = Session::connect(&self.access, &*self.connect, &self.limits).await?;
            let session = Arc::new(session);
            let opened = session.open(what_for).await;
            Ok::<_, SshError>((session, opened))
        };
        let (session, opened) = tokio::time::timeout(self.limits.connect, both)
            .await
            .map_err(timeout)??;
        let whole = opened
            .as_ref()
            .err()
            .is_none_or(|failure| failure.refused().is_some());
        *kept = whole.then(|| Arc::clone(&session));
        let channel = opened.map_err(|failure| failure.on(&self.access.name))?;
        Ok((session, channel))
    }

    /// A connection over which a command was lost is not used again.
    async fn forget(&self, lost: &Arc<Session>) {
        let mut kept = self.session.lock().await;
        if kept
            .as_ref()
            .is_some_and(|session| Arc::ptr_eq(session, lost))
        {
            *kept = None;
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("access", &self.access)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
