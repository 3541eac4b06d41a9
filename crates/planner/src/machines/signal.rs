//! The drain signal: once to each start of each container (rule S4).

use ovo_api::act::{ActKind, Role};
use ovo_api::annotations;
use ovo_api::node::{DrainCause, DrainRecord, SignalRecord, SignalState};
use ovo_api::profile::OccupancySource;
use ovo_model::{
    Cause, Container, ContainerRef, EventType, MediaState, Millis, NodeName, ObservedNode, Op,
};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::gate::restarting;
use crate::group::in_grace_is_over;
use crate::machines::state::State;
use crate::occupancy::FRESH_MS;
use crate::view::{NodeView, View};

/// The container of the media server: the one that a second signal kills.
const SERVER: &str = "openvidu";
/// A marked container that serves on for this long did not hear its signal; a person decides.
const UNCONFIRMED_AFTER_MS: Millis = 30_000;
/// Agents may work for rooms on other nodes, and nobody can ask them: they get longer.
const AGENT_UNCONFIRMED_AFTER_MS: Millis = 1_800_000;

/// Brings the record of a draining node's signals up to what is seen, and plans the signal that is due.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let Some(observed) = node.observed else {
        return;
    };
    let Some(containers) = &observed.containers else {
        return;
    };
    let hold = why_hold(view, draft, node, observed);
    let Some(drain) = &mut draft.record(node).drain else {
        return;
    };
    let (cause, why) = (drain.cause, drain.reason.clone());
    let seen = look(view, node, observed, containers, drain);
    for name in &seen.unconfirmed {
        draft.event(
            EventType::Warning,
            "DrainUnconfirmed",
            Some(&node.name),
            format!(
                "{name} was signalled and goes on; a second signal may kill, so a person decides: look at its log"
            ),
        );
    }
    let what = format!("signal {}", node.name);
    if !seen.refused.is_empty() {
        // Half a drain leaves a node that takes recordings and no rooms.
        return draft.wait(
            what,
            format!(
                "a person: Docker would start {} again; give it the restart policy unless-stopped",
                seen.refused.join(", ")
            ),
        );
    }
    if seen.due.is_empty() {
        return;
    }
    if seen.unsure {
        return draft.wait(what, "the node to say whether it is closed already");
    }
    if restarting(draft) {
        return draft.wait(what, "services to be restarted first");
    }
    if let Some(hold) = hold {
        return draft.wait(what, hold);
    }
    let cause = match cause {
        DrainCause::ClusterDeleted | DrainCause::NodeDeleted => Cause::Deletion,
        _ => Cause::ScaleIn,
    };
    let op = Op::Signal {
        node: node.name.clone(),
        containers: seen.due,
    };
    draft
        .steps
        .push(view.step(op, ActKind::Signal, Some(Role::Media), cause, why));
}

/// Takes back a drain that somebody else began and that ended with a restart: what runs now nobody has closed.
pub(crate) fn void(draft: &mut Draft<'_>, node: &NodeView<'_>) {
    let drain = draft.records.get(node).drain.as_ref();
    if drain.is_some_and(|d| d.cause == DrainCause::Foreign && untouched(node, d)) {
        draft.record(node).drain = None;
        draft.event(
            EventType::Normal,
            "NodeRevived",
            Some(&node.name),
            "it was started again, and nobody has closed it since",
        );
    }
}

/// Whether something runs that is open by its own word, and no signal went or is to go to it.
fn untouched(node: &NodeView<'_>, drain: &DrainRecord) -> bool {
    let Some(observed) = node.observed else {
        return false;
    };
    let open = !matches!(
        observed.media,
        MediaState::Closed | MediaState::Leaving | MediaState::Canceled | MediaState::Unknown
    );
    let mut running = observed
        .containers
        .iter()
        .flatten()
        .filter(|c| c.drained && c.running)
        .peekable();
    open && running.peek().is_some()
        && running.all(|c| c.marker.is_none() && !drain.signals.iter().any(|s| same(s, c)))
}

/// A scale-in of which nothing has gone out yet is held like a new one: after a restart of the operator nobody
/// knows that fewer nodes suffice.
fn why_hold(
    view: &View<'_>,
    draft: &Draft<'_>,
    node: &NodeView<'_>,
    observed: &ObservedNode,
) -> Option<String> {
    let drain = draft.records.get(node).drain.as_ref()?;
    let marked = observed
        .containers
        .iter()
        .flatten()
        .any(|c| c.marker.is_some());
    let sent = drain
        .signals
        .iter()
        .any(|s| s.state != SignalState::Intended);
    let closed = matches!(
        observed.media,
        MediaState::Closed | MediaState::Leaving | MediaState::Canceled
    );
    if marked || sent || closed {
        return None;
    }
    // The request was taken back after its signals were decided on: nobody may say now that it is wanted.
    if drain.cause == DrainCause::Requested && node.annotation(annotations::DRAIN).is_none() {
        return Some(format!(
            "a person: the request to drain it was taken back; set {} again to go on",
            annotations::DRAIN
        ));
    }
    if drain.cause != DrainCause::ScaleIn || view.bugs.has(Bug::NoGrace) {
        return None;
    }
    if !in_grace_is_over(view, node) {
        return Some(format!("{} joined a moment ago", node.name));
    }
    unwatched(view, draft).map(|name| format!("a full window of readings of {name}"))
}

