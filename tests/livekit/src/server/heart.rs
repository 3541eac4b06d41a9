//! What a server does all the time.

use std::time::Duration;

use super::node::Node;
use crate::selection::now;

/// How often the record is written. LiveKit's own number.
const BEAT: Duration = Duration::from_secs(2);

/// Writes the node's record, closes rooms in which nobody is; for ever.
pub(super) async fn beat(node: &Node) {
    if let Err(error) = node.registry.remove_dead(now()).await {
        eprintln!("model: Redis: {error}");
    }
    let mut ticks = tokio::time::interval(BEAT);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        node.publish().await;
        for room in abandoned(node) {
            if let Err(error) = node.registry.close(&room).await {
                eprintln!("model: Redis: {error}");
            }
        }
    }
}

fn abandoned(node: &Node) -> Vec<String> {
    let mut inner = node.lock();
    let gone: Vec<_> = inner
        .rooms
        .iter()
        .filter(|(_, room)| {
            let patience = Duration::from_secs(room.record.departure_timeout.into());
            room.people.is_empty() && room.empty_since.elapsed() > patience
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in &gone {
        inner.rooms.remove(name);
    }
    gone
}
