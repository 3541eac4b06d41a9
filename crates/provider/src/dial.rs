//! Streams to the ports of a deployment's nodes.

use std::sync::Arc;

use futures::future::BoxFuture;
use ovo_model::{NodeName, ProviderError};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::provider::Target;

/// Bytes both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

/// What dialling answers.
pub type Dialled<'a> = BoxFuture<'a, Result<Box<dyn ByteStream>, ProviderError>>;

/// Opens streams to nodes, by whatever way leads to them: directly, or through what the provider reaches them by.
pub trait Dial: Send + Sync {
    /// Opens a stream to a TCP port of a node. The caller limits the time. Nothing but a node of the target is ever
    /// reached: who has an address to ask about looks for the node that has it.
    fn dial<'a>(&'a self, target: &'a Target, node: &'a NodeName, port: u16) -> Dialled<'a>;
}

impl<D: Dial + ?Sized> Dial for Arc<D> {
    fn dial<'a>(&'a self, target: &'a Target, node: &'a NodeName, port: u16) -> Dialled<'a> {
        (**self).dial(target, node, port)
    }
}
