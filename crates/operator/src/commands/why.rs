//! `why`.

use std::fmt::Write as _;
use std::process::ExitCode;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use ovo_api::annotations::{DRAIN, FORCE, PROTECT};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::ObjectKey;
use ovo_store::embedded::RecordedEvent;

use crate::cli::At;
use crate::commands::status::is_ready;
use crate::commands::{ask, print, unexpected};
use crate::failure::Failure;
use crate::local::{Request, Response, find_cluster, find_node};
use crate::view::age;

/// How many of the latest events are told.
const LATEST: usize = 5;

pub(super) fn run(at: &At, name: &str) -> Result<ExitCode, Failure> {
    let Response::List(listing) = ask(at, Request::List)? else {
        return Err(unexpected());
    };
    let (now, place) = (listing.now, at.place());
    let mut text = match find_cluster(&listing.clusters, name, &place) {
        Ok(found) => cluster(&found, now),
        Err(unknown) => match find_node(&listing.nodes, name, &place) {
            Ok(found) => node(&found, now),
            Err(Failure::Unknown { .. }) => return Err(unknown),
            Err(failure) => return Err(failure),
        },
    };
    let about = Some(name.rsplit('/').next().unwrap_or(name).to_owned());
    // Whoever has only the machine's name of a node has no events by it.
    if let Ok(Response::Events { events, .. }) = ask(at, Request::Events { about }) {
        latest(&mut text, &events, now);
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn cluster(cluster: &OpenViduCluster, now: i64) -> String {
    let key = ObjectKey::of(cluster);
    let Some(status) = &cluster.status else {
        return format!(
            "{key} has no status: no operator has looked at it. Is one running, and does it serve this namespace?\n"
        );
    };
    let mut text = format!("{key}: {}\n", status.summary);
    if is_ready(cluster) {
        text.push_str("  it is as it was declared\n");
    }
    if status.observed_generation != cluster.metadata.generation {
        let seen = status.observed_generation.unwrap_or_default();
        let declared = cluster.metadata.generation.unwrap_or_default();
        let _ = writeln!(
            text,
            "  the operator has seen generation {seen}, and {declared} is declared: it has not looked yet, or is not running"
        );
    }
    if cluster.spec.paused() {
        text.push_str("  spec.paused is true: nothing is changed until it is false\n");
    }
    if let Some(since) = &cluster.metadata.deletion_timestamp {
        let _ = writeln!(text, "  it was deleted {} ago", ago(now, since));
    }
    conditions(&mut text, &status.conditions, now);
    for pending in &status.pending {
        let _ = writeln!(
            text,
            "  waits {}: {} for {}",
            ago(now, &pending.since),
            pending.step,
            pending.waits_for
        );
    }
    for step in status.intent.iter().flat_map(|intent| &intent.steps) {
        let _ = writeln!(text, "  committed to: {}", step.step);
    }
    if let Some(autoscaler) = &status.autoscaler {
        let _ = writeln!(text, "  decided last: {}", autoscaler.decision);
    }
    text
}

fn node(node: &OpenViduNode, now: i64) -> String {
    let key = ObjectKey::of(node);
    let status = node.status.clone().unwrap_or_default();
    let since = status
        .since
        .as_ref()
        .map_or(String::new(), |since| format!(" for {}", ago(now, since)));
    let mut text = format!("{key}: {:?}{since}", status.phase);
    if !status.reason.is_empty() {
        let _ = write!(text, ": {}", status.reason);
    }
    text.push('\n');
    if let (Some(rooms), Some(people)) = (status.rooms, status.participants) {
        let _ = writeln!(text, "  {rooms} rooms, {people} people");
    }
    let annotations = node.metadata.annotations.clone().unwrap_or_default();
    for (annotation, meaning) in [
        (DRAIN, "somebody drains it"),
        (FORCE, "somebody ends it by force"),
        (PROTECT, "it is protected from scale-in"),
    ] {
        if let Some(value) = annotations.get(annotation) {
            let _ = writeln!(text, "  {meaning}: {annotation}: {value:?}");
        }
    }
    if let Some(since) = &node.metadata.deletion_timestamp {
        let _ = writeln!(
            text,
            "  it was deleted {} ago: it is drained, ended and replaced, and only then gone",
            ago(now, since)
        );
    }
    conditions(&mut text, &status.conditions, now);
    text
}

/// The conditions that say more than that all is well.
fn conditions(text: &mut String, all: &[Condition], now: i64) {
    for condition in all.iter().filter(|c| is_news(c)) {
        let _ = write!(
            text,
            "  {}={} for {}: {}",
            condition.type_,
            condition.status,
            ago(now, &condition.last_transition_time),
            condition.reason
        );
        let message = &condition.message;
        let _ = if message.is_empty() {
            writeln!(text)
        } else {
            writeln!(text, ": {message}")
        };
    }
}

fn is_news(condition: &Condition) -> bool {
    // True of these is what somebody wants to hear of; of all others what is not True.
    const TROUBLE: [&str; 5] = [
        "Stalled",
        "Reconciling",
        "Drift",
        "CapacityLimited",
        "DeletionBlocked",
    ];
    TROUBLE.contains(&condition.type_.as_str()) == (condition.status == "True")
}

fn latest(text: &mut String, events: &[RecordedEvent], now: i64) {
    for recorded in events.iter().skip(events.len().saturating_sub(LATEST)) {
        let event = &recorded.event;
        let _ = writeln!(
            text,
            "  {} ago: {} {}: {}",
            age(now - recorded.last.as_millisecond()),
            event.reason,
            event.regarding.key.name,
            event.note
        );
    }
}

fn ago(now: i64, time: &Time) -> String {
    age(now - time.0.as_millisecond())
}
