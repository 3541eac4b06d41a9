//! The room service: Twirp, protobuf or JSON.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use livekit_protocol::{
    CreateRoomRequest, DeleteRoomRequest, DeleteRoomResponse, DisconnectReason,
    ListParticipantsRequest, ListParticipantsResponse, ListRoomsRequest, ListRoomsResponse,
};
use livekit_token::VideoGrants;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::node::Node;
use super::rtc::{claims, new_room, place};

/// An error as Twirp tells it: code and text, always JSON.
pub(super) struct Refused(StatusCode, &'static str, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        (status, axum::Json(json!({ "code": code, "msg": message }))).into_response()
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn internal(error: impl ToString) -> Refused {
    Refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        error.to_string(),
    )
}

fn unauthenticated(message: String) -> Refused {
    Refused(StatusCode::UNAUTHORIZED, "unauthenticated", message)
}

/// A request and how it is written; the answer is written alike.
struct Call {
    json: bool,
    body: Bytes,
}

impl Call {
    fn read<T: Message + Default + DeserializeOwned>(&self) -> Result<T, Refused> {
        let malformed = |error: String| Refused(StatusCode::BAD_REQUEST, "malformed", error);
        if self.json {
            serde_json::from_slice(&self.body).map_err(|error| malformed(error.to_string()))
        } else {
            T::decode(self.body.clone()).map_err(|error| malformed(error.to_string()))
        }
    }

    fn answer<T: Message + Serialize>(&self, answer: &T) -> Result<Response, Refused> {
        if self.json {
            let value = serde_json::to_value(answer).map_err(internal)?;
            return Ok(axum::Json(snake(value)).into_response());
        }
        let kind = [(header::CONTENT_TYPE, "application/protobuf")];
        Ok((kind, answer.encode_to_vec()).into_response())
    }
}

/// LiveKit writes the names of fields as the protobuf files have them.
fn snake(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let mut snake = String::new();
                for letter in name.chars() {
                    if letter.is_ascii_uppercase() {
                        snake.push('_');
                    }
                    snake.push(letter.to_ascii_lowercase());
                }
                (snake, self::snake(value))
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(snake).collect(),
        other => other,
    }
}

pub(super) async fn call(
    State(node): State<Arc<Node>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let call = Call {
        json: kind.is_some_and(|kind| kind.starts_with("application/json")),
        body,
    };
    let grants = claims(&node, &headers, None)
        .map_err(|(_, why)| unauthenticated(why))?
        .video;
    let must = |granted: bool| {
        if granted {
            Ok(())
        } else {
            Err(unauthenticated("permission denied".to_owned()))
        }
    };
    match method.as_str() {
        "CreateRoom" => {
            must(grants.room_create)?;
            create(&node, &call).await
        }
        "ListRooms" => {
            must(grants.room_list)?;
            list(&node, &call).await
        }
        "DeleteRoom" => {
            must(grants.room_create)?;
            delete(&node, &call).await
        }
        "ListParticipants" => people(&node, &call, &grants).await,
        _ => Err(Refused(
            StatusCode::NOT_FOUND,
            "bad_route",
            format!("this model has no method {method}"),
        )),
    }
}

async fn create(node: &Node, call: &Call) -> Result<Response, Refused> {
    let asked: CreateRoomRequest = call.read()?;
    let pinned = (!asked.node_id.is_empty()).then_some(asked.node_id.as_str());
    place(node, &asked.name, pinned)
        .await
        .map_err(|(_, why)| Refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why))?;
    let rooms = node.registry.rooms().await.map_err(internal)?;
    let known = rooms.into_iter().find(|room| room.name == asked.name);
    let room = if let Some(known) = known {
        known
    } else {
        let mut room = new_room(&asked.name);
        room.metadata = asked.metadata;
        if asked.empty_timeout > 0 {
            room.empty_timeout = asked.empty_timeout;
        }
        if asked.departure_timeout > 0 {
            room.departure_timeout = asked.departure_timeout;
        }
        node.registry.store(&room).await.map_err(internal)?;
        room
    };
    call.answer(&room)
}

/// Whoever is in it has to go. Where another server holds it, that one finds out by itself.
async fn delete(node: &Node, call: &Call) -> Result<Response, Refused> {
    let asked: DeleteRoomRequest = call.read()?;
    let _writing = node.writing.lock().await;
    let held = node.lock().rooms.remove(&asked.room);
    for person in held.iter().flat_map(|room| room.people.values()) {
        // Somebody who goes at this moment is gone.
        let _ = person.end.send(DisconnectReason::RoomDeleted);
    }
    node.registry.close(&asked.room).await.map_err(internal)?;
    call.answer(&DeleteRoomResponse {})
}

async fn list(node: &Node, call: &Call) -> Result<Response, Refused> {
    let asked: ListRoomsRequest = call.read()?;
    let mut rooms = node.registry.rooms().await.map_err(internal)?;
    rooms.retain(|room| asked.names.is_empty() || asked.names.contains(&room.name));
    call.answer(&ListRoomsResponse { rooms })
}

async fn people(node: &Node, call: &Call, grants: &VideoGrants) -> Result<Response, Refused> {
    let asked: ListParticipantsRequest = call.read()?;
    if !grants.room_admin || grants.room != asked.room {
        return Err(unauthenticated("permission denied".to_owned()));
    }
    let participants = node.registry.people(&asked.room).await.map_err(internal)?;
    call.answer(&ListParticipantsResponse { participants })
}
