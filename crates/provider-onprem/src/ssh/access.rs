//! Who we are to a machine, and who it must be to us.

use std::fmt;
use std::str::FromStr;

use ovo_api::spec::BecomeRoot;
use russh::keys::{HashAlg, PublicKey};
use secrecy::SecretString;
use thiserror::Error;

/// How one machine is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The machine's name in the manifest, for messages.
    pub name: String,
    /// Address or host name.
    pub address: String,
    /// TCP port of its sshd.
    pub port: u16,
    /// User to log in as.
    pub user: String,
    /// How commands get root's rights.
    pub become_root: BecomeRoot,
    /// The key that the machine must show. Nothing is said to a machine that shows another.
    pub host_key: HostKey,
    /// Our private key, in OpenSSH's or PKCS#8's form, without a passphrase.
    pub private_key: SecretString,
}

/// A pinned public host key.
#[derive(Clone, PartialEq, Eq)]
pub struct HostKey(PublicKey);

/// A host key that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not a host key; give type and base64 as a line of known_hosts has them, `ssh-ed25519 AAAA...`: \
     `ssh-keyscan ADDRESS` prints them, and the machine's console confirms them"
)]
pub struct HostKeyError;

// === impl HostKey ===

impl HostKey {
    pub(crate) const fn key(&self) -> &PublicKey {
        &self.0
    }

    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether a machine that shows `key` is the one that was pinned. Comments count for nothing.
    pub(crate) fn is(&self, key: &PublicKey) -> bool {
        self.0.key_data() == key.key_data()
    }
}

impl FromStr for HostKey {
    type Err = HostKeyError;

    fn from_str(text: &str) -> Result<Self, HostKeyError> {
        PublicKey::from_openssh(text.trim())
            .map(Self)
            .map_err(|_| HostKeyError)
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn a_comment_makes_no_other_key() {
        let pinned: HostKey = KEY.parse().unwrap();
        let commented: HostKey = format!("{KEY} root@m1\n").parse().unwrap();
        assert!(pinned.is(commented.key()));
        assert!(format!("{pinned:?}").contains("SHA256:"));
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_way_out() {
        for text in [
            "",
            "AAAAC3NzaC1lZDI1NTE5",
            "ssh-ed25519",
            "m1 ssh-ed25519 AAAA",
            "SHA256:abc",
        ] {
            let error = text.parse::<HostKey>().unwrap_err().to_string();
            assert!(error.contains("ssh-keyscan"), "{text:?}: {error}");
        }
    }
}
