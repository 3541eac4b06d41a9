//! A plan while it is being made.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use ovo_api::node::{DrainCause, DrainRecord, NodePhase, OpenViduNodeStatus};
use ovo_model::{EventNote, EventType, Millis, NodeName, Step, Waiting};

use crate::copies::Copies;
use crate::view::{NodeView, View};

/// Why nothing can be done without a person.
#[derive(Clone, Debug)]
pub(crate) struct Stall {
    /// CamelCase.
    pub(crate) reason: &'static str,
    /// With the field and the way out.
    pub(crate) message: String,
}

/// What the passes of the planner add to.
pub(crate) struct Draft<'a> {
    pub(crate) steps: Vec<Step>,
    /// Working copies of the node statuses; what differs from the stored ones is written.
    pub(crate) records: Copies<'a>,
    /// Records whose node is gone for good.
    pub(crate) gone: BTreeSet<NodeName>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) events: Vec<EventNote>,
    pub(crate) look_again_in: Millis,
    pub(crate) stall: Option<Stall>,
    /// Growth that does not fit under max and surge.
    pub(crate) capacity_limited: Option<String>,
    /// What repair waits for in this plan, if it does.
    pub(crate) repair_held: Option<&'static str>,
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

impl<'a> Draft<'a> {
    pub(crate) fn new(view: &View<'a>) -> Self {
        Self {
            steps: Vec::new(),
            records: Copies::of(view),
            gone: BTreeSet::new(),
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
            repair_held: None,
            remediation_stopped: None,
            drift: Vec::new(),
            deletion_blocked: None,
            target: 0,
            shrink_unanswered: false,
            release: false,
            unwatched: OnceCell::new(),
        }
    }

    /// The working copy of a node's status, to be changed.
    pub(crate) fn record(&mut self, node: &NodeView<'_>) -> &mut OpenViduNodeStatus {
        self.records.get_mut(node)
    }

    /// Whether a node is to be emptied.
    pub(crate) fn draining(&self, node: &NodeView<'_>) -> bool {
        self.records.get(node).drain.is_some()
    }

    /// The node's record goes.
    pub(crate) fn forget(&mut self, node: &NodeView<'_>) {
        self.gone.insert(node.name.clone());
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
        node: &NodeView<'_>,
        cause: DrainCause,
        reason: impl Into<String>,
    ) {
        if self.draining(node) {
            return;
        }
        let reason = reason.into();
        self.record(node).drain = Some(DrainRecord {
            cause,
            reason: reason.clone(),
            requested_at: view.snap.now.wall.to_time(),
            signals: Vec::new(),
            closed_at: None,
        });
        self.event(EventType::Normal, "NodeDraining", Some(&node.name), reason);
    }

    /// Puts a node into a phase; `since` changes only when the phase does.
    pub(crate) fn phase(
        &mut self,
        view: &View<'_>,
        node: &NodeView<'_>,
        phase: NodePhase,
        reason: impl Into<String>,
    ) {
        let reason = reason.into();
        let record = self.records.get(node);
        let moves = record.phase != phase || record.since.is_none();
        if !moves && record.reason == reason {
            return;
        }
        let record = self.record(node);
        if moves {
            record.phase = phase;
            record.since = Some(view.snap.now.wall.to_time());
        }
        record.reason = reason;
    }
}
