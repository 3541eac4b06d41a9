//! Conditions: kstatus for tools, one per concern for people.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use ovo_api::node::{NodePhase, OpenViduNodeStatus};
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::Observation;

use crate::draft::Draft;
use crate::preflight;
use crate::shared_store;
use crate::view::View;

use super::trial;

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// Sets a condition; its time moves only when its status does.
fn set(
    list: &mut Vec<Condition>,
    now: &Time,
    generation: Option<i64>,
    type_: &str,
    status: &str,
    reason: &str,
    message: impl Into<String>,
) {
    let message = message.into();
    if let Some(old) = list.iter_mut().find(|c| c.type_ == type_) {
        if old.status != status {
            status.clone_into(&mut old.status);
            old.last_transition_time = now.clone();
        }
        reason.clone_into(&mut old.reason);
        old.message = message;
        old.observed_generation = generation;
    } else {
        list.push(Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            last_transition_time: now.clone(),
            observed_generation: generation,
        });
    }
}

/// Whether the cluster has ever been ready.
pub(super) fn was_ready(view: &View<'_>) -> bool {
    view.status
        .conditions
        .iter()
        .any(|c| c.type_ == "Ready" && c.status == TRUE)
        || view
            .status
            .conditions
            .iter()
            .any(|c| c.type_ == "Accepted" && c.status == TRUE)
}

pub(super) fn update(view: &View<'_>, draft: &Draft<'_>, new: &mut OpenViduClusterStatus) {
    let now = view.snap.now.wall.to_time();
    let generation = view.snap.cluster.metadata.generation;
    let masters = new.masters.clone().unwrap_or_default();
    let media = new.media.clone().unwrap_or_default();
    let waiting = || {
        let list: Vec<String> = draft
            .waiting
            .iter()
            .take(4)
            .map(|w| format!("{} waits for {}", w.step, w.for_what))
            .collect();
        let doing: Vec<String> = draft
            .steps
            .iter()
            .take(4)
            .map(|s| s.id.to_string())
            .collect();
        [doing, list].concat().join("; ")
    };
    let masters_ok = masters.desired > 0 && masters.ready >= masters.desired;
    let media_ok = media.ready >= media.target && media.draining == 0;
    let unknown = view.snap.observed.iter().find_map(|(scope, o)| match o {
        Observation::Unknown { reason } => Some(format!("{}: {reason}", scope.0)),
        Observation::Known { .. } => None,
    });
    let conditions = &mut new.conditions;
    let mut put = |type_: &str, status: &str, reason: &str, message: String| {
        set(conditions, &now, generation, type_, status, reason, message);
    };
    let plain = |kind: &str| resource_condition(view, kind);

    put(
        "MastersReady",
        if masters_ok { TRUE } else { FALSE },
        if masters_ok {
            "AllReady"
        } else {
            "MastersMissing"
        },
        format!("{} of {} masters are ready", masters.ready, masters.desired),
    );
    put(
        "MediaReady",
        if media.ready >= media.target {
            TRUE
        } else {
            FALSE
        },
        if media.ready >= media.target {
            "AllReady"
        } else {
            "MediaNodesMissing"
        },
        format!(
            "{} of {} media nodes take sessions",
            media.ready, media.target
        ),
    );
    for (type_, kind) in [
        ("LoadBalancerReady", "LoadBalancer"),
        ("RedisReady", "Redis"),
        ("StorageReady", "Bucket"),
    ] {
        if let Some((status, reason, message)) = plain(kind) {
            put(type_, status, reason, message);
        }
    }
    let config_waits = draft
        .waiting
        .iter()
        .find(|w| w.step.starts_with("set Config/"));
    match (config_waits, plain("Config")) {
        (Some(w), _) => put(
            "ConfigApplied",
            FALSE,
            "Waiting",
            format!("{} waits for {}", w.step, w.for_what),
        ),
        (None, Some((TRUE, ..))) => put("ConfigApplied", TRUE, "Applied", String::new()),
        (None, _) => put("ConfigApplied", FALSE, "NotThereYet", String::new()),
    }
    if let Some((status, reason, message)) = shared_store::condition(view) {
        put(shared_store::CONDITION, status, reason, message);
    }
    if let Some((status, reason, message)) = preflight::condition(view) {
        put(preflight::CONDITION, status, reason, message);
    }
    if draft.drift.is_empty() {
        put("Drift", FALSE, "None", String::new());
    } else {
        put("Drift", TRUE, "Reported", draft.drift.join("; "));
    }
    match &draft.capacity_limited {
        Some(message) => put("CapacityLimited", TRUE, "NoRoom", message.clone()),
        None => put("CapacityLimited", FALSE, "WithinLimits", String::new()),
    }
    match &draft.remediation_stopped {
        Some(message) => put(
            "RemediationAllowed",
            FALSE,
            "TooManyUnhealthy",
            message.clone(),
        ),
        None => put("RemediationAllowed", TRUE, "WithinLimits", String::new()),
    }
    if view.deleting() {
        match &draft.deletion_blocked {
            _ if view.spec.deletion.protected() => put(
                "DeletionBlocked",
                TRUE,
                "Protected",
                "set spec.deletion.protected to false to let it be taken away".to_owned(),
            ),
            _ if view.spec.paused() => put(
                "DeletionBlocked",
                TRUE,
                "Paused",
                "deletion waits while spec.paused is true; set it to false to let it go on"
                    .to_owned(),
            ),
            Some(stall) => put("DeletionBlocked", TRUE, stall.reason, stall.message.clone()),
            None => put("DeletionBlocked", FALSE, "InProgress", waiting()),
        }
    }
    if new.shrink_unanswered_since.is_some() {
        let since = new
            .shrink_unanswered_since
            .as_ref()
            .map(ovo_model::Wall::from_time);
        let late = since.is_some_and(|s| view.snap.now.wall.since(s) >= 300_000);
        put(
            "DrainStarted",
            if late { FALSE } else { UNKNOWN },
            if late { "DrainNotStarted" } else { "Waiting" },
            "the group was asked to shrink and OpenVidu's masters have closed no node yet; look at their logs".to_owned(),
        );
    } else if conditions_has(view, "DrainStarted") {
        put("DrainStarted", TRUE, "Answered", String::new());
    }
    let serves = masters_ok && media.ready > 0;
    let tried = trial::condition(view, serves);
    if let Some((status, reason, message)) = tried {
        put(trial::CONDITION, status, reason, message);
    } else if masters.ready == 0 || media.ready == 0 {
        put(trial::CONDITION, FALSE, trial::NOT_SERVING, waiting());
    }
    match &draft.stall {
        Some(stall) => put("Stalled", TRUE, stall.reason, stall.message.clone()),
        None => put("Stalled", FALSE, "None", String::new()),
    }
    let ready = masters_ok
        && media_ok
        && draft.stall.is_none()
        && draft.steps.is_empty()
        && unknown.is_none()
        && !view.deleting()
        && resources_ready(view);
    let busy = draft.stall.is_none() && !ready && !(view.spec.paused() && draft.steps.is_empty());
    put(
        "Reconciling",
        if busy { TRUE } else { FALSE },
        if busy { "Progressing" } else { "Settled" },
        if busy { waiting() } else { String::new() },
    );
    let (reason, message) = match (&unknown, ready) {
        (_, true) => ("AsDeclared", String::new()),
        (Some(why), false) => ("Unknown", why.clone()),
        (None, false) => ("NotAsDeclared", waiting()),
    };
    put("Ready", if ready { TRUE } else { FALSE }, reason, message);
}

