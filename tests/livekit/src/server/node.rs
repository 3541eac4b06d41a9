//! What one server knows: who it is, its rooms, and who is in them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use livekit_protocol::{
    DisconnectReason, Node as Record, NodeState, NodeStats, NodeType, ParticipantInfo, Room,
};
use livekit_token::TokenVerifier;
use tokio::sync::mpsc::UnboundedSender;

use crate::args::{Defect, Livekit};
use crate::registry::Registry;
use crate::selection::now;

/// A record of our own that is older is no sign of life. LiveKit's own number.
const FRESH: Duration = Duration::from_secs(4);

pub(super) struct Node {
    /// New at each start.
    pub(super) id: String,
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    pub(super) verifier: TokenVerifier,
    pub(super) registry: Registry,
    started_at: i64,
    defect: Option<Defect>,
    inner: Mutex<Inner>,
    /// Held from what is decided about a room until it stands in Redis: a room that was closed would else be written
    /// there once more, for ever, by whoever left it at that moment.
    pub(super) writing: tokio::sync::Mutex<()>,
}

pub(super) struct Inner {
    pub(super) state: NodeState,
    pub(super) rooms: BTreeMap<String, Live>,
    pub(super) signals: Vec<String>,
    /// When Redis last took our record.
    pub(super) written: Option<Instant>,
}

/// A room that this node holds.
pub(super) struct Live {
    pub(super) record: Room,
    pub(super) people: BTreeMap<String, Person>,
    /// Since when nobody is in it.
    pub(super) empty_since: Instant,
}

pub(super) struct Person {
    pub(super) info: ParticipantInfo,
    /// Ends the connection of this person, telling why.
    pub(super) end: UnboundedSender<DisconnectReason>,
}

/// An id such as LiveKit makes them: a prefix that says of what, and twelve letters and digits.
pub(super) fn id(prefix: &str) -> String {
    let random: String = (0..12).map(|_| fastrand::alphanumeric()).collect();
    format!("{prefix}_{random}")
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

impl Node {
    pub(super) fn new(settings: &Livekit, key: &str, secret: &str, registry: Registry) -> Self {
        Self {
            id: if settings.defect == Some(Defect::KeepsId) {
                format!("ND_{}", settings.ip)
            } else {
                id("ND")
            },
            ip: settings.ip,
            port: settings.port,
            verifier: TokenVerifier::with_api_key(key, secret),
            registry,
            started_at: now(),
            defect: settings.defect,
            inner: Mutex::new(Inner {
                state: NodeState::Serving,
                rooms: BTreeMap::new(),
                signals: Vec::new(),
                written: None,
            }),
            writing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half-done by a panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(super) fn is_fresh(&self) -> bool {
        if self.has(Defect::AlwaysHealthy) {
            return true;
        }
        let written = self.lock().written;
        written.is_some_and(|written| written.elapsed() < FRESH)
    }

    /// As it stands in Redis.
    pub(super) fn record(&self) -> Record {
        let inner = self.lock();
        Record {
            id: self.id.clone(),
            ip: self.ip.to_string(),
            num_cpus: std::thread::available_parallelism()
                .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1)),
            stats: Some(NodeStats {
                started_at: self.started_at,
                updated_at: now(),
                num_rooms: count(inner.rooms.len()),
                num_clients: count(inner.participants()),
                ..NodeStats::default()
            }),
            r#type: NodeType::Server.into(),
            state: if self.has(Defect::HidesDrain) {
                NodeState::Serving.into()
            } else {
                inner.state.into()
            },
            region: String::new(),
        }
    }

    /// Writes the record; whether Redis took it.
    pub(super) async fn publish(&self) -> bool {
        match self.registry.register(&self.record()).await {
            Ok(()) => {
                self.lock().written = Some(Instant::now());
                true
            }
            Err(error) => {
                eprintln!("model: Redis: {error}");
                false
            }
        }
    }
}

impl Inner {
    pub(super) fn participants(&self) -> usize {
        self.rooms.values().map(|room| room.people.len()).sum()
    }
}
