//! Checks of servers that stay up.

use std::collections::BTreeSet;
use std::time::Duration;

use livekit_protocol::{
    CreateRoomRequest, DeleteRoomRequest, ListRoomsRequest, ListRoomsResponse, NodeState, NodeType,
    Room,
};
use prost::Message;
use tokio::net::TcpStream;

use super::ask::{SOON, call, gauge, get, until};
use super::{Failure, Target, hold};
use crate::client::Client;
use crate::guest;

pub(super) async fn record(target: &mut Target) -> Result<(), Failure> {
    for server in &target.servers {
        let answer = get(server.api, "/").await?;
        hold(
            answer.code == 200 && answer.text() == "OK",
            format!("/ says {} {}", answer.code, answer.text()),
        )?;
    }
    let nodes = target.nodes().await?;
    hold(nodes.len() == 2, format!("{} records", nodes.len()))?;
    let ids: BTreeSet<_> = nodes.iter().map(|node| node.id.clone()).collect();
    hold(ids.len() == 2, "two nodes with one id")?;
    for node in &nodes {
        hold(node.id.starts_with("ND_"), &node.id)?;
        hold(
            node.state() == NodeState::Serving,
            format!("{} is {:?}", node.id, node.state()),
        )?;
        hold(
            node.r#type() == NodeType::Server,
            format!("{} is a {:?}", node.id, node.r#type()),
        )?;
        let written =
            |node: &livekit_protocol::Node| node.stats.as_ref().map_or(0, |stats| stats.updated_at);
        let first = written(node);
        // Two more writes at least, so that one late one does not matter.
        until(
            "the record is written again and again",
            Duration::from_secs(9),
            async || {
                let nodes = target.nodes().await?;
                Ok(nodes
                    .iter()
                    .find(|each| each.id == node.id && written(each) >= first + 4)
                    .map(|_| ()))
            },
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn tokens(target: &mut Target) -> Result<(), Failure> {
    let api = target.servers[0].api;
    let list = || ListRoomsRequest::default().encode_to_vec();
    let only_guest = guest(&target.key, &target.secret, "tokens", "eve")?;
    let forged = crate::admin(&target.key, "another secret that nobody gave out", "tokens")?;
    let unknown = crate::admin("another key", &target.secret, "tokens")?;
    for (what, token) in [
        ("no token", None),
        ("a guest's token", Some(&only_guest)),
        ("a forged token", Some(&forged)),
        ("a token of an unknown key", Some(&unknown)),
    ] {
        let answer = call(api, "ListRooms", token.map(String::as_str), list(), false).await?;
        hold(
            answer.code == 401,
            format!("{what} lists rooms: {}", answer.code),
        )?;
    }
    for (what, token) in [
        ("a forged token", &forged),
        ("an application's token", &target.admin("tokens")?),
    ] {
        let stream = TcpStream::connect(api).await?;
        let joined = Client::join(stream, &api.to_string(), token).await;
        hold(joined.is_err(), format!("{what} joins"))?;
    }
    Ok(())
}

pub(super) async fn rooms(target: &mut Target) -> Result<(), Failure> {
    let api = target.servers[0].api;
    let token = target.admin("made")?;
    let request = CreateRoomRequest {
        name: "made".to_owned(),
        ..CreateRoomRequest::default()
    };
    let made = call(
        api,
        "CreateRoom",
        Some(&token),
        request.encode_to_vec(),
        false,
    )
    .await?;
    hold(
        made.code == 200,
        format!("CreateRoom: {} {}", made.code, made.text()),
    )?;
    let made = Room::decode(made.body.as_slice())?;
    hold(
        made.name == "made" && made.sid.starts_with("RM_"),
        format!("{made:?}"),
    )?;
    let again = call(
        api,
        "CreateRoom",
        Some(&token),
        request.encode_to_vec(),
        false,
    )
    .await?;
    hold(
        Room::decode(again.body.as_slice())?.sid == made.sid,
        "a room is made twice",
    )?;

    // Any server knows, in either way of writing.
    let other = target.servers[1].api;
    let listed = call(
        other,
        "ListRooms",
        Some(&token),
        ListRoomsRequest::default().encode_to_vec(),
        false,
    )
    .await?;
    let listed = ListRoomsResponse::decode(listed.body.as_slice())?;
    hold(
        listed.rooms.iter().any(|room| room.sid == made.sid),
        format!("not listed: {listed:?}"),
    )?;
    let json = call(
        other,
        "ListRooms",
        Some(&token),
        br#"{"names":["made"]}"#.to_vec(),
        true,
    )
    .await?;
    let json: serde_json::Value = serde_json::from_slice(&json.body)?;
    hold(
        json["rooms"][0]["sid"] == made.sid.as_str(),
        format!("in JSON: {json}"),
    )?;
    hold(
        json["rooms"][0]["creation_time"].is_string(),
        format!("names of fields in JSON: {json}"),
    )?;
    hold(
        target.node_of("made").await?.is_some(),
        "the room is on no node",
    )?;
    let request = DeleteRoomRequest {
        room: "made".to_owned(),
    };
    let deleted = call(
        other,
        "DeleteRoom",
        Some(&token),
        request.encode_to_vec(),
        false,
    )
    .await?;
    hold(
        deleted.code == 200,
        format!("DeleteRoom: {} {}", deleted.code, deleted.text()),
    )?;
    until("a deleted room is on no node", SOON, async || {
        Ok(target.node_of("made").await?.is_none().then_some(()))
    })
    .await
}

pub(super) async fn people(target: &mut Target) -> Result<(), Failure> {
    let one = target.join(0, "people", "one").await?;
    let two = target.join(1, "people", "two").await?;
    hold(
        one.node() == two.node(),
        format!("one room on two nodes: {} {}", one.node(), two.node()),
    )?;
    hold(
        target.node_of("people").await?.as_deref() == Some(one.node()),
        "Redis names another node",
    )?;
    let mut homes = Vec::new();
    for (number, server) in target.servers.iter().enumerate() {
        // Each server has metrics of its own node alone.
        if gauge(server, "livekit_participant_total", one.node())
            .await
            .is_ok()
        {
            homes.push(number);
        }
    }
    hold(
        homes.len() == 1,
        format!("the node is {} servers", homes.len()),
    )?;
    let home = &target.servers[homes[0]];
    hold(
        gauge(home, "livekit_participant_total", one.node()).await? == 2,
        "not 2 people",
    )?;
    hold(
        gauge(home, "livekit_room_total", one.node()).await? >= 1,
        "no room",
    )?;
    let token = target.admin("people")?;
    let asked = br#"{"room":"people"}"#.to_vec();
    let listed = call(home.api, "ListParticipants", Some(&token), asked, true).await?;
    let listed: serde_json::Value = serde_json::from_slice(&listed.body)?;
    let names: BTreeSet<_> = listed["participants"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|person| person["identity"].as_str())
        .collect();
    hold(names == BTreeSet::from(["one", "two"]), format!("{listed}"))?;

    let node = one.node().to_owned();
    for (who, client) in [("one", one), ("two", two)] {
        let cuts = client.leave().await;
        hold(cuts.is_empty(), format!("{who} was cut off: {cuts:?}"))?;
    }
    until("nobody is left", SOON, async || {
        Ok((gauge(home, "livekit_participant_total", &node).await? == 0).then_some(()))
    })
    .await
}

pub(super) async fn silence(target: &mut Target) -> Result<(), Failure> {
    let api = target.servers[0].api;
    let mut redis = target.redis().await?;
    let _: () = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(9_000)
        .query_async(&mut redis)
        .await?;
    let answer = until(
        "unhealthy while Redis is silent",
        Duration::from_secs(8),
        async || {
            let answer = get(api, "/").await?;
            Ok((answer.code != 200).then_some(answer.code))
        },
    )
    .await?;
    hold(answer == 406, format!("/ says {answer}"))?;
    until("healthy again", SOON, async || {
        Ok((get(api, "/").await?.code == 200).then_some(()))
    })
    .await
}
