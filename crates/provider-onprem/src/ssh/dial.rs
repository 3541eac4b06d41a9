//! Streams to a machine's own ports.

use super::connect::Stream;
use super::error::{Refusal, SshError};
use super::link::Link;
use super::session::For;

/// Where a service listens that does not listen on the machine's address.
const ITSELF: &str = "127.0.0.1";

impl Link {
    /// Opens a stream to a TCP port of the machine through its sshd, so that firewalls let it pass, nobody on the way
    /// reads along, and the other end is on the machine that was pinned. Where sshd forbids that (`AllowTcpForwarding`),
    /// the stream goes there directly.
    ///
    /// # Errors
    /// [`SshError::NoWay`] when nobody listens there; else why the machine cannot be reached.
    pub async fn dial(&self, port: u16) -> Result<Box<dyn Stream>, SshError> {
        let address = &self.access().address;
        let mut refusal = Refusal::NobodyThere;
        for host in [address.as_str(), ITSELF] {
            match self.open(For::Port { host, port }).await {
                Ok((_, channel)) => return Ok(Box::new(channel.into_stream())),
                Err(SshError::Refused { why, .. }) => refusal = why,
                Err(error) => return Err(error),
            }
            if refusal != Refusal::NobodyThere {
                break;
            }
        }
        if refusal == Refusal::Forbidden {
            return self.dial_directly(address, port).await;
        }
        Err(SshError::NoWay {
            machine: self.access().name.clone(),
            port,
            why: refusal.to_string(),
        })
    }

    async fn dial_directly(&self, address: &str, port: u16) -> Result<Box<dyn Stream>, SshError> {
        let limit = self.limits.connect;
        let machine = || self.access().name.clone();
        match tokio::time::timeout(limit, self.connect.connect(address, port)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(SshError::NoWay {
                machine: machine(),
                port,
                why: format!("{error}; its sshd forbids to go through it (AllowTcpForwarding)"),
            }),
            Err(_) => Err(SshError::Timeout {
                machine: machine(),
                what: "a connection to one of its ports",
                limit,
            }),
        }
    }
}
