//! Hints that something changed: a merged set of keys for each listener, so that a slow one costs no memory.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;

use crate::key::ObjectKey;

#[derive(Debug, Default)]
struct Inbox {
    keys: BTreeSet<ObjectKey>,
    waker: Option<Waker>,
    closed: bool,
}

/// Tells every listener.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Weak<Mutex<Inbox>>>>,
}

/// The stream behind [`crate::Store::watch`] of the embedded store. Ends when the store is closed.
#[derive(Debug)]
pub struct Hints {
    inbox: Arc<Mutex<Inbox>>,
}

// === impl Hub ===

impl Hub {
    /// A listener that is told of `present` first, which is read when the listener hears already.
    pub(crate) fn listen(&self, present: impl FnOnce() -> Vec<ObjectKey>) -> Hints {
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(&inbox));
        let present = present();
        inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .extend(present);
        Hints { inbox }
    }

    /// Tells of changes; forgets listeners that are gone.
    pub(crate) fn tell(&self, keys: &BTreeSet<ObjectKey>) {
        if keys.is_empty() {
            return;
        }
        self.each(|inbox| inbox.keys.extend(keys.iter().cloned()));
    }

    fn each(&self, change: impl Fn(&mut Inbox)) {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|listener| {
                let Some(inbox) = listener.upgrade() else {
                    return false;
                };
                let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
                change(&mut inbox);
                if let Some(waker) = inbox.waker.take() {
                    waker.wake();
                }
                true
            });
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.each(|inbox| inbox.closed = true);
    }
}

// === impl Hints ===

impl Stream for Hints {
    type Item = ObjectKey;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ObjectKey>> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match inbox.keys.pop_first() {
            Some(key) => Poll::Ready(Some(key)),
            None if inbox.closed => Poll::Ready(None),
            None => {
                inbox.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