/// The first serving node that has not been watched for a full window. Found once for a plan: every draining node
/// asks.
fn unwatched(view: &View<'_>, draft: &Draft<'_>) -> Option<NodeName> {
    let find = || {
        view.role(Role::Media)
            .filter(|n| !draft.draining(n) && State::of(view, draft, n) == State::Serving)
            .find(|n| !view.full_window(n))
            .map(|n| n.name.clone())
    };
    draft.unwatched.get_or_init(find).clone()
}

/// What one look at the containers of a draining node says.
#[derive(Default)]
struct Seen {
    due: Vec<ContainerRef>,
    refused: Vec<String>,
    unconfirmed: Vec<String>,
    /// Nobody could say whether the media server is closed already.
    unsure: bool,
}

fn same(record: &SignalRecord, container: &Container) -> bool {
    record.container_id == container.id && record.started_at == container.started_at
}

fn look(
    view: &View<'_>,
    node: &NodeView<'_>,
    observed: &ObservedNode,
    containers: &[Container],
    drain: &mut DrainRecord,
) -> Seen {
    let mut seen = Seen::default();
    drain
        .signals
        .retain(|s| containers.iter().any(|c| same(s, c)));
    for container in containers.iter().filter(|c| c.drained) {
        let recorded = drain.signals.iter().position(|s| same(s, container));
        if container.running && container.revived_by_engine {
            seen.refused.push(container.name.clone());
            continue;
        }
        let number = match recorded {
            Some(number) => number,
            None if !container.running => continue,
            None => {
                drain.signals.push(SignalRecord {
                    container: container.name.clone(),
                    container_id: container.id.clone(),
                    started_at: container.started_at.clone(),
                    state: SignalState::Intended,
                    at: view.snap.now.wall.to_time(),
                });
                drain.signals.len() - 1
            }
        };
        let Some(signal) = drain.signals.get_mut(number) else {
            continue;
        };
        match (container.running, container.marker) {
            (false, _) => signal.state = SignalState::Sent,
            (true, Some(marker)) => {
                if unheard(view, node, observed, container, marker.age_ms) {
                    if signal.state != SignalState::Unconfirmed {
                        seen.unconfirmed.push(container.name.clone());
                    }
                    signal.state = SignalState::Unconfirmed;
                } else if signal.state == SignalState::Intended
                    && (container.name != SERVER || observed.media != MediaState::Serving)
                {
                    signal.state = SignalState::Sent;
                }
            }
            // Closed by its own word: somebody has signalled it, and a second signal kills.
            (true, None)
                if container.name == SERVER
                    && matches!(observed.media, MediaState::Closed | MediaState::Leaving) =>
            {
                signal.state = SignalState::Sent;
            }
            (true, None) if container.name == SERVER && observed.media == MediaState::Unknown => {
                seen.unsure = true;
            }
            (true, None)
                if signal.state == SignalState::Intended || view.bugs.has(Bug::LostMarker) =>
            {
                signal.state = SignalState::Intended;
                seen.due.push(container.reference());
            }
            (true, None) => {}
        }
    }
    seen
}

/// Whether a marked container shows by its own doing that no signal reached it: the script died between the
/// marker and the signal.
fn unheard(
    view: &View<'_>,
    node: &NodeView<'_>,
    observed: &ObservedNode,
    container: &Container,
    marker_age: Millis,
) -> bool {
    let idle = |source| {
        node.readings
            .and_then(|r| r.newest(source))
            .is_some_and(|r| r.occupancy.is_zero() && view.snap.now.mono.since(r.at) <= FRESH_MS)
    };
    let openvidu_exited = || {
        observed
            .containers
            .iter()
            .flatten()
            .any(|c| c.name == SERVER && !c.running)
    };
    let late = marker_age >= UNCONFIRMED_AFTER_MS;
    match container.name.as_str() {
        SERVER => late && observed.media == MediaState::Serving,
        // Idle and told to go, these two exit at once.
        "egress" => late && idle(OccupancySource::Egress),
        "ingress" => late && idle(OccupancySource::Ingress),
        _ => marker_age >= AGENT_UNCONFIRMED_AFTER_MS && openvidu_exited(),
    }
}
