//! How a server ends.

use std::time::Duration;

use livekit_protocol::{DisconnectReason, NodeState};
use nix::sys::signal::Signal;
use tokio::sync::mpsc::UnboundedReceiver;

use super::node::Node;
use crate::args::Defect;

/// How often a draining server looks whether somebody is left. LiveKit's own number.
const TICK: Duration = Duration::from_secs(5);

/// The first signal drains and waits for as long as it takes; the second one ends at once; later ones do nothing.
/// Returns when the node may go.
pub(super) async fn on_signals(node: &Node, mut signals: UnboundedReceiver<Signal>) {
    let Some(first) = signals.recv().await else {
        return;
    };
    note(node, first);
    node.lock().state = NodeState::ShuttingDown;
    node.publish().await;
    if node.has(Defect::CutsAtOnce) {
        force(node).await;
    }
    tokio::select! {
        () = emptied(node) => {}
        second = signals.recv() => {
            if let Some(second) = second {
                note(node, second);
            }
            if node.has(Defect::WaitsForEver) {
                emptied(node).await;
            } else if !node.has(Defect::SaysNothing) {
                force(node).await;
            }
        }
    }
}

/// Takes the node's records out. Nothing may write them any more.
pub(super) async fn clean(node: &Node) {
    let rooms: Vec<_> = node.lock().rooms.keys().cloned().collect();
    for room in rooms {
        report(node.registry.close(&room).await);
    }
    if !node.has(Defect::LeavesRecord) {
        report(node.registry.unregister(&node.id).await);
    }
}

fn note(node: &Node, signal: Signal) {
    node.lock().signals.push(signal.to_string());
}

/// Rooms without people hold nobody up.
async fn emptied(node: &Node) {
    let left = || {
        let inner = node.lock();
        if node.has(Defect::WaitsForRooms) {
            inner.rooms.len()
        } else {
            inner.participants()
        }
    };
    while left() > 0 {
        tokio::time::sleep(TICK).await;
    }
}

async fn force(node: &Node) {
    for room in node.lock().rooms.values() {
        for person in room.people.values() {
            let _ = person.end.send(DisconnectReason::ServerShutdown);
        }
    }
    // Until each has been told; a connection that hangs is not waited for.
    let told = async {
        while node.lock().participants() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
}

fn report(result: redis::RedisResult<()>) {
    if let Err(error) = result {
        eprintln!("model: Redis: {error}");
    }
}
