//! What people do: make a room, join it, leave. Through the deployment's own entrance, a master's.

use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use livekit_protocol::signal_request::Message as Say;
use livekit_protocol::signal_response::Message as Told;
use livekit_protocol::{
    CreateRoomRequest, DeleteRoomRequest, LeaveRequest, SignalRequest, SignalResponse,
};
use livekit_token::{AccessToken, VideoGrants};
use ovo_model::{NodeName, ProviderError};
use ovo_provider::{Dial, Target};
use prost::Message as _;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::http::Driver;

/// Where masters take LiveKit's API in.
const ENTRANCE: u16 = 7880;
/// The whole trial, a fifth of a leader's lease like every call.
const LIMIT: Duration = Duration::from_secs(5);
/// A room that could not be taken away goes by itself after so many seconds without anybody.
const EMPTY_TIMEOUT_S: u32 = 10;
/// Our clock and theirs may differ by minutes.
const TOKEN_LIFE: Duration = Duration::from_mins(10);
/// Who joins.
const IDENTITY: &str = "openvidu-operator";
/// An answer of the room service is no longer.
const ANSWER_LIMIT: usize = 64 << 10;

/// Key and secret of LiveKit's API.
pub(crate) struct Keys {
    pub(crate) key: SecretString,
    pub(crate) secret: SecretString,
}

/// One way in, and who goes there.
pub(crate) struct Entrance<'a> {
    pub(crate) dial: &'a dyn Dial,
    pub(crate) target: &'a Target,
    pub(crate) master: &'a NodeName,
    pub(crate) keys: &'a Keys,
}

impl Entrance<'_> {
    /// Makes a room, joins it, leaves, and takes it away.
    pub(crate) async fn try_out(&self) -> Result<(), ProviderError> {
        // Ours alone, and the same each time: what a trial left behind the next one takes away.
        let (id, master) = (&self.target.infrastructure_id, self.master);
        let room = format!("openvidu-operator-{id}-{master}");
        let tried = async {
            self.make(&room).await?;
            let joined = self.join(&room).await;
            let gone = self.take_away(&room).await;
            joined.and(gone)
        };
        match timeout(LIMIT, tried).await {
            Ok(tried) => tried,
            Err(_) => Err(self.failed(&format!(
                "no room was made and joined within {} s",
                LIMIT.as_secs()
            ))),
        }
    }

    /// In words that hold no secret and nothing that a server said: those may repeat a token.
    fn failed(&self, why: &str) -> ProviderError {
        let master = self.master;
        ProviderError::Retryable(format!("through {master}, port {ENTRANCE}: {why}"))
    }

    async fn make(&self, room: &str) -> Result<(), ProviderError> {
        let asked = CreateRoomRequest {
            name: room.to_owned(),
            empty_timeout: EMPTY_TIMEOUT_S,
            departure_timeout: 1,
            ..CreateRoomRequest::default()
        };
        let grants = VideoGrants {
            room_create: true,
            ..VideoGrants::default()
        };
        self.call("CreateRoom", &grants, asked.encode_to_vec())
            .await
    }

    async fn take_away(&self, room: &str) -> Result<(), ProviderError> {
        let asked = DeleteRoomRequest {
            room: room.to_owned(),
        };
        let grants = VideoGrants {
            room_create: true,
            ..VideoGrants::default()
        };
        self.call("DeleteRoom", &grants, asked.encode_to_vec())
            .await
    }

    /// One call of the room service.
    async fn call(
        &self,
        method: &str,
        grants: &VideoGrants,
        body: Vec<u8>,
    ) -> Result<(), ProviderError> {
        let failed = |why: &str| self.failed(&format!("{method}: {why}"));
        let stream = self.dial.dial(self.target, self.master, ENTRANCE).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|_| failed("it speaks no HTTP"))?;
        let _driver = Driver::spawn(async move {
            // How the connection ended shows in the answer.
            let _ = connection.await;
        });
        let request = Request::post(format!("/twirp/livekit.RoomService/{method}"))
            .header(HOST, self.host())
            .header(CONTENT_TYPE, "application/protobuf")
            .header(AUTHORIZATION, format!("Bearer {}", self.token(grants)?))
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| failed("it cannot be asked"))?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|_| failed("the connection broke before an answer"))?;
        let code = answer.status().as_u16();
        Limited::new(answer.into_body(), ANSWER_LIMIT)
            .collect()
            .await
            .map_err(|_| failed("its answer broke off"))?;
        match code {
            200 => Ok(()),
            401 | 403 => Err(failed(
                "it does not take the key and secret under LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
            )),
            _ => Err(failed(&format!("it answers with code {code}"))),
        }
    }

    /// Joins, and leaves as soon as the server says that one is in.
    async fn join(&self, room: &str) -> Result<(), ProviderError> {
        let failed = |why: &str| self.failed(&format!("joining: {why}"));
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            hidden: true,
            ..VideoGrants::default()
        };
        let bearer = format!("Bearer {}", self.token(&grants)?);
        let request = format!("ws://{}/rtc", self.host()).into_client_request();
        let mut request = request.map_err(|_| failed("spec.domainName is no host"))?;
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| failed("no token"))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let stream = self.dial.dial(self.target, self.master, ENTRANCE).await?;
        let opened = client_async(request, stream).await;
        let (mut socket, _) = opened.map_err(|error| match error {
            tungstenite::Error::Http(answer) => failed(&format!(
                "it answers with code {}",
                answer.status().as_u16()
            )),
            _ => failed("it opens no WebSocket"),
        })?;
        loop {
            let message = match socket.next().await {
                Some(Ok(Message::Binary(bytes))) => SignalResponse::decode(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Text(_))) => continue,
                _ => return Err(failed("the connection broke before one was in")),
            };
            match message.map(|told| told.message) {
                Ok(Some(Told::Join(_))) => break,
                Ok(Some(Told::Leave(_))) => return Err(failed("the server let nobody stay")),
                Ok(_) => {}
                Err(_) => return Err(failed("its answer cannot be understood")),
            }
        }
        let leave = SignalRequest {
            message: Some(Say::Leave(LeaveRequest::default())),
        };
        // In was enough; how one gets out is the server's business.
        let _ = socket
            .send(Message::Binary(leave.encode_to_vec().into()))
            .await;
        let _ = socket.close(None).await;
        Ok(())
    }

    /// What people's browsers call the deployment.
    fn host(&self) -> &str {
        &self.target.cluster.spec.domain_name
    }

    fn token(&self, grants: &VideoGrants) -> Result<String, ProviderError> {
        let Keys { key, secret } = self.keys;
        AccessToken::with_api_key(key.expose_secret(), secret.expose_secret())
            .with_identity(IDENTITY)
            .with_ttl(TOKEN_LIFE)
            .with_grants(grants.clone())
            .to_jwt()
            .map_err(|_| {
                self.failed("no token can be made of LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
            })
    }
}
