//! Between a store and its client: names the requests, and lets one go wrong.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyStream, StreamBody};
use kube::Client;
use kube::client::Body;
use ovo_kube_faults::{Fault, Point, named};
use tokio::sync::watch;
use tower::BoxError;

/// The wire of one run, over all lives of its operator. Clones are the same one.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    at: Option<(Point, Fault)>,
    armed: bool,
    hit: bool,
    points: Vec<Point>,
    seen: BTreeMap<String, usize>,
    /// Begun and ended changes, counted: what was read between two is as it is stored.
    changes: u64,
    late: Option<Request<Vec<u8>>>,
    /// Changes after which the watches tell what they held back.
    behind: usize,
    held: Held,
    outdated: usize,
    life: Life,
}

/// Changes that an operator may ask for while its watches are behind. More than one that looks at the server after a
/// doubt needs to begin the next thing, and enough to see whether one asks for the same again and again.
const BEHIND: usize = 5;

/// Nor is a watch behind for longer than this: loaded API servers were seen to be some seconds behind.
const BEHIND_FOR: Duration = Duration::from_secs(5);

/// Whether watches hold back what they have to tell. Clones are the same one.
#[derive(Clone)]
struct Held(Arc<watch::Sender<bool>>);

impl Default for Held {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

/// One life of an operator: it ends at a point, and sends nothing afterwards. Clones are the same one.
#[derive(Clone)]
pub struct Life(Arc<watch::Sender<bool>>);

impl Default for Life {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

// === impl Life ===

impl Life {
    fn end(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for its end.
    pub async fn over(&self) {
        // The sender is in `self`, so there is no error.
        let _ = self.0.subscribe().wait_for(|ended| *ended).await;
    }

    async fn die<T>(&self) -> T {
        self.end();
        pending().await
    }
}

// === impl Held ===

impl Held {
    fn set(&self, held: bool) {
        self.0.send_replace(held);
    }

    /// Waits until nothing is held back.
    async fn over(&self) {
        let mut held = self.0.subscribe();
        let over = held.wait_for(|held| !*held);
        if tokio::time::timeout(BEHIND_FOR, over).await.is_err() {
            self.set(false);
        }
    }
}

// === impl Wire ===

impl Wire {
    /// A wire on which this goes wrong.
    pub fn at(point: Point, fault: Fault) -> Self {
        let wire = Self::default();
        wire.state().at = Some((point, fault));
        wire
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Points count from now on.
    pub fn arm(&self) {
        self.state().armed = true;
    }

    /// The points that were passed, in order.
    pub fn points(&self) -> Vec<Point> {
        self.state().points.clone()
    }

    /// Whether it went wrong.
    pub fn hit(&self) -> bool {
        self.state().hit
    }

    /// How often the server, and not a fault, refused a change as outdated: 409.
    pub fn outdated(&self) -> usize {
        self.state().outdated
    }

    /// The watches tell what they held back.
    pub fn catch_up(&self) {
        let mut state = self.state();
        state.behind = 0;
        state.held.set(false);
    }

    /// Grows with each change that is begun and each that has ended.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// The life that goes on now.
    pub fn life(&self) -> Life {
        self.state().life.clone()
    }

    /// The operator dies.
    pub fn kill(&self) {
        self.life().end();
    }

    /// A client for an operator that begins now.
    pub fn operator(&self, client: Client) -> Client {
        let life = Life::default();
        self.state().life = life.clone();
        self.catch_up();
        let (wire, namespace) = (self.clone(), client.default_namespace().to_owned());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (wire, client, life) = (wire.clone(), client.clone(), life.clone());
            async move { wire.pass(client, &life, request).await }
        });
        Client::new(service, namespace)
    }

    /// What goes wrong with this request.
    fn fault(&self, request: &Request<Body>) -> Option<Fault> {
        let mut state = self.state();
        if !state.armed || state.hit {
            return None;
        }
        let request = named(request.method(), request.uri())?;
        let count = state.seen.entry(request.clone()).or_default();
        let nth = *count;
        *count += 1;
        let point = Point { request, nth };
        let at = state.at.as_ref().filter(|(at, _)| *at == point);
        let fault = at.map(|(_, fault)| *fault);
        state.hit = fault.is_some();
        state.points.push(point);
        fault
    }

    fn fall_behind(&self) {
        let mut state = self.state();
        state.behind = BEHIND;
        state.held.set(true);
    }

    /// The operator asks for a change.
    fn count_behind(&self) {
        let mut state = self.state();
        state.behind = state.behind.saturating_sub(1);
        if state.behind == 0 {
            state.held.set(false);
        }
    }

