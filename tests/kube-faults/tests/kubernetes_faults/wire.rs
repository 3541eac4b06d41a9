//! Between a store and its client: names the requests, and lets one go wrong.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::{StreamExt, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
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
    life: Life,
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
        match self.fault(&request) {
            None => Ok(client.send(request).await?),
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
    // A client wraps whatever body it is answered with; there is no other public way to make one.
    let wrapper = tower::service_fn(move |_: Request<Body>| {
        let (half, reader) = (half.clone(), reader.clone());
        let rest = stream::once(async move {
            match reader {
                Some(life) => life.die().await,
                None => Err(BoxError::from("the connection broke in mid-answer")),
            }
        });
        let begun = stream::once(async move { Ok(Frame::data(half.into())) });
        let body = StreamBody::new(begun.chain(rest).boxed());
        async move { Ok::<_, BoxError>(Response::new(body)) }
    });
    let wrapper = Client::new(wrapper, "default");
    let whole = wrapper.send(Request::new(Body::empty())).await?;
    Ok(Response::from_parts(head, whole.into_body()))
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
