//! Joining a room.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use livekit_protocol::signal_request::Message as Said;
use livekit_protocol::signal_response::Message as Told;
use livekit_protocol::{
    DisconnectReason, JoinResponse, LeaveRequest, ParticipantInfo, Pong, Room, ServerInfo,
    SignalRequest, SignalResponse, leave_request, participant_info,
};
use livekit_token::Claims;
use prost::Message as _;
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::node::{Live, Node, Person, id};
use super::relay;
use crate::args::Defect;
use crate::selection::{is_available, now, select};

// LiveKit's defaults.
const EMPTY_TIMEOUT: u32 = 300;
const DEPARTURE_TIMEOUT: u32 = 20;
const PING_INTERVAL: i32 = 5;
const PING_TIMEOUT: i32 = 15;

#[derive(Deserialize)]
pub(super) struct Asked {
    access_token: Option<String>,
}

type Refusal = (StatusCode, String);

/// What the token in a request grants.
pub(super) fn claims(
    node: &Node,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Claims, Refusal> {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let token = header
        .or(query)
        .ok_or((StatusCode::UNAUTHORIZED, "no token".to_owned()))?;
    let claims = if node.has(Defect::BelievesAnybody) {
        Claims::from_unverified(token)
    } else {
        node.verifier.verify(token)
    };
    claims.map_err(|error| (StatusCode::UNAUTHORIZED, error.to_string()))
}

fn guest(node: &Node, headers: &HeaderMap, asked: &Asked) -> Result<Claims, Refusal> {
    let claims = claims(node, headers, asked.access_token.as_deref())?;
    if !claims.video.room_join || claims.video.room.is_empty() {
        return Err((StatusCode::UNAUTHORIZED, "permission denied".to_owned()));
    }
    Ok(claims)
}

pub(super) async fn validate(
    State(node): State<Arc<Node>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<&'static str, Refusal> {
    guest(&node, &headers, &asked)?;
    Ok("success")
}

pub(super) async fn join(
    State(node): State<Arc<Node>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let claims = guest(&node, &headers, &asked)?;
    let place = place(&node, &claims.video.room, None).await?;
    Ok(match place {
        Place::Here => upgrade.on_upgrade(move |socket| hold(node, claims, socket)),
        Place::At(address) => {
            let token = headers.get(header::AUTHORIZATION).cloned();
            let far = relay::connect(&address, asked.access_token.as_deref(), token)
                .await
                .map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error))?;
            upgrade.on_upgrade(move |socket| relay::pump(socket, far))
        }
    }
    .into_response())
}

pub(super) enum Place {
    Here,
    At(String),
}

/// Where a room is: on the node that it was put on while that one is there, draining or not; else on a new one.
pub(super) async fn place(node: &Node, room: &str, pinned: Option<&str>) -> Result<Place, Refusal> {
    let failed = |error: redis::RedisError| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let nodes = node.registry.nodes().await.map_err(failed)?;
    let on = node.registry.node_of(room).await.map_err(failed)?;
    let now = now();
    let existing = on.and_then(|id| {
        nodes
            .iter()
            .find(|each| each.id == id && is_available(each, now))
    });
    let chosen = if let Some(existing) = existing {
        existing
    } else {
        // A room that is pinned to a node skips the question whether that is a good idea.
        let chosen = match pinned {
            Some(id) => nodes.iter().find(|each| each.id == id),
            None => select(&nodes, now),
        };
        let chosen = chosen.ok_or((
            StatusCode::SERVICE_UNAVAILABLE,
            "could not find any available nodes".to_owned(),
        ))?;
        node.registry
            .place(room, &chosen.id)
            .await
            .map_err(failed)?;
        chosen
    };
    Ok(if chosen.id == node.id {
        Place::Here
    } else {
        Place::At(format!("{}:{}", chosen.ip, node.port))
    })
}

pub(super) fn new_room(name: &str) -> Room {
    Room {
        sid: id("RM"),
        name: name.to_owned(),
        empty_timeout: EMPTY_TIMEOUT,
        departure_timeout: DEPARTURE_TIMEOUT,
        creation_time: now(),
        ..Room::default()
    }
}

