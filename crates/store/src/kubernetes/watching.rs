//! One watch: lists, follows, and comes back from whatever breaks it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::backoff::Backoff;
use super::error::from_watch;
use super::health::WatchHealth;
use super::subject::Subject;

/// Follows a kind for ever and hands over what comes.
///
/// The list asks for the newest state, so that what is listed is never older than what was answered before it was
/// begun. A watch call lasts `lasts`; one whose connection died in silence is given up 5 s after that.
pub(crate) async fn follow<K>(
    api: Api<K>,
    subject: Subject,
    lasts: Duration,
    health: Arc<WatchHealth>,
    take: impl Fn(Event<K>) + Send,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let seconds = u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX).max(1);
    let config = watcher::Config::default().timeout(seconds);
    let mut random = fastrand::Rng::new();
    let mut backoff = Backoff::new();
    loop {
        let mut events = std::pin::pin!(watcher(api.clone(), config.clone()));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let listed = matches!(event, Event::InitDone);
                    take(event);
                    if listed {
                        health.synced();
                    }
                }
                Err(error) => {
                    let problem = from_watch(&subject, &error);
                    if health.failed(&problem) {
                        tracing::warn!(resource = health.resource, problem, "the watch broke off");
                    }
                    tokio::time::sleep(backoff.pause(&mut random)).await;
                }
            }
        }
    }
}
