//! What LiveKit's servers tell each other in Redis.
//!
//! Names and types are LiveKit's own, read in its source: hash `nodes` of `livekit.Node` by id, rewritten by each server
//! every 2 s; `room_node_map` of ids by room; `ingress` of `livekit.IngressInfo` by id, with the state of each in a key of
//! its own since 1.5 and inside before.

use std::collections::BTreeMap;
use std::sync::Arc;

use livekit_protocol::ingress_state::Status;
use livekit_protocol::{IngressInfo, IngressState, Node};
use ovo_model::ProviderError;
use prost::Message;
use redis::{Value, cmd, pipe};
use secrecy::SecretString;

use crate::connection::{At, Connection, Unread};

/// Ingresses whose state is asked for. OpenVidu is not known to be run with a hundredth of it.
const MOST_INGRESSES: usize = 10_000;

/// Bytes by bytes: names are the users', and need be no text.
type Hash = BTreeMap<Vec<u8>, Vec<u8>>;

/// The shared records as one transaction saw them.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    /// Redis' own clock, in seconds since 1970: the servers' clocks are near it, ours need not be.
    pub(crate) now: i64,
    /// Servers by id. `None`: what stands there is no record.
    pub(crate) nodes: BTreeMap<String, Option<Node>>,
    /// How many rooms are put on a server, by its id.
    pub(crate) rooms: BTreeMap<String, u32>,
    /// Ingresses that are taken in, anywhere: where, no record says. Or why nobody knows.
    pub(crate) ingresses: Result<u32, Arc<str>>,
}

impl Registry {
    /// Reads all of it, if this is the primary.
    pub(crate) async fn read(at: &At<'_>, password: &SecretString) -> Result<Self, ProviderError> {
        at.within(async {
            let mut connection = at.connect(password).await?;
            let read = Self::of(&mut connection).await;
            read.map_err(|why| at.unread(why.words()))
        })
        .await
    }

    async fn of(connection: &mut Connection) -> Result<Self, Unread> {
        let mut questions = pipe();
        questions
            .atomic()
            .cmd("ROLE")
            .cmd("TIME")
            .cmd("HGETALL")
            .arg("nodes")
            .cmd("HGETALL")
            .arg("room_node_map")
            .cmd("HGETALL")
            .arg("ingress");
        let told: (Value, (i64, i64), Hash, Hash, Hash) = connection.ask_all(&questions).await?;
        let (role, (now, _), nodes, rooms, ingresses) = told;
        primary(&role)?;
        Ok(Self {
            now,
            nodes: nodes.into_iter().map(record).collect(),
            rooms: count(rooms.values()),
            ingresses: match active(connection, &ingresses).await {
                Ok(count) => Ok(count),
                Err(Unread::Says(why)) => Err(why),
                Err(broken @ Unread::Redis(_)) => return Err(broken),
            },
        })
    }
}

/// An old primary that came back says `master` until its sentinels told it; those were asked before.
fn primary(role: &Value) -> Result<(), Unread> {
    let name = match role {
        Value::Array(parts) => parts.first(),
        _ => None,
    };
    match name {
        Some(Value::BulkString(name)) if name == b"master" => Ok(()),
        Some(_) => Err(Unread::Says("it is not the primary any more".into())),
        None => Err(Unread::Says(
            "it does not say whether it is the primary".into(),
        )),
    }
}

fn record((id, bytes): (Vec<u8>, Vec<u8>)) -> (String, Option<Node>) {
    let id = String::from_utf8_lossy(&id).into_owned();
    let node = Node::decode(bytes.as_slice()).ok();
    let own = node.filter(|node| node.id == id);
    (id, own)
}

fn count<'h>(ids: impl Iterator<Item = &'h Vec<u8>>) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for id in ids {
        let count = counts
            .entry(String::from_utf8_lossy(id).into_owned())
            .or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// How many ingresses are being taken in.
async fn active(connection: &mut Connection, ingresses: &Hash) -> Result<u32, Unread> {
    if ingresses.is_empty() {
        return Ok(0);
    }
    if ingresses.len() > MOST_INGRESSES {
        return Err(Unread::Says(
            format!("it has over {MOST_INGRESSES} ingresses, too many to ask about").into(),
        ));
    }
    let mut question = cmd("MGET");
    for id in ingresses.keys() {
        for prefix in [b"{ingress}_state:".as_slice(), b"ingress_state:"] {
            question.arg([prefix, id].concat());
        }
    }
    let states: Vec<Option<Vec<u8>>> = connection.ask(&question).await?;
    if states.len() != ingresses.len() * 2 {
        return Err(Unread::Says("not all states of ingresses came back".into()));
    }
    let mut active: u32 = 0;
    for (info, states) in ingresses.values().zip(states.chunks(2)) {
        if taken_in(info, states)? {
            active = active.saturating_add(1);
        }
    }
    Ok(active)
}

/// Whether one of these states is of an ingress that runs.
fn taken_in(info: &[u8], states: &[Option<Vec<u8>>]) -> Result<bool, Unread> {
    let broken = |_| Unread::Says("the record of an ingress cannot be read".into());
    let info = IngressInfo::decode(info).map_err(broken)?;
    let mut all = Vec::from_iter(info.state);
    for bytes in states.iter().flatten() {
        all.push(IngressState::decode(bytes.as_slice()).map_err(broken)?);
    }
    Ok(all.iter().any(|state| {
        let idle = [
            Status::EndpointInactive,
            Status::EndpointError,
            Status::EndpointComplete,
        ];
        // A state that this release does not know may be one in which it runs.
        !idle.iter().any(|idle| *idle as i32 == state.status)
    }))
}
