//! Where a machine stands, by what was seen of it.

use ovo_api::node::OpenViduNodeStatus;
use ovo_model::{MediaState, Millis, Wall};

use crate::draft::Draft;
use crate::group::JOIN_LIMIT_MS;
use crate::view::{NodeView, View};

/// What does not answer or is not healthy for this long counts as unhealthy; before, it may be a hiccup.
const UNHEALTHY_AFTER_MS: Millis = 60_000;

/// Where a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It does not answer.
    Silent,
    /// Nothing of ours is on it.
    Bare,
    /// An installation is under way.
    Installing,
    /// Installed, stopped and disabled.
    Stopped,
    /// Stopped, and enabled: a start or a stop ended half-way. A reboot would bring it up.
    Half,
    /// Told to start; not yet part of the cluster.
    Starting,
    /// Takes new sessions.
    Serving,
    /// Runs, and nobody could say whether it takes sessions.
    Unsure,
    /// Closed to new sessions; containers run.
    Closed,
    /// Draining, and all its containers have exited by themselves.
    Exited,
    /// Told to start long ago and never joined, or came down by itself: holds nobody or never did.
    Failed,
}

impl State {
    /// By what was seen of the machine, and by what is written in its record so far.
    pub(crate) fn of(view: &View<'_>, draft: &Draft<'_>, node: &NodeView<'_>) -> Self {
        let record = draft.records.get(node);
        draft.records.state(node, || Self::seen(view, record, node))
    }

    fn seen(view: &View<'_>, record: &OpenViduNodeStatus, node: &NodeView<'_>) -> Self {
        if !node.known {
            return Self::Silent;
        }
        let Some(machine) = node.machine else {
            return Self::Bare;
        };
        if !machine.properties.contains_key("installed") {
            return Self::Installing;
        }
        let Some(observed) = node.observed else {
            return Self::Silent;
        };
        let Some(mut running) = observed.running_drained() else {
            return Self::Silent;
        };
        let draining = record.drain.is_some();
        let launched = record.launched_at.as_ref().map(Wall::from_time);
        let late = launched.is_none_or(|t| view.snap.now.wall.since(t) >= JOIN_LIMIT_MS);
        let joined = record.joined_at.is_some();
        let unit = observed.unit.unwrap_or_default();
        if running.next().is_none() {
            return match (unit.enabled, unit.active, draining) {
                (false, false, _) => Self::Stopped,
                (_, _, true) => Self::Exited,
                (_, false, false) => Self::Half,
                (_, true, false) if late || joined => Self::Failed,
                (_, true, false) => Self::Starting,
            };
        }
        match observed.media {
            MediaState::Serving => Self::Serving,
            MediaState::Closed | MediaState::Leaving | MediaState::Canceled => Self::Closed,
            MediaState::Absent | MediaState::Launching | MediaState::Failed if !joined && late => {
                Self::Failed
            }
            MediaState::Absent | MediaState::Launching if !joined => Self::Starting,
            MediaState::Absent
            | MediaState::Launching
            | MediaState::Failed
            | MediaState::Unknown => Self::Unsure,
        }
    }

    /// Whether a node that should serve may be one that came down: also one that was told to start and still shows
    /// only what has exited.
    pub(crate) fn is_doubtful(self, node: &NodeView<'_>) -> bool {
        match self {
            Self::Silent | Self::Unsure | Self::Failed | Self::Half => true,
            Self::Starting => node
                .observed
                .and_then(|o| o.containers.as_ref())
                .is_some_and(|list| {
                    let mut drained = list.iter().filter(|c| c.drained).peekable();
                    drained.peek().is_some() && !drained.any(|c| c.running)
                }),
            _ => false,
        }
    }

    /// Whether the machine runs, or may run, something of the cluster.
    pub(crate) const fn may_run(self) -> bool {
        !matches!(
            self,
            Self::Bare | Self::Installing | Self::Stopped | Self::Half
        )
    }
}

/// Whether a node that should serve has been in trouble for long enough to act upon.
pub(crate) fn unhealthy(
    view: &View<'_>,
    draft: &Draft<'_>,
    node: &NodeView<'_>,
    state: State,
) -> bool {
    let in_trouble = matches!(state, State::Silent | State::Unsure | State::Failed);
    in_trouble
        && draft
            .records
            .get(node)
            .unhealthy_since
            .as_ref()
            .is_some_and(|t| view.snap.now.wall.since(Wall::from_time(t)) >= UNHEALTHY_AFTER_MS)
}
