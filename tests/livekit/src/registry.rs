//! What the nodes of a deployment tell each other through Redis.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use livekit_protocol::ingress_state::Status;
use livekit_protocol::{IngressInfo, IngressState, Node, ParticipantInfo, Room};
use prost::Message;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, cmd,
};
use tokio::sync::Mutex;

use crate::selection::{is_available, now};

// LiveKit's own names.
const NODES: &str = "nodes";
const NODE_OF_ROOM: &str = "room_node_map";
const ROOMS: &str = "rooms";
const INGRESSES: &str = "ingress";

/// Where the model of OpenVidu's operator leaves the keys of the API for the media nodes. The real one has its own ways.
const KEYS: &str = "openvidu-model:keys";

/// The name under which OpenVidu's sentinels know the primary.
const PRIMARY: &str = "openvidu";

/// No answer for so long is none. Shorter than the 4 s after which a node is no longer healthy.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The hashes in Redis. Finds the primary anew after each failure.
pub(crate) struct Registry(Mutex<Inner>);

struct Inner {
    way: Way,
    connection: Option<MultiplexedConnection>,
}

enum Way {
    Direct(Client),
    Sentinels(Box<SentinelClient>),
}

fn participants(room: &str) -> String {
    format!("room_participants:{room}")
}

impl Registry {
    pub(crate) fn new(
        direct: Option<SocketAddr>,
        sentinels: &[SocketAddr],
        password: Option<&str>,
    ) -> RedisResult<Self> {
        let address = |of: &SocketAddr| ConnectionAddr::Tcp(of.ip().to_string(), of.port());
        let way = if let Some(direct) = direct {
            let mut login = RedisConnectionInfo::default();
            if let Some(password) = password {
                login = login.set_password(password);
            }
            let info = address(&direct)
                .into_connection_info()?
                .set_redis_settings(login);
            Way::Direct(Client::open(info)?)
        } else {
            let mut builder = SentinelClientBuilder::new(
                sentinels.iter().map(address),
                PRIMARY,
                SentinelServerType::Master,
            )?;
            if let Some(password) = password {
                builder = builder
                    .set_client_to_redis_password(password)
                    .set_client_to_sentinel_password(password);
            }
            Way::Sentinels(Box::new(builder.build()?))
        };
        Ok(Self(Mutex::new(Inner {
            way,
            connection: None,
        })))
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut inner = self.0.lock().await;
        let asked = tokio::time::timeout(PATIENCE, inner.ask(command)).await;
        let answer = asked.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        if answer.is_err() {
            // It may be a replica by now.
            inner.connection = None;
        }
        answer
    }

    /// Writes the record of a node.
    pub(crate) async fn register(&self, node: &Node) -> RedisResult<()> {
        self.set(NODES, &node.id, &node.encode_to_vec()).await
    }

    /// Takes the record of a node out.
    pub(crate) async fn unregister(&self, id: &str) -> RedisResult<()> {
        self.delete(NODES, id).await
    }

    /// Takes out the records of nodes that are no longer there.
    pub(crate) async fn remove_dead(&self, now: i64) -> RedisResult<()> {
        for node in self.nodes().await? {
            if !is_available(&node, now) {
                self.unregister(&node.id).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn nodes(&self) -> RedisResult<Vec<Node>> {
        self.all(NODES).await
    }

    pub(crate) async fn node_of(&self, room: &str) -> RedisResult<Option<String>> {
        self.ask(cmd("HGET").arg(NODE_OF_ROOM).arg(room)).await
    }

    pub(crate) async fn place(&self, room: &str, node: &str) -> RedisResult<()> {
        self.set(NODE_OF_ROOM, room, node.as_bytes()).await
    }

    pub(crate) async fn rooms(&self) -> RedisResult<Vec<Room>> {
        self.all(ROOMS).await
    }

    pub(crate) async fn store(&self, room: &Room) -> RedisResult<()> {
        self.set(ROOMS, &room.name, &room.encode_to_vec()).await
    }

    pub(crate) async fn close(&self, room: &str) -> RedisResult<()> {
        self.delete(ROOMS, room).await?;
        self.delete(NODE_OF_ROOM, room).await?;
        self.ask(cmd("DEL").arg(participants(room))).await
    }

    pub(crate) async fn people(&self, room: &str) -> RedisResult<Vec<ParticipantInfo>> {
        self.all(&participants(room)).await
    }

    pub(crate) async fn enter(&self, room: &str, person: &ParticipantInfo) -> RedisResult<()> {
        self.set(
            &participants(room),
            &person.identity,
            &person.encode_to_vec(),
        )
        .await
    }

    /// Writes the records of an ingress, and whether it runs.
    pub(crate) async fn take_in(&self, id: &str, runs: bool) -> RedisResult<()> {
        let info = IngressInfo {
            ingress_id: id.to_owned(),
            ..IngressInfo::default()
        };
        self.set(INGRESSES, id, &info.encode_to_vec()).await?;
        let status = if runs {
            Status::EndpointPublishing
        } else {
            Status::EndpointInactive
        };
        let state = IngressState {
            status: status.into(),
            started_at: now(),
            ..IngressState::default()
        };
        let key = format!("{{ingress}}_state:{id}");
        self.ask(cmd("SET").arg(key).arg(state.encode_to_vec()))
            .await
    }

    pub(crate) async fn leave(&self, room: &str, identity: &str) -> RedisResult<()> {
        self.delete(&participants(room), identity).await
    }

    pub(crate) async fn give_keys(&self, key: &str, secret: &str) -> RedisResult<()> {
        self.ask(
            cmd("HSET")
                .arg(KEYS)
                .arg("key")
                .arg(key)
                .arg("secret")
                .arg(secret),
        )
        .await
    }

    pub(crate) async fn keys(&self) -> RedisResult<Option<(String, String)>> {
        let keys: (Option<String>, Option<String>) = self
            .ask(cmd("HMGET").arg(KEYS).arg("key").arg("secret"))
            .await?;
        Ok(keys.0.zip(keys.1))
    }

    async fn set(&self, hash: &str, field: &str, value: &[u8]) -> RedisResult<()> {
        self.ask(cmd("HSET").arg(hash).arg(field).arg(value)).await
    }

    async fn delete(&self, hash: &str, field: &str) -> RedisResult<()> {
        self.ask(cmd("HDEL").arg(hash).arg(field)).await
    }

    async fn all<T: Message + Default>(&self, hash: &str) -> RedisResult<Vec<T>> {
        let values: Vec<Vec<u8>> = self.ask(cmd("HVALS").arg(hash)).await?;
        values
            .iter()
            .map(|value| {
                T::decode(value.as_slice()).map_err(|error| {
                    RedisError::from((
                        ErrorKind::UnexpectedReturnType,
                        "no protobuf",
                        error.to_string(),
                    ))
                })
            })
            .collect()
    }
}

impl Inner {
    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let made = match &mut self.way {
                    Way::Direct(client) => client.get_multiplexed_async_connection().await?,
                    Way::Sentinels(client) => client.get_async_connection().await?,
                };
                none.insert(made)
            }
        };
        command.query_async(connection).await
    }
}
