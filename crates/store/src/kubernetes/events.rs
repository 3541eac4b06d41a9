//! Events for people, written to `events.k8s.io/v1` by a task of their own: no round waits for one, and none fails
//! for one.
//!
//! kube's own recorder is not used: it takes events that differ only in their note for repeats.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference as Reference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Resource;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use ovo_api::OpenViduCluster;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::Notify;

use super::options::FIELD_MANAGER;
use super::series::{Begun, Series, Waiting};
use super::subject::Subject;
use super::transport::Transport;
use crate::error::StoreError;
use crate::event::{ClusterEvent, EventType};
use crate::key::ObjectKey;

/// Pause between two events. Ten a second: a storm of events must not take the turns of what is to be done.
const PACE: Duration = Duration::from_millis(100);
/// Events that may come at once after a pause.
const BURST: u32 = 20;
/// Longest name of whoever reports that the API takes, in bytes.
const LONGEST_INSTANCE: usize = 128;
/// Longest part of an object's name in the name of its event, in bytes: 253 with a dot and sixteen digits.
const LONGEST_NAME: usize = 236;

/// Takes events in and writes them.
pub(crate) struct Events {
    transport: Arc<Transport>,
    instance: String,
    series: Mutex<Series>,
    come: Notify,
    /// Whether nothing waits and nothing is being written.
    idle: tokio::sync::watch::Sender<bool>,
}

// === impl Events ===

impl Events {
    pub(crate) fn new(transport: Arc<Transport>, instance: &str) -> Self {
        let instance = &instance[..instance.floor_char_boundary(LONGEST_INSTANCE)];
        let instance = if instance.is_empty() {
            FIELD_MANAGER
        } else {
            instance
        };
        Self {
            transport,
            instance: instance.to_owned(),
            series: Mutex::default(),
            come: Notify::new(),
            idle: tokio::sync::watch::Sender::new(true),
        }
    }

    /// Takes an event in; it is written soon, or its loss is logged.
    pub(crate) fn record(&self, event: ClusterEvent) {
        let mut series = self.series();
        series.add(event);
        // Under the lock, or the task could say in between that nothing waits.
        self.idle.send_replace(false);
        drop(series);
        self.come.notify_one();
    }

    /// Waits until all that was taken in is written or given up.
    pub(crate) async fn flush(&self) {
        // The sender lives as long as `self`, so there is no error.
        let _ = self.idle.subscribe().wait_for(|idle| *idle).await;
    }

    /// Writes what was taken in, for ever.
    pub(crate) async fn run(&self) {
        let mut credit = BURST;
        loop {
            let next = self.series().next();
            let Some((key, waiting, begun)) = next else {
                self.rest();
                // Each pause of rest gives back what the pace allows, up to a burst.
                let waited = tokio::time::Instant::now();
                self.come.notified().await;
                let earned = waited.elapsed().as_millis() / PACE.as_millis();
                credit = credit
                    .saturating_add(u32::try_from(earned).unwrap_or(BURST))
                    .min(BURST);
                continue;
            };
            match credit.checked_sub(1) {
                Some(left) => credit = left,
                None => tokio::time::sleep(PACE).await,
            }
            match self.write(&waiting, begun).await {
                Ok(begun) => self.series().written(key, begun),
                Err(error) => {
                    self.series().ended(&key);
                    tracing::warn!(%error, reason = waiting.event.reason, "event not recorded");
                }
            }
        }
    }

    /// Nothing waits: says so, unless an event has come just now.
    fn rest(&self) {
        let mut series = self.series();
        let dropped = series.dropped();
        if dropped > 0 {
            tracing::warn!(dropped, "events dropped: too many at once");
        }
        if series.is_empty() {
            self.idle.send_replace(true);
        }
    }

    async fn write(&self, waiting: &Waiting, begun: Option<Begun>) -> Result<Begun, StoreError> {
        if let Some(begun) = begun {
            let joined = Begun {
                count: begun.count.saturating_add(waiting.times),
                last: begun.last.max(waiting.last),
                ..begun
            };
            match self.join(&waiting.event, &joined).await {
                Ok(()) => return Ok(joined),
                // Events are kept for an hour at most: the series is over.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let begun = Begun {
            name: name(&waiting.event.regarding.key.name)?,
            count: waiting.times,
            last: waiting.last,
        };
        self.create(&waiting.event, &begun).await?;
        Ok(begun)
    }

    async fn create(&self, event: &ClusterEvent, begun: &Begun) -> Result<(), StoreError> {
        let key = event.regarding.key.sibling(begun.name.clone());
        let subject = Subject::object::<Event>("create", &key);
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let body = serde_json::to_vec(&self.object(event, begun));
        let body =
            body.map_err(|e| StoreError::invalid(subject.to_string(), "object", e.to_string()))?;
        let request = at(&key).create(&params, body);
        self.transport
            .change::<IgnoredAny>(&subject, request)
            .await?;
        Ok(())
    }

    async fn join(&self, event: &ClusterEvent, begun: &Begun) -> Result<(), StoreError> {
        let key = event.regarding.key.sibling(begun.name.clone());
        let subject = Subject::object::<Event>("patch", &key);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"series": series(begun)}));
        let request = at(&key).patch(&key.name, &params, &patch);
        self.transport
            .change::<IgnoredAny>(&subject, request)
            .await?;
        Ok(())
    }

    fn object(&self, event: &ClusterEvent, begun: &Begun) -> Event {
        let regarding = &event.regarding;
        Event {
            metadata: ObjectMeta {
                namespace: Some(regarding.key.namespace.clone()),
                name: Some(begun.name.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(event.at)),
            type_: Some(
                match event.event_type {
                    EventType::Normal => "Normal",
                    EventType::Warning => "Warning",
                }
                .to_owned(),
            ),
            reason: Some(event.reason.clone()),
            action: Some("Reconcile".to_owned()),
            note: Some(event.note.clone()),
            regarding: Some(Reference {
                api_version: Some(OpenViduCluster::api_version(&()).into_owned()),
                kind: Some(regarding.kind.clone()),
                namespace: Some(regarding.key.namespace.clone()),
                name: Some(regarding.key.name.clone()),
                uid: Some(regarding.uid.clone()).filter(|uid| !uid.is_empty()),
                ..Reference::default()
            }),
            reporting_controller: Some(FIELD_MANAGER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            series: (begun.count > 1).then(|| series(begun)),
            ..Event::default()
        }
    }

    fn series(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn series(begun: &Begun) -> EventSeries {
    EventSeries {
        count: i32::try_from(begun.count).unwrap_or(i32::MAX),
        last_observed_time: MicroTime(begun.last),
    }
}

/// A name that no other event has: two may tell of one object within the same moment.
fn name(object: &str) -> Result<String, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Unavailable(format!("no randomness for a name: {error}")))?;
    let object = object[..object.floor_char_boundary(LONGEST_NAME)].trim_end_matches(['.', '-']);
    Ok(format!("{object}.{:016x}", u64::from_be_bytes(bytes)))
}

/// Requests about events in the namespace of this key.
fn at(key: &ObjectKey) -> Request {
    Request::new(Event::url_path(&(), Some(&key.namespace)))
}
