//! Checks of how servers end and begin.

use std::time::Duration;

use livekit_protocol::{DisconnectReason, Node, NodeState};
use nix::sys::signal::Signal;

use super::ask::{SOON, always, get, until};
use super::{Failure, Target, hold};
use crate::client::{Client, Cut};
use crate::selection::{is_available, now};

/// A draining server looks every 5 s whether somebody is left; and it takes a moment to end.
const TICKER: Duration = Duration::from_secs(5);
const TICKER_AND_END: Duration = Duration::from_secs(9);

/// Starts what does not run, and waits until both are there. A record that a killed server left may be there, too:
/// it is cleared by a start that finds it old.
pub(super) async fn up(target: &mut Target) -> Result<(), Failure> {
    for server in &mut target.servers {
        server.process.start()?;
    }
    until("both servers are up", SOON, async || {
        for server in &target.servers {
            if get(server.api, "/").await?.code != 200 {
                return Ok(None);
            }
        }
        let mut nodes = target.nodes().await?;
        nodes.retain(|node| is_available(node, now()));
        let serving = nodes.iter().all(|node| node.state() == NodeState::Serving);
        Ok((nodes.len() == 2 && serving).then_some(()))
    })
    .await
}

/// Somebody in a room that is on this server: rooms are made until one is.
async fn somebody_at(
    target: &Target,
    server: usize,
    room: &str,
) -> Result<(Client, String), Failure> {
    for number in 0..64 {
        let name = format!("{room}-{number}");
        let client = target.join(server, &name, "somebody").await?;
        let metrics = get(target.servers[server].metrics, "/metrics")
            .await?
            .text();
        if metrics.contains(client.node()) {
            return Ok((client, name));
        }
        client.leave().await;
    }
    Err(Failure("64 rooms in a row on the other server".to_owned()))
}

async fn node(target: &Target, id: &str) -> Result<Option<Node>, Failure> {
    Ok(target.nodes().await?.into_iter().find(|node| node.id == id))
}

async fn ended(target: &mut Target, server: usize, limit: Duration) -> Result<(), Failure> {
    let process = &mut target.servers[server].process;
    until("the server has ended", limit, async || {
        Ok((!process.runs()?).then_some(()))
    })
    .await
}

/// State 2 in Redis; with what a busy host adds.
async fn draining(target: &Target, id: &str) -> Result<(), Failure> {
    until(
        "the node shows as shutting down",
        Duration::from_secs(6),
        async || {
            let node = node(target, id).await?;
            Ok(node
                .filter(|node| node.state() == NodeState::ShuttingDown)
                .map(|_| ()))
        },
    )
    .await
}

pub(super) async fn drain(target: &mut Target) -> Result<(), Failure> {
    let (client, room) = somebody_at(target, 0, "drained").await?;
    let id = client.node().to_owned();
    target.servers[0].process.signal(Signal::SIGQUIT)?;
    draining(target, &id).await?;

    // Newcomers still get into that room, from either server; new rooms are elsewhere.
    let mut late = Vec::new();
    for (server, name) in [(0, "late"), (1, "later")] {
        let newcomer = target.join(server, &room, name).await?;
        hold(newcomer.node() == id, "the room moved")?;
        late.push(newcomer);
    }
    for number in 0..8 {
        let name = format!("after-{number}");
        let elsewhere = target.join(number % 2, &name, "somebody").await?;
        hold(elsewhere.node() != id, "a new room on a node that drains")?;
        elsewhere.leave().await;
    }

    // Healthy, for longer than a ticker, as long as somebody is there.
    always(TICKER * 2, async || {
        let answer = get(target.servers[0].api, "/").await?;
        hold(
            answer.code == 200,
            format!("/ says {} while it drains", answer.code),
        )
    })
    .await?;
    hold(
        target.servers[0].process.runs()?,
        "it ended with somebody in a room",
    )?;
    late.push(client);
    for client in late {
        let cuts = client.leave().await;
        hold(cuts.is_empty(), format!("somebody was cut off: {cuts:?}"))?;
    }
    ended(target, 0, TICKER_AND_END).await?;
    hold(
        node(target, &id).await?.is_none(),
        "its record is still there",
    )
}

pub(super) async fn empty_room(target: &mut Target) -> Result<(), Failure> {
    let (client, room) = somebody_at(target, 0, "empty").await?;
    client.leave().await;
    hold(
        target.node_of(&room).await?.is_some(),
        "the room is gone already: nothing is shown",
    )?;
    target.servers[0].process.signal(Signal::SIGTERM)?;
    ended(target, 0, TICKER_AND_END).await
}

pub(super) async fn second_signal(target: &mut Target) -> Result<(), Failure> {
    let (client, _) = somebody_at(target, 0, "cut").await?;
    let id = client.node().to_owned();
    target.servers[0].process.signal(Signal::SIGINT)?;
    let nobody_cut = || {
        hold(
            client.cuts().is_empty(),
            "the first signal cut somebody off",
        )
    };
    let shown = draining(target, &id).await;
    // One that cuts at once may be gone before it shows anything.
    nobody_cut()?;
    shown?;
    always(Duration::from_secs(1), async || nobody_cut()).await?;
    target.servers[0].process.signal(Signal::SIGTERM)?;
    until("it is cut off", SOON, async || {
        Ok((!client.cuts().is_empty()).then_some(()))
    })
    .await?;
    let cuts = client.cuts();
    hold(
        cuts == [Cut::Told(DisconnectReason::ServerShutdown)],
        format!("{cuts:?}"),
    )?;
    ended(target, 0, TICKER_AND_END).await?;
    hold(
        node(target, &id).await?.is_none(),
        "its record is still there",
    )
}

pub(super) async fn hang_up(target: &mut Target) -> Result<(), Failure> {
    let (client, _) = somebody_at(target, 0, "hung up").await?;
    target.servers[0].process.signal(Signal::SIGHUP)?;
    ended(target, 0, TICKER_AND_END).await?;
    until("the connection is gone", SOON, async || {
        Ok((!client.cuts().is_empty()).then_some(()))
    })
    .await?;
    let cuts = client.cuts();
    hold(cuts == [Cut::Broken], format!("{cuts:?}"))
}

pub(super) async fn kill(target: &mut Target) -> Result<(), Failure> {
    let (client, room) = somebody_at(target, 0, "killed").await?;
    let id = client.node().to_owned();
    target.servers[0].process.signal(Signal::SIGKILL)?;
    ended(target, 0, SOON).await?;
    let left = node(target, &id).await?;
    hold(
        left.is_some_and(|node| node.state() == NodeState::Serving),
        "its record is gone, or says more than it can know",
    )?;
    hold(
        target.node_of(&room).await?.as_deref() == Some(&id),
        "its room is gone",
    )?;

    // Once nobody believes the record any more, the room is made on the other node.
    let moved = until("the room moves", SOON, async || {
        Ok(Some(target.join(1, &room, "again").await?))
    })
    .await?;
    hold(
        moved.node() != id,
        "the room is on a server that is not there",
    )?;
    moved.leave().await;
    hold(node(target, &id).await?.is_some(), "somebody cleared up")?;

    target.servers[0].process.start()?;
    until("a start clears up", SOON, async || {
        Ok(node(target, &id).await?.is_none().then_some(()))
    })
    .await
}
