//! With what machines are reached.

use futures::future::BoxFuture;
use ovo_api::OpenViduCluster;
use ovo_api::spec::{Machine as Listed, OnPrem};
use ovo_model::{ProviderError, SecretKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::ssh::{Access, HostKey};

/// A key's value, if it is there; else why nobody can say, in words for people.
pub type KeyAnswer<'a> = BoxFuture<'a, Result<Option<SecretString>, String>>;

/// Where the private keys are with which machines are reached.
pub trait Keys: Send + Sync {
    /// The value of a key of a Secret in a namespace.
    fn get<'a>(&'a self, namespace: &'a str, key: &'a SecretKey) -> KeyAnswer<'a>;
}

/// Who we are to a machine, and who it must be.
pub(super) async fn access(
    keys: &dyn Keys,
    cluster: &OpenViduCluster,
    on_prem: &OnPrem,
    listed: &Listed,
) -> Result<Access, ProviderError> {
    let ssh = &on_prem.ssh;
    let invalid = |field: String, message: String| ProviderError::Invalid { field, message };
    let machine = |what: &str| {
        format!(
            "spec.infrastructure.onPrem.machines[{}].{what}",
            listed.name
        )
    };
    let Some(host_key) = &listed.host_key else {
        return Err(invalid(
            machine("hostKey"),
            format!(
                "{} has none, and nobody is believed without: give type and base64 as `ssh-keyscan {}` prints them",
                listed.name, listed.address
            ),
        ));
    };
    let host_key: HostKey = host_key
        .parse()
        .map_err(|error| invalid(machine("hostKey"), format!("{}: {error}", listed.name)))?;
    let namespace = cluster.metadata.namespace.as_deref().unwrap_or_default();
    let reference = &ssh.private_key.secret_key_ref;
    let key = SecretKey {
        secret: reference.name.clone(),
        key: reference.key.clone(),
    };
    let private_key = keys
        .get(namespace, &key)
        .await
        .map_err(ProviderError::Retryable)?
        .ok_or_else(|| {
            invalid(
                "spec.infrastructure.onPrem.ssh.privateKey".to_owned(),
                format!("Secret {key} is not there; create it in the cluster's namespace"),
            )
        })?;
    Ok(Access {
        name: listed.name.clone(),
        address: listed.address.clone(),
        port: ssh.port(),
        user: ssh.user.clone(),
        become_root: ssh.become_root(),
        host_key,
        private_key,
    })
}

/// Differs when anything differs that a connection is made from.
pub(super) fn digest(access: &Access) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        access.address.as_bytes(),
        &access.port.to_be_bytes(),
        access.user.as_bytes(),
        format!("{:?}", access.become_root).as_bytes(),
        access.host_key.fingerprint().as_bytes(),
        access.private_key.expose_secret().as_bytes(),
    ] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