/// Holds one person in a room until the person goes, or is told to.
async fn hold(node: Arc<Node>, claims: Claims, mut socket: WebSocket) {
    let name = claims.video.room.clone();
    let info = ParticipantInfo {
        sid: id("PA"),
        identity: claims.sub.clone(),
        name: claims.name,
        state: participant_info::State::Joined.into(),
        joined_at: now(),
        ..ParticipantInfo::default()
    };
    let known = node.registry.rooms().await.unwrap_or_default();
    let known = known.into_iter().find(|room| room.name == name);
    let writing = node.writing.lock().await;
    let (record, end) = enter(&node, &name, known, &info);
    store(&node, &record, Some(&info)).await;
    drop(writing);
    let others = {
        let inner = node.lock();
        let people = inner
            .rooms
            .get(&name)
            .into_iter()
            .flat_map(|room| room.people.values());
        people
            .filter(|person| person.info.sid != info.sid)
            .map(|person| person.info.clone())
            .collect()
    };
    let hello = Told::Join(JoinResponse {
        room: Some(record),
        participant: Some(info.clone()),
        other_participants: others,
        ping_interval: PING_INTERVAL,
        ping_timeout: PING_TIMEOUT,
        server_info: Some(ServerInfo {
            node_id: node.id.clone(),
            ..ServerInfo::default()
        }),
        ..JoinResponse::default()
    });
    if tell(&mut socket, hello).await {
        talk(&mut socket, end).await;
    }
    let _writing = node.writing.lock().await;
    if let Some(record) = go(&node, &name, &info) {
        let gone = node.registry.leave(&name, &info.identity).await;
        if gone.is_ok() {
            store(&node, &record, None).await;
        }
    }
}

async fn store(node: &Node, room: &Room, person: Option<&ParticipantInfo>) {
    let mut stored = node.registry.store(room).await;
    if let (Ok(()), Some(person)) = (&stored, person) {
        stored = node.registry.enter(&room.name, person).await;
    }
    if let Err(error) = stored {
        eprintln!("model: Redis: {error}");
    }
}

/// Counts the person in. Somebody of the same name who is there has to go.
fn enter(
    node: &Node,
    name: &str,
    known: Option<Room>,
    info: &ParticipantInfo,
) -> (Room, UnboundedReceiver<DisconnectReason>) {
    let (end, ended) = unbounded_channel();
    let person = Person {
        info: info.clone(),
        end,
    };
    let mut inner = node.lock();
    let room = inner.rooms.entry(name.to_owned()).or_insert_with(|| Live {
        record: known.unwrap_or_else(|| new_room(name)),
        people: std::collections::BTreeMap::new(),
        empty_since: Instant::now(),
    });
    if let Some(before) = room.people.insert(info.identity.clone(), person) {
        let _ = before.end.send(DisconnectReason::DuplicateIdentity);
    }
    room.record.num_participants = u32::try_from(room.people.len()).unwrap_or(u32::MAX);
    (room.record.clone(), ended)
}

/// Counts the person out; the room as it is then, unless somebody of the same name has taken the place.
fn go(node: &Node, name: &str, info: &ParticipantInfo) -> Option<Room> {
    let mut inner = node.lock();
    let room = inner.rooms.get_mut(name)?;
    if room.people.get(&info.identity)?.info.sid != info.sid {
        return None;
    }
    room.people.remove(&info.identity);
    room.empty_since = Instant::now();
    room.record.num_participants = u32::try_from(room.people.len()).unwrap_or(u32::MAX);
    Some(room.record.clone())
}

async fn talk(socket: &mut WebSocket, mut end: UnboundedReceiver<DisconnectReason>) {
    loop {
        tokio::select! {
            reason = end.recv() => {
                let leave = LeaveRequest {
                    reason: reason.unwrap_or_default().into(),
                    action: leave_request::Action::Disconnect.into(),
                    ..LeaveRequest::default()
                };
                tell(socket, Told::Leave(leave)).await;
                let _ = socket.send(Message::Close(None)).await;
                return;
            }
            said = socket.next() => {
                let said = match said {
                    Some(Ok(Message::Binary(bytes))) => SignalRequest::decode(bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    _ => return,
                };
                match said.map(|said| said.message) {
                    Ok(Some(Said::Leave(_))) | Err(_) => return,
                    Ok(Some(Said::PingReq(asked))) => {
                        let pong = Pong { last_ping_timestamp: asked.timestamp, timestamp: now() };
                        if !tell(socket, Told::PongResp(pong)).await {
                            return;
                        }
                    }
                    Ok(_) => {}
                }
            }
        }
    }
}

/// Whether it went out.
async fn tell(socket: &mut WebSocket, what: Told) -> bool {
    let response = SignalResponse {
        message: Some(what),
    };
    let message = Message::Binary(response.encode_to_vec().into());
    socket.send(message).await.is_ok()
}
