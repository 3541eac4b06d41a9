//! `status`.

use std::fmt::Write as _;
use std::process::ExitCode;

use ovo_api::OpenViduCluster;
use ovo_store::ObjectKey;

use crate::cli::At;
use crate::commands::{ask, print, unexpected};
use crate::failure::Failure;
use crate::local::{Request, Response, find_cluster};

/// Exit code when something is not as declared.
const NOT_READY: u8 = 2;

pub(super) fn run(at: &At, name: Option<&str>) -> Result<ExitCode, Failure> {
    let Response::List(listing) = ask(at, Request::List)? else {
        return Err(unexpected());
    };
    for broken in &listing.unreadable {
        eprintln!("warning: {broken}");
    }
    let clusters = match name {
        None => listing.clusters,
        Some(name) => vec![find_cluster(&listing.clusters, name, &at.place())?],
    };
    if clusters.is_empty() {
        eprintln!("nothing found in {}", at.place());
    }
    let text: String = clusters.iter().map(words).collect();
    print(&text)?;
    let well = clusters.iter().all(is_ready) && listing.unreadable.is_empty();
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_READY)
    })
}

/// Whether it is as its present declaration says.
pub(super) fn is_ready(cluster: &OpenViduCluster) -> bool {
    let status = cluster.status.as_ref();
    status.is_some_and(|status| {
        status.observed_generation == cluster.metadata.generation
            && status
                .conditions
                .iter()
                .any(|c| c.type_ == "Ready" && c.status == "True")
    })
}

fn words(cluster: &OpenViduCluster) -> String {
    let key = ObjectKey::of(cluster);
    let Some(status) = &cluster.status else {
        return format!("{key}: nobody has looked at it yet; is an operator running?\n");
    };
    let phase = status
        .phase
        .map_or("Unknown".to_owned(), |phase| format!("{phase:?}"));
    let mut text = format!("{key}: {phase}: {}\n", status.summary);
    let stalled = status
        .conditions
        .iter()
        .find(|c| c.type_ == "Stalled" && c.status == "True");
    if let Some(stalled) = stalled {
        let _ = writeln!(text, "  {}: {}", stalled.reason, stalled.message);
    }
    if let Some(first) = status.pending.first() {
        let more = match status.pending.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more: `why {}`)", key.name),
        };
        let _ = writeln!(
            text,
            "  waits: {} for {}{more}",
            first.step, first.waits_for
        );
    }
    text
}
