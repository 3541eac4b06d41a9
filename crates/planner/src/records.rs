//! Node records: what is written, and how seldom.

use std::borrow::Cow;

use ovo_api::act::Role;
use ovo_api::node::{NODE_FORMAT_VERSION, NodePhase, OpenViduNodeSpec, OpenViduNodeStatus};
use ovo_model::{Millis, NodeWrite, Occupancy, Scalar, Wall};

use crate::draft::Draft;
use crate::occupancy::{Busy, FRESH_MS};
use crate::view::{NodeView, View};

/// How often occupancy is written while it merely changes, in milliseconds.
const OCCUPANCY_EVERY_MS: Millis = 300_000;

/// What the resource of a machine tells of the key that it showed.
const HOST_KEY: &str = "hostKey";

/// Nodes that began to drain in this very plan are Draining in it.
pub(crate) fn draining_phases(view: &View<'_>, draft: &mut Draft<'_>) {
    for node in view.nodes.values() {
        let record = draft.records.get(node);
        let open = match record.phase {
            NodePhase::Serving | NodePhase::Joining | NodePhase::Launching | NodePhase::Failed => {
                true
            }
            // It is back, and nobody could say yet whether it takes sessions.
            NodePhase::Unreachable | NodePhase::Pending | NodePhase::Standby => runs(node),
            _ => false,
        };
        if let Some(drain) = record.drain.as_ref().filter(|_| open) {
            let reason = drain.reason.clone();
            draft.phase(view, node, NodePhase::Draining, reason);
        }
    }
}

/// The writes that bring the stored records to the drafted ones.
pub(crate) fn writes(view: &View<'_>, draft: &mut Draft<'_>) -> Vec<NodeWrite> {
    let mut writes = Vec::new();
    for node in view.nodes.values() {
        if draft.gone.contains(&node.name) {
            if node.record.is_some() {
                writes.push(NodeWrite::Remove {
                    node: node.name.clone(),
                });
            }
            continue;
        }
        // A cluster that is leaving gets no records but those in which a drain is written down: in a namespace that is
        // being deleted none can be made, and one that nobody needs must not stop what has to be done.
        let leaving = view.tearing_down() && (draft.release || !may_be_signalled(view, node));
        if node.record.is_none() && (leaving || !node.listed && node.observed.is_none()) {
            continue;
        }
        let new = next(view, draft.records.take(node), node);
        match node.record {
            None => writes.push(NodeWrite::Create {
                node: node.name.clone(),
                spec: OpenViduNodeSpec {
                    cluster: view.snap.cluster.metadata.name.clone().unwrap_or_default(),
                    role: node.role,
                    machine: node.name.to_string(),
                },
                status: Box::new(new.into_owned()),
            }),
            Some(record) if record.status.as_ref() != Some(&*new) => {
                writes.push(NodeWrite::Status {
                    node: node.name.clone(),
                    status: Box::new(new.into_owned()),
                });
            }
            Some(_) => {}
        }
    }
    writes
}

/// Whether the operator itself may have to close it: then its record is the memory of the signal.
fn may_be_signalled(view: &View<'_>, node: &NodeView<'_>) -> bool {
    node.role == Role::Media && view.snap.profile.drain.names_the_victim() && runs(node)
}

/// Whether containers that take the drain signal run on it.
fn runs(node: &NodeView<'_>) -> bool {
    let running = node.observed.and_then(|o| o.running_drained());
    running.is_some_and(|mut list| list.next().is_some())
}

/// A node's next status. Copied only where it differs: most nodes of a large cluster are as they were.
fn next<'s>(
    view: &View<'_>,
    mut new: Cow<'s, OpenViduNodeStatus>,
    node: &NodeView<'_>,
) -> Cow<'s, OpenViduNodeStatus> {
    if new.format_version != NODE_FORMAT_VERSION {
        new.to_mut().format_version = NODE_FORMAT_VERSION;
    }
    if let Some(observed) = node.observed {
        if !observed.address.is_empty() && new.address.as_ref() != Some(&observed.address) {
            new.to_mut().address = Some(observed.address.clone());
        }
        if observed.zone.is_some() && new.zone != observed.zone {
            new.to_mut().zone.clone_from(&observed.zone);
        }
        if observed.version.is_some() && new.version != observed.version {
            new.to_mut().version.clone_from(&observed.version);
        }
    }
    if let Some(Scalar::Text(key)) = node.machine.and_then(|m| m.outputs.get(HOST_KEY))
        && new.host_key.as_ref() != Some(key)
    {
        new.to_mut().host_key = Some(key.clone());
    }
    if node.role == Role::Media {
        occupancy(view, node, &mut new);
    }
    let generation = node.record.and_then(|r| r.metadata.generation);
    if generation.is_some() && new.observed_generation != generation {
        new.to_mut().observed_generation = generation;
    }
    crate::status::node_conditions(view, &mut new);
    new
}

/// Occupancy for people: from and to zero at once, while draining always, else every five minutes.
fn occupancy(view: &View<'_>, node: &NodeView<'_>, new: &mut Cow<'_, OpenViduNodeStatus>) {
    let now = match view.busy(node, FRESH_MS, None) {
        Busy::Zero => Occupancy::default(),
        Busy::Occupied(occupancy) => occupancy,
        Busy::Unknown(_) => return,
    };
    let (rooms, people) = (clamp(now.rooms), clamp(now.participants));
    let load = node.readings.and_then(|r| {
        view.snap
            .profile
            .occupancy
            .iter()
            .find_map(|s| r.newest(*s)?.load_permille)
    });
    let load = load.map(|l| clamp(l / 10));
    if (new.rooms, new.participants) == (Some(rooms), Some(people)) {
        return;
    }
    let crossed = (new.rooms == Some(0)) != (rooms == 0) || new.rooms.is_none();
    let old = new
        .occupancy_at
        .as_ref()
        .is_none_or(|t| view.snap.now.wall.since(Wall::from_time(t)) >= OCCUPANCY_EVERY_MS);
    if crossed || new.drain.is_some() || old {
        let new = new.to_mut();
        new.rooms = Some(rooms);
        new.participants = Some(people);
        new.load_percent = load;
        new.occupancy_at = Some(view.snap.now.wall.to_time());
    }
}

fn clamp(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
