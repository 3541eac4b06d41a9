//! Whether all that is there has been listed once.

use std::time::Duration;

use tokio::sync::watch;

use crate::error::StoreError;

/// A flag that is set once and can be waited for.
#[derive(Debug)]
pub(crate) struct Synced {
    flag: watch::Sender<bool>,
    patience: Duration,
}

// === impl Synced ===

impl Synced {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            flag: watch::Sender::new(false),
            patience,
        }
    }

    pub(crate) fn set(&self) {
        self.flag.send_replace(true);
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.flag.borrow()
    }

    /// Waits for as long as a call may take: before the first list nothing is known, which is not the same as nothing
    /// being there.
    pub(crate) async fn wait(&self) -> Result<(), StoreError> {
        if self.is_set() {
            return Ok(());
        }
        let mut flag = self.flag.subscribe();
        let waited = tokio::time::timeout(self.patience, flag.wait_for(|set| *set)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            _ => Err(StoreError::Unavailable(
                "the first list of the API server's objects has not come yet".to_owned(),
            )),
        }
    }
}
