//! One command on one machine, in bounded time, over a connection that is kept.

mod access;
mod connect;
mod dial;
mod error;
mod handler;
mod link;
mod session;

pub use access::{Access, HostKey, HostKeyError};
pub use connect::{Connect, Direct, Stream};
pub use error::{Refusal, SshError};
pub use link::{Limits, Link};
pub use session::{Command, Output};
