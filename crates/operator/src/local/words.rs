//! What people are told of what they asked for: the same for a directory and for Kubernetes.

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::ObjectKey;
use ovo_store::embedded::RecordedEvent;

use crate::failure::Failure;

/// A drain without a reason is refused.
pub(crate) fn needs_reason(reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::Usage(
            "--reason: say why the node is drained; everybody sees it".to_owned(),
        ));
    }
    Ok(())
}

/// Whoever cuts types the whole name, twice: the machine's name is not enough here.
pub(crate) fn needs_whole_name(
    record: &OpenViduNode,
    node: &str,
    confirm: &str,
) -> Result<(), Failure> {
    let key = ObjectKey::of(record);
    let whole = [key.name.as_str(), &key.to_string()].contains(&node);
    if whole && confirm == node {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "force cuts everything that runs on the node: type the whole name twice, as in `force {} --confirm {}`",
        key.name, key.name
    )))
}

pub(crate) fn drained(name: &str) -> String {
    format!(
        "{name} is closed to new meetings as soon as it may be, and ended when the last one is over"
    )
}

pub(crate) fn undrained(name: &str) -> String {
    format!(
        "{name} is not asked to drain any more; a node that is closed already stays closed where OpenVidu cannot take it back"
    )
}

pub(crate) fn forced(name: &str) -> String {
    format!("{name} is ended now, with everything that runs on it")
}

pub(crate) fn protected(name: &str, on: bool) -> String {
    let what = if on {
        "is not chosen when fewer nodes are wanted"
    } else {
        "may be chosen again"
    };
    format!("{name} {what}")
}

pub(crate) fn deleted(cluster: &OpenViduCluster) -> String {
    let key = ObjectKey::of(cluster);
    if cluster.spec.deletion.protected() {
        return format!(
            "{key} is to be deleted, and spec.deletion.protected keeps it: nothing is torn down before you set it to false in the manifest"
        );
    }
    format!("{key} is to be deleted: its meetings end by themselves first")
}

/// Leaves the events about this object, and about a cluster's nodes where it is one.
pub(crate) fn about(events: &mut Vec<RecordedEvent>, key: &ObjectKey, nodes: bool) {
    let prefix = format!("{}-", key.name);
    events.retain(|e| {
        let about = &e.event.regarding;
        about.key == *key
            || nodes
                && about.key.namespace == key.namespace
                && about.kind == "OpenViduNode"
                && about.key.name.starts_with(&prefix)
    });
}
