//! What a server does all the time.

use std::time::Duration;

use redis::RedisResult;

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
        let _writing = node.writing.lock().await;
        let closed = async {
            for room in abandoned(node) {
                node.registry.close(&room).await?;
            }
            close_unused(node).await
        };
        if let Err(error) = closed.await {
            eprintln!("model: Redis: {error}");
        }
    }
}

/// Closes rooms that were put on this node and that nobody ever joined.
async fn close_unused(node: &Node) -> RedisResult<()> {
    for room in node.registry.rooms().await? {
        let patience = i64::from(room.empty_timeout);
        let unused = now().saturating_sub(room.creation_time) > patience
            && !node.lock().rooms.contains_key(&room.name);
        if unused && node.registry.node_of(&room.name).await?.as_ref() == Some(&node.id) {
            node.registry.close(&room.name).await?;
        }
    }
    Ok(())
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
