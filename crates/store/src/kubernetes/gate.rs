//! The last look before a change is sent: may this process still write?

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use kube::client::Body;

/// Decides whether a change may be sent. Leadership stands behind it: an infrastructure cannot be fenced by
/// Kubernetes, so who is no longer sure to lead begins nothing.
pub trait Gate: Send + Sync + 'static {
    /// Whether a call that may take this long may begin now. Is asked twice for each change: before anything is sent,
    /// and once more when the connection stands and the first byte of the body is about to be written. Must answer at
    /// once.
    fn may_begin(&self, call_timeout: Duration) -> bool;
}

impl<F: Fn(Duration) -> bool + Send + Sync + 'static> Gate for F {
    fn may_begin(&self, call_timeout: Duration) -> bool {
        self(call_timeout)
    }
}

/// A gate that is always open: for one process that nobody replaces.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOpen;

impl Gate for AlwaysOpen {
    fn may_begin(&self, _call_timeout: Duration) -> bool {
        true
    }
}

/// A gate, and how long a call may take.
#[derive(Clone)]
pub(crate) struct Guard {
    gate: Arc<dyn Gate>,
    call_timeout: Duration,
}

/// A body that asks the gate when its first byte is wanted. An API server acts on no request whose body broke off.
pub(crate) struct GuardedBody {
    body: Body,
    guard: Guard,
    refused: Arc<AtomicBool>,
    begun: bool,
}

/// The gate was closed.
#[derive(Debug, thiserror::Error)]
#[error("the gate is closed")]
pub(crate) struct Closed;

// === impl Guard ===

impl Guard {
    pub(crate) fn new(gate: Arc<dyn Gate>, call_timeout: Duration) -> Self {
        Self { gate, call_timeout }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.gate.may_begin(self.call_timeout)
    }

    /// `refused` tells afterwards whether it was the gate that broke the request off.
    pub(crate) fn body(&self, body: Body, refused: Arc<AtomicBool>) -> GuardedBody {
        GuardedBody {
            body,
            guard: self.clone(),
            refused,
            begun: false,
        }
    }
}

// === impl GuardedBody ===

impl http_body::Body for GuardedBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = tower::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if !self.begun {
            if !self.guard.is_open() {
                self.refused.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(Closed.into())));
            }
            self.begun = true;
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
