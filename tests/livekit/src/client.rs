//! Somebody in a room: a real WebSocket, which counts how often it was cut off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use livekit_protocol::signal_request::Message as Say;
use livekit_protocol::signal_response::Message as Told;
use livekit_protocol::{DisconnectReason, LeaveRequest, Ping, SignalRequest, SignalResponse};
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How often it asks whether the server is still there.
const PING: Duration = Duration::from_millis(500);

/// A server that does not answer for so long is lost: LiveKit's own time-out of pings.
const SILENCE: Duration = Duration::from_secs(15);

/// How a person was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server said that it ends the connection, and why.
    Told(DisconnectReason),
    /// The connection broke, without a word.
    Broken,
    /// The server did not answer.
    Silent,
}

/// Somebody in a room, until this value is dropped or leaves.
#[derive(Debug)]
pub struct Client {
    node: String,
    seen: Arc<Mutex<Vec<Cut>>>,
    leave: UnboundedSender<()>,
    task: JoinHandle<()>,
}

impl Client {
    /// Joins over this connection to a server (`host` for its header) with a token of [`crate::guest`].
    ///
    /// # Errors
    /// What the server says instead; an HTTP status as a [`tungstenite::Error::Http`].
    pub async fn join(
        stream: TcpStream,
        host: &str,
        token: &str,
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{host}/rtc").into_client_request()?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(tungstenite::http::Error::from)?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let (mut socket, _) = client_async(request, stream).await?;
        let node = loop {
            let Some(message) = socket.next().await else {
                return Err(tungstenite::Error::ConnectionClosed);
            };
            if let Some(Told::Join(join)) = read(&message?) {
                break join.server_info.unwrap_or_default().node_id;
            }
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (leave, left) = unbounded_channel();
        let task = tokio::spawn(stay(socket, left, Arc::clone(&seen)));
        Ok(Self {
            node,
            seen,
            leave,
            task,
        })
    }

    /// The id of the node that holds the room.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// How and how often it was cut off, so far.
    pub fn cuts(&self) -> Vec<Cut> {
        lock(&self.seen).clone()
    }

    /// Says good-bye and goes; what cut it off before that.
    pub async fn leave(self) -> Vec<Cut> {
        let _ = self.leave.send(());
        let _ = self.task.await;
        lock(&self.seen).clone()
    }
}

fn lock(seen: &Mutex<Vec<Cut>>) -> MutexGuard<'_, Vec<Cut>> {
    // A list is whole at any time.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(message: &Message) -> Option<Told> {
    let Message::Binary(bytes) = message else {
        return None;
    };
    SignalResponse::decode(bytes.clone()).ok()?.message
}

async fn say(socket: &mut WebSocketStream<TcpStream>, what: Say) -> Result<(), tungstenite::Error> {
    let request = SignalRequest {
        message: Some(what),
    };
    let message = Message::Binary(request.encode_to_vec().into());
    socket.send(message).await
}

async fn stay(
    mut socket: WebSocketStream<TcpStream>,
    mut leave: UnboundedReceiver<()>,
    seen: Arc<Mutex<Vec<Cut>>>,
) {
    let mut heard = Instant::now();
    let mut pings = tokio::time::interval(PING);
    let cut = loop {
        tokio::select! {
            _ = leave.recv() => {
                let _ = say(&mut socket, Say::Leave(LeaveRequest::default())).await;
                let _ = socket.close(None).await;
                return;
            }
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE {
                    break Cut::Silent;
                }
                if say(&mut socket, Say::PingReq(Ping::default())).await.is_err() {
                    break Cut::Broken;
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break Cut::Broken,
                Some(Ok(message)) => {
                    heard = Instant::now();
                    if let Some(Told::Leave(leave)) = read(&message) {
                        break Cut::Told(leave.reason());
                    }
                }
            },
        }
    };
    lock(&seen).push(cut);
}
