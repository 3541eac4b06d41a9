//! One connection, and commands over it.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use ovo_api::spec::BecomeRoot;
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{AlgorithmKind, ChannelMsg, Disconnect, Preferred};
use secrecy::ExposeSecret;

use super::access::Access;
use super::connect::Connect;
use super::error::{Refusal, SshError};
use super::handler::{Handler, HandshakeError};
use super::link::Limits;

pub(crate) type Channel = russh::Channel<Msg>;

/// A shell script, its arguments, and what it reads. Anybody on the machine can see script and arguments in the list
/// of processes; what is secret goes in by [`Command::reads`].
pub struct Command {
    script: Cow<'static, str>,
    arguments: Vec<String>,
    input: Vec<u8>,
}

/// How a command ended and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit code.
    pub code: u32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

// === impl Command ===

impl Command {
    /// A script for bash.
    pub fn new(script: impl Into<Cow<'static, str>>) -> Self {
        Self {
            script: script.into(),
            arguments: Vec::new(),
            input: Vec::new(),
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With this on standard input, which ends there.
    #[must_use]
    pub fn reads(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    pub(crate) fn input(&self) -> &[u8] {
        &self.input
    }

    /// The line for the login shell: whatever that shell is, it only has to start bash.
    pub(crate) fn line(&self, access: &Access) -> Result<String, SshError> {
        let sudo: &[&str] = match access.become_root {
            BecomeRoot::Sudo => &["sudo", "-n", "--"],
            BecomeRoot::NotNeeded => &[],
        };
        let fixed = ["/bin/bash", "-c", &self.script, "openvidu-operator"];
        let words = ["exec"].iter().chain(sudo).chain(&fixed).copied();
        shlex::try_join(words.chain(self.arguments.iter().map(String::as_str))).map_err(|_| {
            SshError::Unspeakable {
                machine: access.name.clone(),
            }
        })
    }
}

// === impl Output ===

impl Output {
    /// Standard error as text, for messages: its last line, as much as fits into one.
    pub fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let last = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        last.chars().take(300).collect()
    }

    /// This output, unless it is sudo's refusal.
    pub(crate) fn unless_refused(self, access: &Access) -> Result<Self, SshError> {
        let refused = access.become_root == BecomeRoot::Sudo
            && self.code == 1
            && self.stderr.starts_with(b"sudo: ");
        if refused {
            return Err(SshError::NotRoot {
                machine: access.name.clone(),
                user: access.user.clone(),
                said: self.complaint(),
            });
        }
        Ok(self)
    }
}

/// What ends a command early.
pub(crate) enum Failure {
    Ssh(russh::Error),
    Closed,
    Killed(String),
    TooLong(usize),
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Failure {
    /// Why the machine opens no channel, over a connection that is whole.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        match self {
            Self::Ssh(russh::Error::ChannelOpenFailure(why)) => Some(why.into()),
            _ => None,
        }
    }

    pub(crate) fn on(self, machine: &str) -> SshError {
        let machine = machine.to_owned();
        match self {
            Self::Ssh(russh::Error::ChannelOpenFailure(why)) => SshError::Refused {
                machine,
                why: Refusal::from(&why),
            },
            Self::Ssh(error) => SshError::Broken {
                machine,
                why: error.to_string(),
            },
            Self::Closed => SshError::Broken {
                machine,
                why: "closed before the command's end".to_owned(),
            },
            Self::Killed(signal) => SshError::Killed { machine, signal },
            Self::TooLong(limit) => SshError::TooLong { machine, limit },
        }
    }
}

/// What a channel is opened for.
#[derive(Clone, Copy)]
pub(crate) enum For<'a> {
    /// One command.
    Command,
    /// Bytes both ways to a TCP port, as the machine itself reaches it.
    Port { host: &'a str, port: u16 },
}

/// One connection, logged in.
pub(crate) struct Session {
    handle: Handle<Handler>,
}

impl Session {
    /// Connects, makes sure of the machine's key, and logs in.
    pub(crate) async fn connect(
        access: &Access,
        connect: &dyn Connect,
        limits: &Limits,
    ) -> Result<Self, SshError> {
        let machine = || access.name.clone();
        let key = decode_secret_key(access.private_key.expose_secret(), None)
            .map_err(|_| SshError::PrivateKey)?;
        let address = format!("{}:{}", access.address, access.port);
        let stream = connect
            .connect(&access.address, access.port)
            .await
            .map_err(|source| SshError::Connect {
                machine: machine(),
                address: address.clone(),
                source,
            })?;

        let handler = Handler {
            pinned: access.host_key.clone(),
        };
        let mut handle = client::connect_stream(Arc::new(config(access, limits)), stream, handler)
            .await
            .map_err(|error| match error {
                HandshakeError::OtherKey(shown) => SshError::HostKeyChanged {
                    machine: machine(),
                    shown,
                    pinned: access.host_key.fingerprint(),
                },
                HandshakeError::Ssh(russh::Error::NoCommonAlgo {
                    kind: AlgorithmKind::Key,
                    ..
                }) => SshError::HostKeyChanged {
                    machine: machine(),
                    shown: "of another type".to_owned(),
                    pinned: access.host_key.fingerprint(),
                },
                HandshakeError::Ssh(russh::Error::IO(source)) => SshError::Connect {
                    machine: machine(),
                    address: address.clone(),
                    source,
                },
                HandshakeError::Ssh(error) => SshError::Connect {
                    machine: machine(),
                    address: address.clone(),
                    source: io::Error::other(error.to_string()),
                },
            })?;

        let broken = |error: russh::Error| SshError::Broken {
            machine: machine(),
            why: error.to_string(),
        };
        let hash = handle
            .best_supported_rsa_hash()
            .await
            .map_err(broken)?
            .flatten();
        let let_in = handle
            .authenticate_publickey(
                &access.user,
                PrivateKeyWithHashAlg::new(Arc::new(key), hash),
            )
            .await
            .map_err(broken)?;
        if !let_in.success() {
            return Err(SshError::NotLetIn {
                machine: machine(),
                user: access.user.clone(),
            });
        }
        Ok(Self { handle })
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.handle.is_closed()
    }

