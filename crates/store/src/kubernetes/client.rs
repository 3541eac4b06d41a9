//! The client that the operator brings.

use kube::{Client, Config};

use super::transport::chain;
use crate::error::StoreError;

/// A client as the environment says: `KUBECONFIG` or `~/.kube/config`, else the pod's service account, whose token and
/// certificate authority are read anew when they rotate. Must be called on a tokio runtime.
///
/// # Errors
///
/// [`StoreError::Denied`] where neither is there or what is there cannot be used.
pub async fn infer() -> Result<Client, StoreError> {
    let config = Config::infer().await;
    client(config.map_err(|error| StoreError::Denied(chain(&error)))?)
}

/// A client of this configuration that sends each request once: the library would by itself repeat what was answered
/// with 429, 503 or 504, fifteen times, and so hide from the loop what the server says and act on what was decided long
/// ago. (A change is never repeated whatever client is given; this is for the reads.)
///
/// # Errors
///
/// [`StoreError::Denied`] where credentials or certificates cannot be used.
pub fn client(mut config: Config) -> Result<Client, StoreError> {
    config.default_retry = false;
    Client::try_from(config).map_err(|error| StoreError::Denied(chain(&error)))
}
