//! Between the store and its client: counts what goes over the wire, and breaks it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::StreamExt;
use http::{Method, Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tower::BoxError;

/// What is to be done to the requests that it is for.
#[derive(Clone)]
pub enum Fault {
    /// The server never sees it, and no answer comes.
    Lose,
    /// The server does it, and no answer comes.
    LoseAnswer,
    /// This is answered in the server's place: status, `Retry-After` in seconds, body.
    Answer(u16, Option<u32>, String),
}

/// A wire. Clones are the same one.
#[derive(Clone)]
pub struct Wire {
    shared: Arc<Shared>,
}

struct Shared {
    sent: Mutex<Vec<(Method, Uri)>>,
    faults: Mutex<Vec<(For, Fault)>>,
    watches: watch::Sender<Watches>,
    /// Whether the answers to lists of a watch are held back, and how many are.
    lists: watch::Sender<bool>,
    lists_held: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// What becomes of watches that were begun or will be.
#[derive(Clone, Copy, Default)]
struct Watches {
    /// What comes is held back.
    held: bool,
    /// Those that were begun before this many restarts are silent for ever: their connection is dead.
    dead: usize,
    /// Those that were begun before this many restarts end with 410.
    expired: usize,
    /// Those that were begun before this many restarts end.
    closed: usize,
    /// How many restarts there have been.
    now: usize,
}

type For = Arc<dyn Fn(&Method, &Uri) -> bool + Send + Sync>;

const GONE: &str = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}"#;

impl Default for Wire {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                sent: Mutex::default(),
                faults: Mutex::default(),
                watches: watch::Sender::new(Watches::default()),
                lists: watch::Sender::new(false),
                lists_held: AtomicUsize::new(0),
                open: AtomicUsize::new(0),
                most_open: AtomicUsize::new(0),
            }),
        }
    }
}

// === impl Wire ===