    pub(crate) async fn open(&self, what_for: For<'_>) -> Result<Channel, Failure> {
        Ok(match what_for {
            For::Command => self.handle.channel_open_session().await?,
            For::Port { host, port } => {
                let (port, from) = (u32::from(port), "127.0.0.1");
                let opened = self.handle.channel_open_direct_tcpip(host, port, from, 0);
                opened.await?
            }
        })
    }

    /// Feeds a command and listens to it at the same time: one that answers while it reads would else wait for us to
    /// listen, and we for it to read.
    pub(crate) async fn run(
        &self,
        channel: Channel,
        line: String,
        input: &[u8],
        limit: usize,
    ) -> Result<Output, Failure> {
        let (mut from, to) = channel.split();
        to.exec(true, line).await?;
        let feeding = async {
            to.data(input).await?;
            to.eof().await
        };
        tokio::pin!(feeding);
        let mut started = false;
        // A command may end without having read all: how it ended says the channel, and only if it does not, this.
        let mut fed = None;

        let mut output = Output {
            code: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        let mut code = None;
        loop {
            let message = tokio::select! {
                result = &mut feeding, if started && fed.is_none() => {
                    fed = Some(result);
                    continue;
                }
                message = from.wait() => message,
            };
            // `None`: the channel is closed. The exit code may come before or after the last of the output.
            let Some(message) = message else { break };
            match message {
                ChannelMsg::Success => started = true,
                ChannelMsg::Failure => return Err(Failure::Closed),
                ChannelMsg::Data { data } => output.stdout.extend_from_slice(&data),
                ChannelMsg::ExtendedData { data, .. } => output.stderr.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => code = Some(exit_status),
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    return Err(Failure::Killed(format!("{signal_name:?}")));
                }
                _ => {}
            }
            if output.stdout.len() + output.stderr.len() > limit {
                return Err(Failure::TooLong(limit));
            }
        }
        output.code = match (code, fed) {
            (Some(code), _) => code,
            (None, Some(Err(error))) => return Err(error.into()),
            (None, _) => return Err(Failure::Closed),
        };
        Ok(output)
    }

    pub(crate) async fn close(&self) {
        let _ = self
            .handle
            .disconnect(Disconnect::ByApplication, "", "en")
            .await;
    }
}

/// Asks for the pinned key's own type: a machine has several, and would show another first.
fn config(access: &Access, limits: &Limits) -> client::Config {
    let algorithm = access.host_key.key().algorithm();
    let preferred = Preferred::default();
    let key: Vec<_> = preferred
        .key
        .iter()
        .filter(|candidate| {
            matches!(
                (candidate, &algorithm),
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })
            ) || **candidate == algorithm
        })
        .cloned()
        .collect();
    client::Config {
        keepalive_interval: Some(limits.keep_alive),
        keepalive_max: limits.keep_alives,
        nodelay: true,
        preferred: Preferred {
            key: Cow::Owned(key),
            ..preferred
        },
        ..client::Config::default()
    }
}
