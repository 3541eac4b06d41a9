//! Which node a room is put on.

use std::time::{SystemTime, UNIX_EPOCH};

use livekit_protocol::{Node, NodeState};

/// A node whose record is this old, in seconds, is not believed to be there. LiveKit's own number.
const AVAILABLE_SECONDS: i64 = 5;

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Whether a node is there. One that drains is: it keeps the rooms that it has.
pub(crate) fn is_available(node: &Node, now: i64) -> bool {
    let updated = node.stats.as_ref().map_or(0, |stats| stats.updated_at);
    now - updated < AVAILABLE_SECONDS
}

/// A node for a new room: any that is there and serves. `None` when there is none.
pub(crate) fn select(nodes: &[Node], now: i64) -> Option<&Node> {
    let fit: Vec<_> = nodes
        .iter()
        .filter(|node| is_available(node, now) && node.state() == NodeState::Serving)
        .collect();
    fastrand::choice(fit)
}
