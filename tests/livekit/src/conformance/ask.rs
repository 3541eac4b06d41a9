//! How the suite asks: HTTP, Redis, and again until an answer is the one that is waited for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use livekit_protocol::Node;
use prost::Message;
use tokio::net::TcpStream;

use super::{Failure, Server, Target};
use crate::client::Client;
use crate::{admin, guest};

/// Longer than anything that the suite waits for, but the five seconds of a ticker.
pub(super) const SOON: Duration = Duration::from_secs(15);

pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn send(
    make: impl FnOnce(ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>
    + Send
    + 'static,
) -> Result<Answer, Failure> {
    let asked = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .new_agent();
        let mut answer = make(agent)?;
        Ok::<_, ureq::Error>(Answer {
            code: answer.status().as_u16(),
            body: answer.body_mut().read_to_vec()?,
        })
    });
    Ok(asked.await??)
}

pub(super) async fn get(address: SocketAddr, path: &str) -> Result<Answer, Failure> {
    let url = format!("http://{address}{path}");
    send(move |agent| agent.get(url).call()).await
}

/// A call of the room service. Protobuf, unless it is said to be JSON.
pub(super) async fn call(
    server: SocketAddr,
    method: &str,
    token: Option<&str>,
    body: Vec<u8>,
    json: bool,
) -> Result<Answer, Failure> {
    let url = format!("http://{server}/twirp/livekit.RoomService/{method}");
    let kind = if json {
        "application/json"
    } else {
        "application/protobuf"
    };
    let bearer = token.map(|token| format!("Bearer {token}"));
    send(move |agent| {
        let mut request = agent.post(url).header("content-type", kind);
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        request.send(&body)
    })
    .await
}

/// A gauge that has exactly these labels.
pub(super) async fn gauge(server: &Server, name: &str, node: &str) -> Result<u64, Failure> {
    let text = get(server.metrics, "/metrics").await?.text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    let own = format!("node_id=\"{node}\"");
    let value = lines
        .filter(|line| line.contains(&own) && line.contains("node_type=\"SERVER\""))
        .find_map(|line| line.rsplit(' ').next()?.parse().ok());
    value.ok_or_else(|| Failure(format!("no {name} of node {node} in {text}")))
}

/// Asks until the answer is there.
pub(super) async fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let began = Instant::now();
    loop {
        // A server that starts refuses connections: that is an answer, too.
        let asked = ask().await;
        match asked {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) if began.elapsed() > limit => {
                return Err(Failure(format!("not within {limit:?}: {what}")));
            }
            Err(failure) if began.elapsed() > limit => {
                return Err(Failure(format!("not within {limit:?}: {what}: {failure}")));
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Asks again and again for so long; each time it must hold.
pub(super) async fn always(
    length: Duration,
    mut ask: impl AsyncFnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let began = Instant::now();
    while began.elapsed() < length {
        ask().await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

impl Target {
    pub(super) async fn redis(&self) -> Result<redis::aio::MultiplexedConnection, Failure> {
        let client = redis::Client::open(self.redis.as_str())?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// The records of all nodes.
    pub(super) async fn nodes(&self) -> Result<Vec<Node>, Failure> {
        let mut redis = self.redis().await?;
        let values: Vec<Vec<u8>> = redis::cmd("HVALS")
            .arg("nodes")
            .query_async(&mut redis)
            .await?;
        let nodes: Result<_, _> = values
            .iter()
            .map(|value| Node::decode(value.as_slice()))
            .collect();
        Ok(nodes?)
    }

    /// The id of the node that a room is on, in Redis.
    pub(super) async fn node_of(&self, room: &str) -> Result<Option<String>, Failure> {
        let mut redis = self.redis().await?;
        Ok(redis::cmd("HGET")
            .arg("room_node_map")
            .arg(room)
            .query_async(&mut redis)
            .await?)
    }

    pub(super) fn admin(&self, room: &str) -> Result<String, Failure> {
        Ok(admin(&self.key, &self.secret, room)?)
    }

    /// Somebody joins a room through this server.
    pub(super) async fn join(
        &self,
        server: usize,
        room: &str,
        identity: &str,
    ) -> Result<Client, Failure> {
        let api = self.servers[server].api;
        let token = guest(&self.key, &self.secret, room, identity)?;
        let stream = TcpStream::connect(api).await?;
        Ok(Client::join(stream, &api.to_string(), &token).await?)
    }
}
