//! Counting.

use std::collections::BTreeMap;

use ovo_api::act::Role;
use ovo_api::annotations;
use ovo_api::node::NodePhase;
use ovo_api::status::{MastersStatus, MediaStatus, OpenViduClusterStatus, PendingStep};
use ovo_model::{Occupancy, Presence};

use crate::draft::Draft;
use crate::occupancy::{Busy, FRESH_MS};
use crate::view::View;

pub(super) fn masters(view: &View<'_>) -> MastersStatus {
    let count = |of: &dyn Fn(&ovo_model::ObservedNode) -> bool| {
        int(view
            .role(Role::Master)
            .filter(|n| n.observed.is_some_and(of))
            .count())
    };
    MastersStatus {
        desired: if view.group(Role::Master).is_some() {
            i32::try_from(crate::group::wanted(view, Role::Master)).unwrap_or(i32::MAX)
        } else {
            int(view.role(Role::Master).filter(|n| n.listed).count())
        },
        running: count(&|o| o.presence == Presence::Running && o.unit.is_none_or(|u| u.active)),
        ready: count(&|o| o.healthy),
    }
}

pub(super) fn media(view: &View<'_>, draft: &Draft<'_>, new: &mut OpenViduClusterStatus) {
    let mut status = MediaStatus {
        target: draft.target,
        selector: format!(
            "{}={},{}=Media",
            annotations::CLUSTER_LABEL,
            view.snap
                .cluster
                .metadata
                .name
                .as_deref()
                .unwrap_or_default(),
            annotations::ROLE_LABEL
        ),
        ..MediaStatus::default()
    };
    let (mut sum, mut load, mut loads) = (Occupancy::default(), 0_u32, 0_u32);
    for node in view.role(Role::Media) {
        if draft.gone.contains(&node.name) {
            continue;
        }
        let record = draft.records.get(node);
        match record.phase {
            NodePhase::Serving => status.ready += 1,
            NodePhase::Draining | NodePhase::Drained => status.draining += 1,
            _ => {}
        }
        if !matches!(
            record.phase,
            NodePhase::Standby | NodePhase::Pending | NodePhase::Gone
        ) && (record.launched_at.is_some())
        {
            status.replicas += 1;
        }
        if let Busy::Occupied(occupancy) = view.busy(node, FRESH_MS, None) {
            sum = sum.plus(&occupancy);
        }
        if record.phase == NodePhase::Serving
            && let Some(permille) = node.readings.and_then(|r| {
                view.snap
                    .profile
                    .occupancy
                    .iter()
                    .find_map(|s| r.newest(*s)?.load_permille)
            })
            // Over full is no load but a mistake of whoever measured it.
            && permille <= 1_000
        {
            load += permille;
            loads += 1;
        }
    }
    status.rooms = Some(i32::try_from(sum.rooms).unwrap_or(i32::MAX));
    status.participants = Some(i32::try_from(sum.participants).unwrap_or(i32::MAX));
    // What nobody has said since the last time is not taken back.
    let before = view
        .status
        .media
        .as_ref()
        .and_then(|m| m.average_load_percent);
    status.average_load_percent = (load / 10)
        .checked_div(loads)
        .map(|l| i32::try_from(l).unwrap_or(i32::MAX))
        .or(before.filter(|_| status.ready > 0));
    new.media = Some(status);
}

/// The sentence for people.
pub(super) fn summary(_view: &View<'_>, new: &mut OpenViduClusterStatus) {
    let (masters, media) = (
        new.masters.clone().unwrap_or_default(),
        new.media.clone().unwrap_or_default(),
    );
    let draining = if media.draining > 0 {
        format!(" ({} draining)", media.draining)
    } else {
        String::new()
    };
    new.summary = format!(
        "{}/{} masters, {}/{} media nodes{draining}, {} rooms, {} people",
        masters.ready,
        masters.desired,
        media.ready,
        media.target,
        media.rooms.unwrap_or(0),
        media.participants.unwrap_or(0),
    );
}

/// What was pending, by what it is; where two are alike, the first.
pub(super) fn by_step(pending: &[PendingStep]) -> BTreeMap<&str, &PendingStep> {
    pending.iter().rev().map(|p| (p.step.as_str(), p)).collect()
}

/// Keeps what merely counts as it was written last: it is refreshed at most once a minute.
pub(super) fn keep(old: &OpenViduClusterStatus, new: &mut OpenViduClusterStatus) {
    new.summary.clone_from(&old.summary);
    if let (Some(new), Some(old)) = (&mut new.media, &old.media) {
        new.rooms = old.rooms;
        new.participants = old.participants;
        new.average_load_percent = old.average_load_percent;
    }
    let before = by_step(&old.pending);
    for pending in &mut new.pending {
        if let Some(before) = before.get(pending.step.as_str()) {
            pending.waits_for.clone_from(&before.waits_for);
        }
    }
    for condition in &mut new.conditions {
        let before = old.conditions.iter().find(|c| {
            c.type_ == condition.type_
                && c.status == condition.status
                && c.reason == condition.reason
        });
        if let Some(before) = before {
            condition.message.clone_from(&before.message);
        }
    }
}

fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
