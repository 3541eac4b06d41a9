//! Requests as they go over the wire.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// The server ends a request after a minute by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(70);

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status code.
    pub code: u16,
    /// The object, or the `Status` that says what went wrong; a text where the server sends one.
    pub body: Value,
}

/// Makes a client, which believes these certificates and no others, and waits so long for an answer.
pub(crate) fn agent(certificates: &[u8], patience: Duration) -> io::Result<Agent> {
    let roots: Vec<_> = parse_pem(certificates)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
        .collect::<Result<_, _>>()?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Ok(Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        // A refusal is an answer.
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        // As many as ask at once: a new connection for each request would be timed with it.
        .max_idle_connections(32)
        .max_idle_connections_per_host(32)
        .build()
        .into())
}

/// Sends one request.
pub(crate) fn send(
    agent: &Agent,
    token: &str,
    method: &str,
    url: &str,
    body: Option<&Value>,
) -> io::Result<Answer> {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Accept", "application/json");
    let content = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let sent = match body {
        Some(body) => request
            .header("Content-Type", content)
            .body(serde_json::to_vec(body)?)
            .map(|request| agent.run(request)),
        None => request.body(()).map(|request| agent.run(request)),
    };
    let mut response = sent
        .map_err(io::Error::other)?
        .map_err(ureq::Error::into_io)?;
    let text = response
        .body_mut()
        .read_to_string()
        .map_err(ureq::Error::into_io)?;
    Ok(Answer {
        code: response.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}