fn conditions_has(view: &View<'_>, type_: &str) -> bool {
    view.status.conditions.iter().any(|c| c.type_ == type_)
}

fn resources_ready(view: &View<'_>) -> bool {
    view.snap
        .desired
        .iter()
        .filter(|r| r.id.kind != crate::view::MACHINE)
        .all(|r| view.ready(&r.id))
}

/// The state of the resources of one kind, or `None` where the deployment has none.
fn resource_condition(view: &View<'_>, kind: &str) -> Option<(&'static str, &'static str, String)> {
    let mut resources = view
        .snap
        .desired
        .iter()
        .filter(|r| r.id.kind == kind)
        .peekable();
    resources.peek()?;
    let mut unknown = None;
    for resource in resources {
        if !view.scope_known(&resource.scope) {
            unknown = Some((
                UNKNOWN,
                "Unreadable",
                format!("{} could not be read", resource.id),
            ));
        } else if !view.ready(&resource.id) {
            return Some((FALSE, "NotReady", format!("{} is not ready", resource.id)));
        }
    }
    Some(unknown.unwrap_or((TRUE, "Ready", String::new())))
}

/// Conditions of a node, from its phase.
pub(crate) fn node(view: &View<'_>, status: &mut Cow<'_, OpenViduNodeStatus>) {
    let now = view.snap.now.wall.to_time();
    let generation = status.observed_generation;
    let (ready, reconciling, stalled) = match status.phase {
        NodePhase::Serving | NodePhase::Standby => (true, false, false),
        NodePhase::Failed | NodePhase::Unreachable => (false, false, true),
        _ => (false, true, false),
    };
    let reason = format!("{:?}", status.phase);
    let word = |yes| if yes { TRUE } else { FALSE };
    for (type_, holds) in [
        ("Ready", ready),
        ("Reconciling", reconciling),
        ("Stalled", stalled),
    ] {
        let as_it_was = status.conditions.iter().any(|c| {
            c.type_ == type_
                && c.status == word(holds)
                && c.reason == reason
                && c.message == status.reason
                && c.observed_generation == generation
        });
        if !as_it_was {
            let status = status.to_mut();
            let message = status.reason.clone();
            let list = &mut status.conditions;
            set(list, &now, generation, type_, word(holds), &reason, message);
        }
    }
}
