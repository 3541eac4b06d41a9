//! A person who came to one node, in a room that is on another: what is said goes through.

use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderValue, header};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Far;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Joins the room on its own node, with the token of the person.
pub(super) async fn connect(
    address: &str,
    query: Option<&str>,
    token: Option<HeaderValue>,
) -> Result<Connection, String> {
    let mut url = format!("ws://{address}/rtc");
    if let Some(query) = query {
        url = format!("{url}?access_token={query}");
    }
    let mut request = url
        .into_client_request()
        .map_err(|error| error.to_string())?;
    if let Some(token) = token {
        request.headers_mut().insert(header::AUTHORIZATION, token);
    }
    let (connection, _) = connect_async(request)
        .await
        .map_err(|error| error.to_string())?;
    Ok(connection)
}

/// Until either side ends.
pub(super) async fn pump(mut near: WebSocket, mut far: Connection) {
    loop {
        tokio::select! {
            said = near.next() => match said {
                Some(Ok(Message::Binary(bytes))) => {
                    if far.send(Far::Binary(bytes)).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => break,
            },
            told = far.next() => match told {
                Some(Ok(Far::Binary(bytes))) => {
                    if near.send(Message::Binary(bytes)).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Far::Ping(_) | Far::Pong(_))) => {}
                _ => break,
            },
        }
    }
    let _ = near.send(Message::Close(None)).await;
    let _ = far.close(None).await;
}
