//! The pure planner, and the checker that goes over every plan.
//!
//! [`plan`] turns one [`Snapshot`] into one [`Plan`]. It is synchronous and knows no clock, no chance and no
//! environment: the same snapshot gives the same plan, in the daemon, on the command line and in the simulator.
//! [`check`] shares no function with it.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

pub mod bugs;
pub mod check;
mod copies;
mod credentials;
mod draft;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod gate;
mod group;
mod machines;
mod occupancy;
mod preflight;
mod records;
mod resources;
mod roster;
mod shared_store;
mod status;
mod teardown;
pub mod tenants;
mod view;

use ovo_api::OpenViduClusterStatus;
use ovo_api::node::NODE_FORMAT_VERSION;
use ovo_api::profile::NodeSource;
use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_model::{EventType, Plan, Snapshot};

use crate::bugs::{Bug, Bugs};
use crate::draft::Draft;
use crate::view::View;

/// What to do next.
pub fn plan(snapshot: &Snapshot) -> Plan {
    plan_with(snapshot, Bugs::NONE)
}

/// What to do next, with planted bugs: for the tests that show that they are found.
pub fn plan_with(snapshot: &Snapshot, bugs: Bugs) -> Plan {
    let old = snapshot.cluster.status.clone().unwrap_or_default();
    if let Some(newer) = too_new(snapshot, &old) {
        return hands_off(old, &newer);
    }
    let view = View::new(snapshot, &old, bugs);
    let mut draft = Draft::new(&view);
    if let Some(objection) = &snapshot.tenancy.objection {
        draft.stall(objection.reason, objection.message.clone());
    }
    let machines = snapshot.profile.nodes == NodeSource::Machines;
    if machines {
        machines::phases(&view, &mut draft);
    } else {
        group::phases(&view, &mut draft);
    }
    preflight::plan(&view, &mut draft);
    if view.tearing_down() {
        // Deletion waits while the cluster is paused, like every other write.
        if !view.spec.paused() || bugs.has(Bug::NoPause) {
            teardown::plan(&view, &mut draft);
        }
    } else if credentials::plan(&view, &mut draft) == credentials::Gate::Open {
        resources::plan(&view, &mut draft);
        if machines {
            machines::masters(&view, &mut draft);
            machines::media(&view, &mut draft);
        } else {
            group::masters(&view, &mut draft);
            group::media(&view, &mut draft);
        }
    }
    if view.spec.paused() && !bugs.has(Bug::NoPause) {
        let before = draft.steps.len();
        draft.steps.retain(|s| s.act.keeps_alive());
        if draft.steps.len() < before {
            draft.wait("everything else", "spec.paused to become false");
        }
    }
    shared_store::plan(&view, &mut draft);
    records::draining_phases(&view, &mut draft);
    let status = Box::new(status::next(&view, &draft));
    // Last: it takes the working copies.
    let nodes = records::writes(&view, &mut draft);
    Plan {
        steps: draft.steps,
        nodes,
        try_out: status::try_out(&view, &status),
        status,
        waiting: draft.waiting,
        events: draft.events,
        release: draft.release,
        look_again_in: draft.look_again_in,
    }
}

/// What is stored in a format that this release does not know: the object, and its version.
fn too_new(snapshot: &Snapshot, status: &OpenViduClusterStatus) -> Option<String> {
    if let Some(intent) = &status.intent
        && intent.format_version > INTENT_FORMAT_VERSION
    {
        return Some(format!(
            "status.intent has formatVersion {}",
            intent.format_version
        ));
    }
    snapshot.nodes.iter().find_map(|(name, record)| {
        let version = record.status.as_ref()?.format_version;
        (version > NODE_FORMAT_VERSION)
            .then(|| format!("the record of {name} has formatVersion {version}"))
    })
}

/// Nothing is written over what a newer release wrote (rule S11).
fn hands_off(status: OpenViduClusterStatus, what: &str) -> Plan {
    Plan {
        steps: Vec::new(),
        nodes: Vec::new(),
        status: Box::new(status),
        waiting: Vec::new(),
        events: vec![ovo_model::EventNote {
            event_type: EventType::Warning,
            reason: "FormatTooNew".to_owned(),
            note: format!("{what}, newer than this release knows; run the newer release again"),
            node: None,
        }],
        try_out: false,
        release: false,
        look_again_in: 60_000,
    }
}
