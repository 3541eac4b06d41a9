//! What can go wrong between us and a machine, by what it asks of a person.

use std::time::Duration;

use ovo_model::ProviderError;
use russh::ChannelOpenFailure;
use thiserror::Error;

/// A command that did not run to its end before our eyes.
#[derive(Debug, Error)]
pub enum SshError {
    /// Nobody answered, or answered no.
    #[error("{machine}: cannot reach {address}: {source}")]
    Connect {
        /// Which machine.
        machine: String,
        /// Where: address and port.
        address: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// Somebody answered, but not in time.
    #[error("{machine}: {what} took longer than {} ms", limit.as_millis())]
    Timeout {
        /// Which machine.
        machine: String,
        /// What took too long.
        what: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The machine is not the one that was pinned.
    #[error(
        "{machine}: its host key is {shown}, not {pinned} as pinned; if it was installed anew, compare with \
         `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its console and set hostKey of this machine; if not, \
         somebody stands between: nothing was sent"
    )]
    HostKeyChanged {
        /// Which machine.
        machine: String,
        /// Fingerprint of the key that it shows.
        shown: String,
        /// Fingerprint of the key that it should have.
        pinned: String,
    },
    /// The machine does not let us in.
    #[error(
        "{machine}: user {user} is not let in with our key; add its public half to that user's authorized_keys"
    )]
    NotLetIn {
        /// Which machine.
        machine: String,
        /// Who we said we are.
        user: String,
    },
    /// We are in, and may not become root.
    #[error(
        "{machine}: user {user} may not become root without a password ({said}); let sudo allow it (NOPASSWD), or log \
         in as root with becomeRoot: NotNeeded"
    )]
    NotRoot {
        /// Which machine.
        machine: String,
        /// Who we are there.
        user: String,
        /// sudo's words.
        said: String,
    },
    /// Our own key cannot be read.
    #[error(
        "the SSH private key cannot be read; give one in OpenSSH's or PKCS#8's form, without a passphrase"
    )]
    PrivateKey,
    /// The command cannot be sent.
    #[error("{machine}: a word of the command holds a zero byte")]
    Unspeakable {
        /// Which machine.
        machine: String,
    },
    /// The connection broke; whether the command had an effect is not known.
    #[error("{machine}: the connection broke: {why}")]
    Broken {
        /// Which machine.
        machine: String,
        /// How.
        why: String,
    },
    /// The machine is there, and leads to no port of its own.
    #[error("{machine}: port {port}: {why}")]
    NoWay {
        /// Which machine.
        machine: String,
        /// Which of its TCP ports.
        port: u16,
        /// Why not.
        why: String,
    },
    /// The machine refused to open a channel.
    #[error("{machine}: sshd opens no channel: {why}")]
    Refused {
        /// Which machine.
        machine: String,
        /// Why.
        why: Refusal,
    },
    /// The command ended by a signal.
    #[error("{machine}: the command was ended by SIG{signal}")]
    Killed {
        /// Which machine.
        machine: String,
        /// By which signal.
        signal: String,
    },
    /// The command says more than we listen to.
    #[error("{machine}: the command printed more than {limit} bytes")]
    TooLong {
        /// Which machine.
        machine: String,
        /// The limit.
        limit: usize,
    },
}

/// Why a machine opens no channel, by what it asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Its configuration does not let anybody.
    #[error("its configuration forbids it")]
    Forbidden,
    /// Nobody answers at the other end.
    #[error("nobody answers there")]
    NobodyThere,
    /// It has too many open, or gives another reason.
    #[error("it cannot now")]
    NotNow,
}

impl From<&ChannelOpenFailure> for Refusal {
    fn from(why: &ChannelOpenFailure) -> Self {
        match why {
            ChannelOpenFailure::AdministrativelyProhibited
            | ChannelOpenFailure::UnknownChannelType => Self::Forbidden,
            ChannelOpenFailure::ConnectFailed => Self::NobodyThere,
            ChannelOpenFailure::ResourceShortage | ChannelOpenFailure::Other { .. } => Self::NotNow,
        }
    }
}

impl From<SshError> for ProviderError {
    fn from(error: SshError) -> Self {
        match error {
            SshError::HostKeyChanged { .. }
            | SshError::NotLetIn { .. }
            | SshError::NotRoot { .. } => Self::Denied(error.to_string()),
            SshError::PrivateKey => Self::Invalid {
                field: "spec.infrastructure.onPrem.ssh.privateKey".to_owned(),
                message: error.to_string(),
            },
            _ => Self::Retryable(error.to_string()),
        }
    }
}
