//! A plan while it is being made.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use ovo_api::node::{DrainCause, DrainRecord, NodePhase, OpenViduNodeStatus};
use ovo_model::{EventNote, EventType, Millis, NodeName, Step, Waiting};

use crate::view::View;

/// Why nothing can be done without a person.
#[derive(Clone, Debug)]
pub(crate) struct Stall {
    /// CamelCase.
    pub(crate) reason: &'static str,
    /// With the field and the way out.
    pub(crate) message: String,
}

/// What the passes of the planner add to.
pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    /// Working copies of the node statuses; what differs from the stored ones is written.
    pub(crate) records: BTreeMap<NodeName, OpenViduNodeStatus>,
    /// Records whose node is gone for good.
    pub(crate) gone: Vec<NodeName>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) events: Vec<EventNote>,
    pub(crate) look_again_in: Millis,
    pub(crate) stall: Option<Stall>,
    /// Growth that does not fit under max and surge.
    pub(crate) capacity_limited: Option<String>,
    /// Repair that stopped at its cap.
    pub(crate) remediation_stopped: Option<String>,
    /// Differences that somebody else made and that are not repaired.
    pub(crate) drift: Vec<String>,
    /// Deletion that cannot go on.
    pub(crate) deletion_blocked: Option<Stall>,
    /// Media nodes wanted.
    pub(crate) target: i32,
    /// Asked to shrink, and nobody was closed since.
    pub(crate) shrink_unanswered: bool,
    pub(crate) release: bool,
    /// The first serving node that has not been watched for a full window, once somebody asked.
    pub(crate) unwatched: OnceCell<Option<NodeName>>,
}

impl Draft {
    pub(crate) fn new(view: &View<'_>) -> Self {
        let records = view
            .nodes
            .values()
            .map(|n| {
                (
                    n.name.clone(),
                    n.record.and_then(|r| r.status.clone()).unwrap_or_default(),
                )
            })
            .collect();
        Self {
            steps: Vec::new(),
            records,
            gone: Vec::new(),
            waiting: Vec::new(),
            events: Vec::new(),
            look_again_in: view
                .spec
                .media
                .autoscaling
                .reading_interval()
                .as_millis()
                .max(1_000),
            stall: None,
            capacity_limited: None,
            remediation_stopped: None,
            drift: Vec::new(),
            deletion_blocked: None,
            target: 0,
            shrink_unanswered: false,
            release: false,
            unwatched: OnceCell::new(),
        }
    }

    /// The working copy of a node's status.
    pub(crate) fn record(&mut self, name: &NodeName) -> &mut OpenViduNodeStatus {
        self.records.entry(name.clone()).or_default()
    }

    pub(crate) fn wait(&mut self, step: impl Into<String>, for_what: impl Into<String>) {
        self.waiting.push(Waiting {
            step: step.into(),
            for_what: for_what.into(),
        });
    }

    /// Look again within this many milliseconds.
    pub(crate) fn look(&mut self, within: Millis) {
        self.look_again_in = self.look_again_in.min(within.max(1));
    }

    pub(crate) fn stall(&mut self, reason: &'static str, message: impl Into<String>) {
        self.stall.get_or_insert_with(|| Stall {
            reason,
            message: message.into(),
        });
    }

    pub(crate) fn event(
        &mut self,
        event_type: EventType,
        reason: &str,
        about: Option<&NodeName>,
        note: impl Into<String>,
    ) {
        self.events.push(EventNote {
            event_type,
            reason: reason.to_owned(),
            note: note.into(),
            node: about.cloned(),
        });
    }

    /// Marks a node as draining, once.
    pub(crate) fn drain(
        &mut self,
        view: &View<'_>,
        name: &NodeName,
        cause: DrainCause,
        reason: impl Into<String>,
    ) {
        let reason = reason.into();
        let record = self.record(name);
        if record.drain.is_some() {
            return;
        }
        record.drain = Some(DrainRecord {
            cause,
            reason: reason.clone(),
            requested_at: view.snap.now.wall.to_time(),
            signals: Vec::new(),
            closed_at: None,
        });
        self.event(EventType::Normal, "NodeDraining", Some(name), reason);
    }

    /// Puts a node into a phase; `since` changes only when the phase does.
    pub(crate) fn phase(
        &mut self,
        view: &View<'_>,
        name: &NodeName,
        phase: NodePhase,
        reason: impl Into<String>,
    ) {
        let now = view.snap.now.wall.to_time();
        let record = self.record(name);
        if record.phase != phase || record.since.is_none() {
            record.phase = phase;
            record.since = Some(now);
        }
        record.reason = reason.into();
    }
}