impl Wire {
    /// The client with this wire in front.
    pub fn client(&self, client: Client) -> Client {
        let (wire, namespace) = (self.clone(), client.default_namespace().to_owned());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (wire, client) = (wire.clone(), client.clone());
            async move { wire.pass(client, request).await }
        });
        Client::new(service, namespace)
    }

    async fn pass(
        &self,
        client: Client,
        request: Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let fault = {
            let faults = lock(&self.shared.faults);
            let hit = faults.iter().find(|(hits, _)| hits(&method, &uri));
            hit.map(|(_, fault)| fault.clone())
        };
        lock(&self.shared.sent).push((method, uri.clone()));
        match fault {
            None => {}
            Some(Fault::Lose) => return std::future::pending().await,
            Some(Fault::LoseAnswer) => {
                client
                    .send(request)
                    .await?
                    .into_body()
                    .collect_bytes()
                    .await?;
                return std::future::pending().await;
            }
            Some(Fault::Answer(status, retry_after, body)) => {
                let mut answer = Response::builder().status(status);
                if let Some(seconds) = retry_after {
                    answer = answer.header("Retry-After", seconds);
                }
                return Ok(answer.body(Body::from(body.into_bytes()))?);
            }
        }
        if is_watch(&uri) {
            return self.watched(client.send(request).await?).await;
        }
        let open = self.shared.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.most_open.fetch_max(open, Ordering::Relaxed);
        let answer = client.send(request).await;
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        if is_list_of_a_watch(&uri) {
            let mut held = self.shared.lists.subscribe();
            self.shared.lists_held.fetch_add(1, Ordering::Relaxed);
            held.wait_for(|held| !held).await?;
            self.shared.lists_held.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(answer?)
    }

    /// A watch whose pieces come when they may.
    async fn watched(&self, answer: Response<Body>) -> Result<Response<Body>, BoxError> {
        let watches = self.shared.watches.subscribe();
        let born = watches.borrow().now;
        let (head, body) = answer.into_parts();
        let frames = futures::stream::unfold(Some((body, watches)), move |state| async move {
            let (mut body, mut watches) = state?;
            let over = |watches: &Watches| born < watches.expired || born < watches.closed;
            let frame = tokio::select! {
                frame = body.frame() => frame?,
                over = watches.wait_for(over) => {
                    let expired = over.is_ok_and(|watches| born < watches.expired);
                    return expired.then(|| (Ok(Frame::data(format!("{GONE}\n").into())), None));
                }
            };
            let _ = watches
                .wait_for(|watches| !watches.held && born >= watches.dead)
                .await;
            Some((frame, Some((body, watches))))
        });
        // A client wraps whatever body it is given.
        let body = Mutex::new(Some(StreamBody::new(frames.boxed())));
        let wrapper = tower::service_fn(move |_: Request<Body>| {
            let body = lock(&body).take().unwrap();
            async move { Ok::<_, BoxError>(Response::new(body)) }
        });
        let wrapper = Client::new(wrapper, "default");
        let answer = wrapper.send(Request::new(Body::empty())).await?;
        Ok(Response::from_parts(head, answer.into_body()))
    }

    /// From now on this happens to the requests that it is for.
    pub fn fault(
        &self,
        fault: Fault,
        hits: impl Fn(&Method, &Uri) -> bool + Send + Sync + 'static,
    ) {
        lock(&self.shared.faults).push((Arc::new(hits), fault));
    }

    /// No fault any more.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Holds back what comes on watches that were begun or will be, or lets it through.
    pub fn hold_watches(&self, hold: bool) {
        self.shared
            .watches
            .send_modify(|watches| watches.held = hold);
    }

    /// The connections of all watches die in silence. Those that are begun from now on are sound.
    pub fn kill_watches(&self) {
        self.shared.watches.send_modify(|watches| {
            watches.now += 1;
            watches.dead = watches.now;
        });
    }

    /// All watches end, as when their time is over. Those that are begun from now on are sound.
    pub fn close_watches(&self) {
        self.shared.watches.send_modify(|watches| {
            watches.now += 1;
            watches.closed = watches.now;
        });
    }

    /// All watches end with 410. Those that are begun from now on are sound.
    pub fn expire_watches(&self) {
        self.shared.watches.send_modify(|watches| {
            watches.now += 1;
            watches.expired = watches.now;
        });
    }

    /// Holds back the answers to lists that a watch begins with, or lets them through.
    pub fn hold_lists(&self, hold: bool) {
        self.shared.lists.send_replace(hold);
    }

    /// How many such answers are held back.
    pub fn held_lists(&self) -> usize {
        self.shared.lists_held.load(Ordering::Relaxed)
    }

    /// What was sent and is no watch and no list of one, oldest first; all that was sent is forgotten.
    pub fn calls(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *lock(&self.shared.sent));
        sent.into_iter()
            .filter(|(_, uri)| !is_watch(uri) && !is_list_of_a_watch(uri))
            .map(|(method, uri)| format!("{method} {}", uri.path()))
            .collect()
    }

    /// How often a list of a watch was asked for, since [`Wire::calls`] was asked last.
    pub fn lists(&self, plural: &str) -> usize {
        let sent = lock(&self.shared.sent);
        let hits = |uri: &Uri| is_list_of_a_watch(uri) && uri.path().ends_with(plural);
        sent.iter().filter(|(_, uri)| hits(uri)).count()
    }

    /// How often a watch was tried, since [`Wire::calls`] was asked last.
    pub fn tries(&self) -> usize {
        let sent = lock(&self.shared.sent);
        sent.iter().filter(|(_, uri)| is_watch(uri)).count()
    }

    /// The most calls that were open at once, watches apart.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::Relaxed)
    }
}

/// Any change.
pub fn changes(method: &Method, _uri: &Uri) -> bool {
    method != Method::GET
}

pub fn is_watch(uri: &Uri) -> bool {
    uri.query()
        .is_some_and(|query| query.contains("watch=true"))
}

/// Only those ask for pages.
fn is_list_of_a_watch(uri: &Uri) -> bool {
    !is_watch(uri) && uri.query().is_some_and(|query| query.contains("limit="))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
