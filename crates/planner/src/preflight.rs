//! The gate before anything is installed: as long as one bare machine is not fit, none is touched.
//!
//! What is installed already is no business of it: a machine that joins a cluster later and is not fit holds up nobody
//! but those that are bare like itself.

use ovo_model::{EventType, Observation};

use crate::draft::Draft;
use crate::view::{View, machine_scope};

/// The condition that tells of it.
pub(crate) const CONDITION: &str = "PreflightPassed";
const TRUE: &str = "True";
const FALSE: &str = "False";

/// Whether a bare machine is not fit.
pub(crate) fn holds(view: &View<'_>) -> bool {
    let preflights = view
        .nodes
        .values()
        .filter_map(|n| n.observed?.preflight.as_ref());
    preflights
        .into_iter()
        .any(|preflight| !preflight.failed.is_empty())
}

/// Says that a person has to act.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    let Some((FALSE, _, message)) = condition(view) else {
        return;
    };
    if view.deleting() {
        // Nothing is installed any more.
        return;
    }
    if told(view) != Some(message.as_str()) {
        draft.event(EventType::Warning, "PreflightFailed", None, message.clone());
    }
    draft.stall("PreflightFailed", message);
}

/// What was said the last time that it failed.
fn told<'a>(view: &'a View<'_>) -> Option<&'a str> {
    let mut conditions = view.status.conditions.iter();
    conditions
        .find(|c| c.type_ == CONDITION && c.status == FALSE)
        .map(|c| c.message.as_str())
}

/// Status, reason and message; `None` where nothing is bare, and what was said last stays said.
pub(crate) fn condition(view: &View<'_>) -> Option<(&'static str, &'static str, String)> {
    let (mut failed, mut ignored, mut any) = (Vec::new(), Vec::new(), false);
    for node in view.nodes.values() {
        let Some(preflight) = node.observed.and_then(|o| o.preflight.as_ref()) else {
            // Silent before its first installation: nobody could ask it.
            if let Some(Observation::Unknown { reason }) =
                view.snap.observed.get(&machine_scope(&node.name))
                && node
                    .record
                    .is_none_or(|r| r.status.as_ref().is_none_or(|s| s.launched_at.is_none()))
            {
                failed.push(format!("{}: {reason}", node.name));
            }
            continue;
        };
        any = true;
        let named = |found: &String| format!("{}: {found}", node.name);
        failed.extend(preflight.failed.iter().map(named));
        ignored.extend(preflight.ignored.iter().map(named));
    }
    match (any, failed.is_empty(), ignored.is_empty()) {
        (false, ..) => None,
        (true, false, _) => Some((FALSE, "Failed", failed.join(" | "))),
        (true, true, true) => Some((TRUE, "Passed", String::new())),
        (true, true, false) => {
            let message = format!(
                "ignored, as spec.infrastructure.onPrem.preflight says: {}",
                ignored.join(" | ")
            );
            Some((TRUE, "PassedWithIgnored", message))
        }
    }
}
