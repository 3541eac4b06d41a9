//! A machine, and ways to it that break when told to.

pub(crate) mod life;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use ovo_api::spec::BecomeRoot;
use ovo_machines::Lab;
use ovo_provider_onprem::ssh::{Access, Connect, Limits, Link, Stream};
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The way into a lab; counts connections, and breaks them after as many bytes as told.
pub(crate) struct Way {
    lab: Arc<Lab>,
    pub(crate) connections: AtomicUsize,
    /// Bytes that still go out over a connection before it breaks.
    pub(crate) out: Arc<AtomicUsize>,
    /// Bytes that still come in over a connection before it breaks.
    pub(crate) back: Arc<AtomicUsize>,
}

impl Way {
    pub(crate) fn into(lab: &Arc<Lab>) -> Arc<Self> {
        Arc::new(Self {
            lab: Arc::clone(lab),
            connections: AtomicUsize::new(0),
            out: Arc::new(AtomicUsize::new(usize::MAX)),
            back: Arc::new(AtomicUsize::new(usize::MAX)),
        })
    }
}

impl Connect for Way {
    fn connect<'a>(
        &'a self,
        address: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        let (lab, address) = (Arc::clone(&self.lab), address.parse().unwrap());
        self.connections.fetch_add(1, Ordering::Relaxed);
        async move {
            let connect = move || lab.connect(address, port, Duration::from_secs(3));
            let stream = tokio::task::spawn_blocking(connect).await.unwrap()?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Fragile {
                inner: tokio::net::TcpStream::from_std(stream)?,
                out: Arc::clone(&self.out),
                back: Arc::clone(&self.back),
            }) as Box<dyn Stream>)
        }
        .boxed()
    }
}

/// A connection that breaks when its allowance is used up: what was sent before arrives.
struct Fragile {
    inner: tokio::net::TcpStream,
    out: Arc<AtomicUsize>,
    back: Arc<AtomicUsize>,
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

fn spend(allowance: &AtomicUsize, bytes: usize) {
    if allowance.load(Ordering::Relaxed) != usize::MAX {
        let _ = allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            Some(left.saturating_sub(bytes))
        });
    }
}

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.out.load(Ordering::Relaxed) == 0 || self.back.load(Ordering::Relaxed) == 0 {
            return Poll::Ready(Err(broken()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        spend(&self.back, buf.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.out.load(Ordering::Relaxed).min(data.len());
        if left == 0 || self.back.load(Ordering::Relaxed) == 0 {
            return Poll::Ready(Err(broken()));
        }
        let polled = Pin::new(&mut self.inner).poll_write(cx, &data[..left]);
        if let Poll::Ready(Ok(written)) = polled {
            spend(&self.out, written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Limits for tests: shorter than in production, long enough for a busy host.
pub(crate) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(4),
    call: Duration::from_secs(8),
    keep_alive: Duration::from_secs(1),
    keep_alives: 2,
    output: 8 << 20,
};

pub(crate) fn access(machine: &ovo_machines::Machine, user: &str) -> Access {
    Access {
        name: machine.name().to_owned(),
        address: machine.address().to_string(),
        port: 22,
        user: user.to_owned(),
        become_root: if user == "root" {
            BecomeRoot::NotNeeded
        } else {
            BecomeRoot::Sudo
        },
        host_key: machine.host_key().parse().unwrap(),
        private_key: SecretString::from(std::fs::read_to_string(machine.key_path()).unwrap()),
    }
}

pub(crate) fn link(machine: &ovo_machines::Machine, user: &str) -> Arc<Link> {
    Arc::new(Link::new(
        access(machine, user),
        Way::into(machine.lab()),
        LIMITS,
    ))
}

/// Asks until the answer is there.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "waited too long for {what}"
        );
        tokio::task::yield_now().await;
    }
}
