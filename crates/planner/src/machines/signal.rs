//! The drain signal: once to each start of each container (rule S4).

use ovo_api::act::{ActKind, Role};
use ovo_api::node::{SignalRecord, SignalState};
use ovo_model::{Cause, Container, EventType, MediaState, Millis, Op};

use crate::bugs::Bug;
use crate::draft::Draft;
use crate::view::{NodeView, View};

/// A marked container that serves on for this long did not hear its signal; a person decides.
const UNCONFIRMED_AFTER_MS: Millis = 30_000;

fn same(record: &SignalRecord, container: &Container) -> bool {
    record.container_id == container.id && record.started_at == container.started_at
}

/// Brings the record of a draining node's signals up to what is seen, and plans the signal that is due.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft, node: &NodeView<'_>) {
    let Some(observed) = node.observed else {
        return;
    };
    let Some(containers) = &observed.containers else {
        return;
    };
    let now = view.snap.now.wall.to_time();
    let mut due = Vec::new();
    let mut refused = Vec::new();
    let mut unconfirmed = Vec::new();
    let Some(drain) = &mut draft.record(&node.name).drain else {
        return;
    };
    let (cause, why) = (drain.cause, drain.reason.clone());
    drain
        .signals
        .retain(|s| containers.iter().any(|c| same(s, c)));
    for container in containers.iter().filter(|c| c.drained) {
        let recorded = drain.signals.iter_mut().find(|s| same(s, container));
        if !container.running {
            if let Some(signal) = recorded {
                signal.state = SignalState::Sent;
            }
            continue;
        }
        if container.revived_by_engine {
            refused.push(container.name.clone());
            continue;
        }
        let signal = match recorded {
            Some(signal) => signal,
            None => {
                drain.signals.push(SignalRecord {
                    container: container.name.clone(),
                    container_id: container.id.clone(),
                    started_at: container.started_at.clone(),
                    state: SignalState::Intended,
                    at: now.clone(),
                });
                let Some(last) = drain.signals.last_mut() else {
                    continue;
                };
                last
            }
        };
        match container.marker {
            Some(marker) => {
                let heard = observed.media != MediaState::Serving || container.name != "openvidu";
                if heard {
                    signal.state = SignalState::Sent;
                } else if marker.age_ms >= UNCONFIRMED_AFTER_MS {
                    if signal.state != SignalState::Unconfirmed {
                        unconfirmed.push(container.name.clone());
                    }
                    signal.state = SignalState::Unconfirmed;
                }
                if view.bugs.has(Bug::Resend) {
                    signal.state = SignalState::Intended;
                    due.push(container.reference());
                }
            }
            None if signal.state == SignalState::Intended || view.bugs.has(Bug::LostMarker) => {
                signal.state = SignalState::Intended;
                due.push(container.reference());
            }
            None => {}
        }
    }
    for name in unconfirmed {
        draft.event(
            EventType::Warning,
            "DrainUnconfirmed",
            Some(&node.name),
            format!(
                "{name} got its signal and serves on; a second one would kill, so a person decides"
            ),
        );
    }
    if !refused.is_empty() {
        let list = refused.join(", ");
        draft.wait(
            format!("signal {}", node.name),
            format!("a person: Docker would start {list} again; set its restart policy to unless-stopped or on-failure"),
        );
        // Half a drain leaves a node that takes recordings and no rooms.
        return;
    }
    if due.is_empty() {
        return;
    }
    let cause = match cause {
        ovo_api::node::DrainCause::ClusterDeleted | ovo_api::node::DrainCause::NodeDeleted => {
            Cause::Deletion
        }
        _ => Cause::ScaleIn,
    };
    let op = Op::Signal {
        node: node.name.clone(),
        containers: due,
    };
    draft
        .steps
        .push(view.step(op, ActKind::Signal, Some(Role::Media), cause, why));
}
