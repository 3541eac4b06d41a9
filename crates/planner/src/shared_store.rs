//! The store that all nodes share: what is said of it, and what waits while it changes hands.
//!
//! OpenVidu 3 keeps its Redis on the masters. A failover is a master that is lost already, and while it lasts no node can
//! write where it stands: nothing is made worse by waiting, and the sentinels are done within seconds.

use ovo_api::spec::DeletionDrain;
use ovo_model::{Cause, EventType, SharedStore};

use crate::draft::Draft;
use crate::view::View;

/// The condition that tells of it.
pub(crate) const CONDITION: &str = "RedisReady";
/// Its reason while the store changes hands.
const FAILOVER: &str = "FailoverInProgress";

/// Takes back what closes or ends something while the store changes hands, unless a person forced it, and tells of the
/// change at its beginning and its end.
pub(crate) fn plan(view: &View<'_>, draft: &mut Draft<'_>) {
    let failing_over = view
        .status
        .conditions
        .iter()
        .any(|c| c.type_ == CONDITION && c.reason == FAILOVER);
    match &view.snap.shared_store {
        Some(SharedStore::Changing { why }) => {
            if !failing_over {
                draft.event(EventType::Warning, "RedisFailover", None, why.to_string());
            }
            if view.tearing_down() && view.spec.deletion.drain() == DeletionDrain::Force {
                return;
            }
            let before = draft.steps.len();
            draft
                .steps
                .retain(|s| !s.is_destructive() || s.cause == Cause::Force);
            if draft.steps.len() < before {
                draft.wait(
                    "whatever closes or ends something",
                    format!("Redis to have a primary again: {why}"),
                );
            }
        }
        Some(SharedStore::Steady { primary, .. }) if failing_over => draft.event(
            EventType::Normal,
            "RedisFailedOver",
            None,
            format!("the primary is on {primary}"),
        ),
        _ => {}
    }
}

/// Status, reason and message; `None` where nobody had to ask, and what was said last stays said.
pub(crate) fn condition(view: &View<'_>) -> Option<(&'static str, &'static str, String)> {
    Some(match view.snap.shared_store.as_ref()? {
        SharedStore::Steady {
            primary,
            voices,
            of,
        } => {
            let mut message = format!("the primary is on {primary}");
            if voices < of {
                message = format!("{message}, by {voices} of {of} sentinels");
            }
            ("True", "PrimaryKnown", message)
        }
        SharedStore::Changing { why } => ("False", FAILOVER, why.to_string()),
        SharedStore::Unknown { why } => ("Unknown", "Unreadable", why.to_string()),
    })
}
