//! Whether the deployment does what it is for. Only a room that was made and joined says so; where nobody can try it, its
//! health has to do.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use ovo_api::status::OpenViduClusterStatus;
use ovo_model::Trial;

use crate::view::View;

/// The condition that tells of it.
pub(super) const CONDITION: &str = "Accepted";
/// Its reason while too few nodes are there to try.
pub(super) const NOT_SERVING: &str = "NotServing";
/// Its reason once a room was made and joined.
const ROOM_JOINED: &str = "RoomJoined";

/// Status, reason and message while all masters and a media node serve; `None` while they do not, or where what was said
/// last still holds.
pub(super) fn condition(
    view: &View<'_>,
    serves: bool,
) -> Option<(&'static str, &'static str, String)> {
    if !serves {
        return None;
    }
    Some(match &view.snap.trial {
        Trial::ByHealth => (
            "True",
            "Serving",
            "masters and media nodes take sessions".to_owned(),
        ),
        Trial::Passed => (
            "True",
            ROOM_JOINED,
            "a room was made and joined through the deployment".to_owned(),
        ),
        Trial::Failed(why) => ("False", "RoomNotJoined", why.to_string()),
        Trial::Untried if joined(&view.status.conditions).is_some() => return None,
        Trial::Untried => (
            "Unknown",
            "NotTried",
            "masters and media nodes are ready; no room was joined yet".to_owned(),
        ),
    })
}

/// Whether a room is to be made and joined now: once for each generation of the spec, and again until it goes well. A
/// cluster that is as it was left is not tried again.
pub(crate) fn try_out(view: &View<'_>, new: &OpenViduClusterStatus) -> bool {
    let generation = view.snap.cluster.metadata.generation;
    let accepted = new.conditions.iter().find(|c| c.type_ == CONDITION);
    let serves = accepted.is_some_and(|c| c.reason != NOT_SERVING);
    let due = match view.snap.trial {
        Trial::ByHealth | Trial::Passed => false,
        Trial::Failed(_) => true,
        Trial::Untried => {
            joined(&new.conditions).is_none_or(|c| c.observed_generation != generation)
        }
    };
    serves && due && !view.deleting() && !view.spec.paused()
}

/// The condition, if it says that a room was joined.
fn joined(conditions: &[Condition]) -> Option<&Condition> {
    let mut conditions = conditions.iter();
    conditions.find(|c| c.type_ == CONDITION && c.reason == ROOM_JOINED)
}