    async fn pass(
        &self,
        client: Client,
        life: &Life,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        if life.ended() {
            return pending().await;
        }
        let changes = *request.method() != Method::GET;
        let _change = changes.then(|| Change::begin(self));
        let awaited = changes && !request.uri().path().contains("/events");
        let late = awaited.then(|| self.state().late.take()).flatten();
        if let Some(late) = late {
            let (head, body) = late.into_parts();
            whole(&client, Request::from_parts(head, Body::from(body))).await?;
        }
        if awaited {
            self.count_behind();
        }
        match self.fault(&request) {
            None if is_watch(&request) => {
                let held = self.state().held.clone();
                when_told(client.send(request).await?, held).await
            }
            None => {
                let answer = client.send(request).await?;
                if awaited && answer.status() == http::StatusCode::CONFLICT {
                    self.state().outdated += 1;
                }
                Ok(answer)
            }
            Some(Fault::DiesBefore) => life.die().await,
            Some(Fault::DiesAfter) => {
                whole(&client, request).await?;
                life.die().await
            }
            Some(Fault::DiesHalfWay) => {
                half(whole(&client, request).await?, Some(life.clone())).await
            }
            Some(Fault::AnswerCut) => half(whole(&client, request).await?, None).await,
            Some(Fault::AnswerLost) => {
                whole(&client, request).await?;
                Err("the connection broke before the answer".into())
            }
            Some(Fault::Behind) => {
                self.fall_behind();
                whole(&client, request).await?;
                Err("the connection broke before the answer".into())
            }
            Some(Fault::Dropped) => Err("the connection broke before the request".into()),
            Some(Fault::Late) => {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await?.to_vec();
                self.state().late = Some(Request::from_parts(head, body));
                pending().await
            }
            Some(Fault::Conflict) if *request.method() == Method::POST => {
                refused(409, "AlreadyExists")
            }
            Some(Fault::Conflict) => refused(409, "Conflict"),
            Some(Fault::Throttled) => refused(429, "TooManyRequests"),
            Some(Fault::ServerError) => refused(500, "InternalError"),
        }
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| pair == "watch=true")
}

/// A change on its way. It ends also where the operator dies and it is dropped.
struct Change<'w>(&'w Wire);

impl<'w> Change<'w> {
    fn begin(wire: &'w Wire) -> Self {
        wire.state().changes += 1;
        Self(wire)
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.state().changes += 1;
    }
}

/// Sends it and waits until the server has answered in full.
async fn whole(client: &Client, request: Request<Body>) -> Result<Response<Vec<u8>>, BoxError> {
    let (head, body) = client.send(request).await?.into_parts();
    let body = body.collect_bytes().await?.to_vec();
    Ok(Response::from_parts(head, body))
}

/// The first half of an answer. Whoever reads on dies, if it is given whose life that is; else the connection breaks.
async fn half(answer: Response<Vec<u8>>, reader: Option<Life>) -> Result<Response<Body>, BoxError> {
    let (head, body) = answer.into_parts();
    let half = body[..body.len() / 2].to_vec();
    let rest = stream::once(async move {
        match reader {
            Some(life) => life.die().await,
            None => Err(BoxError::from("the connection broke in mid-answer")),
        }
    });
    let begun = stream::once(async move { Ok(Frame::data(half.into())) });
    Ok(Response::from_parts(
        head,
        body_of(begun.chain(rest)).await?,
    ))
}

/// The answer to a watch, which says nothing while it is held back.
async fn when_told(answer: Response<Body>, held: Held) -> Result<Response<Body>, BoxError> {
    let (parts, body) = answer.into_parts();
    let told = BodyStream::new(body).then(move |frame| {
        let held = held.clone();
        async move {
            held.over().await;
            frame.map_err(BoxError::from)
        }
    });
    Ok(Response::from_parts(parts, body_of(told).await?))
}

type Part = Result<Frame<<Body as http_body::Body>::Data>, BoxError>;
type Parts = Pin<Box<dyn Stream<Item = Part> + Send>>;

/// A client wraps whatever body it is answered with; there is no other public way to make one.
async fn body_of(parts: impl Stream<Item = Part> + Send + 'static) -> Result<Body, BoxError> {
    let mut parts: Option<Parts> = Some(Box::pin(parts));
    let wrapper = tower::service_fn(move |_: Request<Body>| {
        let parts = parts.take().expect("one request");
        async move { Ok::<_, BoxError>(Response::new(StreamBody::new(parts))) }
    });
    let wrapper = Client::new(wrapper, "default");
    Ok(wrapper.send(Request::new(Body::empty())).await?.into_body())
}

/// What an API server says in this case.
fn refused(code: u16, reason: &str) -> Result<Response<Body>, BoxError> {
    let status = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "injected",
        "reason": reason,
        "code": code,
    });
    let mut answer = Response::builder().status(code);
    if code == 429 {
        answer = answer.header("Retry-After", 1);
    }
    Ok(answer.body(Body::from(status.to_string().into_bytes()))?)
}
