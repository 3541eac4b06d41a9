//! One request over one stream.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use ovo_model::{NodeName, ProviderError};
use ovo_provider::{Dial, Target};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::doors::{Door, PATIENCE};

/// More than any of these services says: metrics of LiveKit are about 100 KiB.
const LIMIT: usize = 4 << 20;

/// A task that ends with whoever waits for what it does.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a service on a node answers with code 200, whole and in time.
///
/// # Errors
/// [`ProviderError::Retryable`] with node, port and cause otherwise.
pub(crate) async fn get(
    dial: &dyn Dial,
    target: &Target,
    node: &NodeName,
    door: Door,
) -> Result<String, ProviderError> {
    let unread = |why: String| {
        let (name, port) = (door.container, door.port);
        ProviderError::Retryable(format!("{node}: {name} on port {port}: {why}"))
    };
    let asked = async {
        let stream = dial.dial(target, node, door.port).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|_| unread("it speaks no HTTP".to_owned()))?;
        let _driver = Driver::spawn(async move {
            // How the connection ended shows in the answer.
            let _ = connection.await;
        });
        let request = Request::get(door.path)
            .header(HOST, "127.0.0.1")
            .body(Empty::<Bytes>::new())
            .map_err(|_| unread("it cannot be asked".to_owned()))?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|_| unread("the connection broke before an answer in HTTP".to_owned()))?;
        let code = answer.status().as_u16();
        if code != 200 {
            return Err(unread(format!("it answers with code {code}, not 200")));
        }
        let body = Limited::new(answer.into_body(), LIMIT)
            .collect()
            .await
            .map_err(|_| unread(format!("its answer broke off, or is over {LIMIT} bytes")))?;
        String::from_utf8(body.to_bytes().to_vec())
            .map_err(|_| unread("its answer is no text".to_owned()))
    };
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(unread(format!(
            "no whole answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}
