//! Our side of the handshake: who the machine must be.

use russh::client;
use russh::keys::HashAlg;
use russh::keys::PublicKeyOrCertificate;

use super::access::HostKey;

/// Compares the machine's key with the pinned one.
pub(crate) struct Handler {
    pub(crate) pinned: HostKey,
}

/// What ends a handshake.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// Another key; its fingerprint.
    OtherKey(String),
    /// All else.
    Ssh(russh::Error),
}

impl From<russh::Error> for HandshakeError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for Handler {
    type Error = HandshakeError;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, HandshakeError> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } if self.pinned.is(key) => Ok(true),
            PublicKeyOrCertificate::PublicKey { key, .. } => Err(HandshakeError::OtherKey(
                key.fingerprint(HashAlg::Sha256).to_string(),
            )),
            PublicKeyOrCertificate::Certificate(_) => {
                Err(HandshakeError::OtherKey("a certificate".to_owned()))
            }
        }
    }
}
