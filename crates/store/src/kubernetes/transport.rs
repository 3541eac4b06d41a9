//! The way of every request: its turn, the gate, one time-out, no repetition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::timeout;
use tower::BoxError;

use super::gate::{Gate, Guard};
use super::health::WatchHealth;
use super::limits::Limiter;
use super::options::KubernetesOptions;

/// Sends requests through a client that somebody else made.
pub(crate) struct Transport {
    client: kube::Client,
    limiter: Limiter,
    guard: Guard,
    /// Wraps bodies, see [`Transport::guarded`].
    wrapper: kube::Client,
    call_timeout: Duration,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// How long the server asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Answered,
}

/// The bytes of an answer.
pub(crate) type Answered = <Body as http_body::Body>::Data;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The gate was closed: the server has not seen the whole request, and acts on none that broke off.
    #[error("the gate is closed")]
    Closed,
    /// It did not come in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    /// The connection or the client failed.
    #[error("{}", chain(.0))]
    Failed(kube::Error),
}

/// What a body is made from in [`Transport::guarded`]'s wrapper.
#[derive(Clone)]
struct Refused(Arc<AtomicBool>);

// === impl Transport ===

impl Transport {
    /// Must be called on a tokio runtime.
    pub(crate) fn new(
        client: kube::Client,
        options: &KubernetesOptions,
        gate: Arc<dyn Gate>,
    ) -> Arc<Self> {
        let guard = Guard::new(gate, options.call_timeout);
        let bodies = guard.clone();
        let wrapper = tower::service_fn(move |request: Request<Body>| {
            let refused = request.extensions().get::<Refused>().cloned();
            let refused = refused.map(|refused| refused.0).unwrap_or_default();
            let body = bodies.body(request.into_body(), refused);
            async move { Ok::<_, BoxError>(Response::new(body)) }
        });
        Arc::new(Self {
            limiter: Limiter::new(options.limits),
            guard,
            wrapper: kube::Client::new(wrapper, client.default_namespace()),
            call_timeout: options.call_timeout,
            client,
        })
    }

    /// One call and its whole answer, whatever its status.
    pub(crate) async fn call(&self, request: Request<Vec<u8>>) -> Result<Answer, NoAnswer> {
        let changes = request.method() != Method::GET;
        let _turn = self.limiter.enter().await;
        let refused = Arc::new(AtomicBool::new(false));
        if changes && !self.guard.is_open() {
            return Err(NoAnswer::Closed);
        }
        let exchange = async {
            let (parts, body) = request.into_parts();
            let body = Body::from(body);
            let body = if changes {
                self.guarded(body, refused.clone()).await?
            } else {
                body
            };
            let answer = self.client.send(Request::from_parts(parts, body)).await?;
            self.whole(answer).await
        };
        match timeout(self.call_timeout, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            _ if refused.load(Ordering::Relaxed) => Err(NoAnswer::Closed),
            Ok(Err(error)) => Err(NoAnswer::Failed(error)),
            Err(_) => Err(NoAnswer::Late(self.call_timeout)),
        }
    }

    /// A client for one watch: its lists have their turn and their time-out as every call, its watches have the
    /// time-out up to the head of the answer, and whatever comes is a sign of life. `readable` refuses a list.
    pub(crate) fn watching(
        self: &Arc<Self>,
        health: &Arc<WatchHealth>,
        readable: fn(&[u8]) -> Result<(), String>,
    ) -> kube::Client {
        let (transport, health) = (self.clone(), health.clone());
        let namespace = self.client.default_namespace().to_owned();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (transport, health) = (transport.clone(), health.clone());
            async move {
                let answer = if is_watch(&request) {
                    transport.begin_watch(request).await?
                } else {
                    transport.list(request, readable).await?
                };
                let well = answer.status().is_success();
                if well {
                    health.alive();
                }
                let noted = move |body| Noted {
                    body,
                    health: well.then_some(health),
                };
                Ok::<_, BoxError>(answer.map(noted))
            }
        });
        kube::Client::new(service, namespace)
    }

    async fn begin_watch(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let begun = timeout(self.call_timeout, self.client.send(request)).await;
        Ok(begun.map_err(|_| NoAnswer::Late(self.call_timeout))??)
    }

    async fn list(
        &self,
        request: Request<Body>,
        readable: fn(&[u8]) -> Result<(), String>,
    ) -> Result<Response<Body>, BoxError> {
        let _turn = self.limiter.enter().await;
        let exchange = async {
            let answer = self.client.send(request).await?;
            self.whole(answer).await
        };
        let answer = timeout(self.call_timeout, exchange)
            .await
            .map_err(|_| NoAnswer::Late(self.call_timeout))??;
        if answer.status.is_success() {
            readable(&answer.body)?;
        }
        let head = Response::builder().status(answer.status);
        Ok(head.body(Body::from(answer.body))?)
    }

    async fn whole(&self, answer: Response<Body>) -> Result<Answer, kube::Error> {
        let (parts, body) = answer.into_parts();
        let retry_after = parts.headers.get(http::header::RETRY_AFTER);
        let retry_after = retry_after
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        if let Some(pause) = retry_after {
            self.limiter.hold(pause);
        }
        Ok(Answer {
            status: parts.status,
            retry_after,
            body: body.collect_bytes().await?,
        })
    }

    /// A body that asks the gate just before it is written.
    ///
    /// `kube::client::Body` has no public way to hold somebody else's body, but a client wraps each answer's body in
    /// one: so a client that answers with a guarded body makes what we need. It has a second virtue: such a body
    /// cannot be cloned, so no client that we are given, whatever its retry policy, can send a change twice.
    async fn guarded(&self, body: Body, refused: Arc<AtomicBool>) -> Result<Body, kube::Error> {
        let mut request = Request::new(body);
        request.extensions_mut().insert(Refused(refused));
        Ok(self.wrapper.send(request).await?.into_body())
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair == "watch=true")
}

/// What an error and those that it comes from say, once each.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// A body whose every piece is a sign of life.
struct Noted {
    body: Body,
    health: Option<Arc<WatchHealth>>,
}

// === impl Noted ===

impl http_body::Body for Noted {
    type Data = Answered;
    type Error = kube::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let frame = std::pin::Pin::new(&mut self.body).poll_frame(cx);
        if let (std::task::Poll::Ready(Some(Ok(_))), Some(health)) = (&frame, &self.health) {
            health.alive();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
