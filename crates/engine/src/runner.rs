//! When rounds are due, for many clusters at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{BoxStream, FuturesUnordered, StreamExt};
use ovo_model::Mono;
use ovo_provider::{Media, Provider};
use ovo_store::{ObjectKey, Store};

use crate::clock::Clock;
use crate::reconcile::Engine;
use crate::report::Report;

/// The shortest pause between two rounds of one cluster, in milliseconds: events in a burst are one look.
const SHORTEST_PAUSE_MS: i64 = 20;
/// How often the list of clusters is read anew even if nobody says that it changed, in milliseconds.
const LIST_EVERY_MS: i64 = 30_000;

/// Is told about every round.
pub trait Observer: Send + Sync {
    /// A round ended.
    fn reconciled(&self, cluster: &ObjectKey, report: &Report);
}

/// Runs an engine until it is told to stop.
pub struct Runner<S, P, M, C> {
    engine: Arc<Engine<S, P, M, C>>,
    observer: Arc<dyn Observer>,
}

/// What woke the runner.
enum Wake {
    Due,
    Hint(ObjectKey),
    Ended(ObjectKey, Box<Report>),
    Stop,
}

impl<S: Store, P: Provider + 'static, M: Media + 'static, C: Clock> Runner<S, P, M, C> {
    /// A runner of this engine.
    pub fn new(engine: Arc<Engine<S, P, M, C>>, observer: Arc<dyn Observer>) -> Self {
        Self { engine, observer }
    }

    /// Works until `stop` is ready, then finishes the steps in hand.
    ///
    /// Rounds of one cluster follow each other; at most `options.concurrency` clusters are worked on at once.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let engine = &self.engine;
        let mut due: BTreeMap<ObjectKey, Mono> = BTreeMap::new();
        let mut again: BTreeSet<ObjectKey> = BTreeSet::new();
        let mut busy: BTreeSet<ObjectKey> = BTreeSet::new();
        let mut rounds = FuturesUnordered::new();
        let mut hints = self.hints();
        let mut stop = std::pin::pin!(stop);
        let mut stopping = false;
        let mut list_at = Mono(i64::MIN);
        loop {
            let now = engine.clock().now().mono;
            if !stopping && now >= list_at {
                self.list(&mut due, &busy, now).await;
                list_at = Mono(now.0 + LIST_EVERY_MS);
            }
            while !stopping && busy.len() < engine.options().concurrency.max(1) {
                let next = due
                    .iter()
                    .filter(|(k, at)| **at <= now && !busy.contains(*k))
                    .min_by_key(|(_, at)| **at);
                let Some((key, _)) = next.map(|(k, at)| (k.clone(), *at)) else {
                    break;
                };
                due.remove(&key);
                busy.insert(key.clone());
                let engine = engine.clone();
                rounds.push(async move {
                    let report = engine.reconcile(&key).await;
                    (key, report)
                });
            }
            if stopping && rounds.is_empty() {
                return;
            }
            let next = due
                .iter()
                .filter(|(k, _)| !busy.contains(*k))
                .map(|(_, at)| at.0)
                .min()
                .unwrap_or(i64::MAX);
            let pause = next.min(list_at.0).saturating_sub(now.0).max(1);
            let wake = tokio::select! {
                biased;
                () = &mut stop, if !stopping => Wake::Stop,
                Some((key, report)) = rounds.next() => Wake::Ended(key, Box::new(report)),
                Some(key) = hints.next(), if !stopping => Wake::Hint(key),
                () = engine.clock().sleep(pause), if !stopping => Wake::Due,
            };
            let now = engine.clock().now().mono;
            match wake {
                Wake::Due => {}
                Wake::Stop => {
                    stopping = true;
                    engine.stop();
                }
                Wake::Hint(key) => {
                    if busy.contains(&key) {
                        again.insert(key);
                    } else {
                        let soon = Mono(now.0 + SHORTEST_PAUSE_MS);
                        due.entry(key)
                            .and_modify(|at| *at = (*at).min(soon))
                            .or_insert(soon);
                    }
                }
                Wake::Ended(key, report) => {
                    busy.remove(&key);
                    self.observer.reconciled(&key, &report);
                    if !report.gone {
                        let pause = if again.remove(&key) {
                            0
                        } else {
                            report.look_again_in
                        };
                        due.insert(key, Mono(now.0 + pause.max(SHORTEST_PAUSE_MS)));
                    }
                }
            }
        }
    }

    async fn list(
        &self,
        due: &mut BTreeMap<ObjectKey, Mono>,
        busy: &BTreeSet<ObjectKey>,
        now: Mono,
    ) {
        match self.engine.store().clusters().await {
            Ok(keys) => {
                for key in keys.into_iter().filter(|k| !busy.contains(k)) {
                    due.entry(key).or_insert(now);
                }
            }
            Err(error) => tracing::warn!(%error, "the list of clusters could not be read"),
        }
    }

    fn hints(&self) -> BoxStream<'static, ObjectKey> {
        let pushed = self
            .engine
            .provider()
            .events()
            .filter_map(|key| async move {
                let (namespace, name) = key.split_once('/')?;
                Some(ObjectKey::new(namespace, name))
            });
        futures::stream::select(self.engine.store().watch(), pushed).boxed()
    }
}
