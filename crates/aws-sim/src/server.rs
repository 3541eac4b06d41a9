//! The port: HTTP/1.1 on loopback, in a thread of its own, so that any test can use it, with a runtime or without.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::dispatch::{Reply, State};

type Body = BoxBody<Bytes, io::Error>;

/// The port while it is open.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(state: Arc<Mutex<State>>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("aws-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, state) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Nothing to tell a test that is at its end.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<Mutex<State>>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| serve(state.clone(), request));
            // An end of the connection is what the test asked for, or the client's own.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn serve(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let authorization = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = request
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    // A handler that panicked has told why; what others ask is answered all the same.
    let reply = state
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .answer(authorization.as_deref(), &body);
    let lost = || io::Error::new(io::ErrorKind::ConnectionReset, "the test's switch");
    let (status, id, length, body) = match reply {
        Reply::Nothing => return Err(lost()),
        Reply::Whole(status, id, body) => {
            let length = body.len();
            let body = Full::new(Bytes::from(body)).map_err(never).boxed();
            (status, id, length, body)
        }
        Reply::Half(status, id, body) => {
            let half = Bytes::from(body[..body.len() / 2].to_owned());
            let parts = stream::iter([Ok(Frame::data(half)), Err(lost())]);
            (status, id, body.len(), StreamBody::new(parts).boxed())
        }
    };
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/xml")
        .header(CONTENT_LENGTH, length)
        .header("x-amzn-requestid", id)
        .body(body)
        .map_err(io::Error::other)
}

fn never(never: Infallible) -> io::Error {
    match never {}
}
