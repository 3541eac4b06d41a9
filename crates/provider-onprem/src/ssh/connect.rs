//! The way to a machine's port.

use std::io;
use std::net::SocketAddr;

use futures::future::BoxFuture;
use ovo_api::targets::{Loopback, forbidden};
use tokio::net::{TcpStream, lookup_host};

pub use ovo_provider::ByteStream as Stream;

/// Opens a stream to a port of a machine: directly, or through whatever stands between.
pub trait Connect: Send + Sync {
    /// Opens the stream. The caller limits the time.
    fn connect<'a>(
        &'a self,
        address: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Stream>>>;
}

/// Over TCP, with nothing between, and never to where no cluster's target may be, whatever a name leads to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct {
    /// Whether a name may lead to this very machine.
    pub loopback: Loopback,
}

impl Direct {
    /// What a name or address leads to, without what is refused.
    async fn resolve(self, address: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = lookup_host((address, port)).await?.collect();
        let refusal = found
            .iter()
            .find_map(|to| Some((to.ip(), forbidden(to.ip(), self.loopback)?)));
        // One forbidden address among others is no accident.
        match refusal {
            Some((ip, what)) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("it leads to {ip}, {what}, where no cluster's target may be"),
            )),
            None => Ok(found),
        }
    }
}

impl Connect for Direct {
    fn connect<'a>(
        &'a self,
        address: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            // Connected to what was looked at: asked again, a name may lead elsewhere.
            let found = self.resolve(address, port).await?;
            let stream = TcpStream::connect(&*found).await?;
            // Commands and answers are small and wait for each other.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_name_leads_nowhere_that_an_address_may_not() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        for target in ["localhost", "127.0.0.1", "127.1"] {
            let refused = Direct::default().connect(target, port).await;
            let error = refused.err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{target}");
            assert!(error.to_string().contains("loopback"), "{target}: {error}");
        }
        let allowed = Direct {
            loopback: Loopback::Allowed,
        };
        assert!(allowed.connect("localhost", port).await.is_ok());
        for target in ["169.254.169.254", "0.0.0.0", "::"] {
            let error = allowed.connect(target, port).await.err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{target}");
        }
    }
}
