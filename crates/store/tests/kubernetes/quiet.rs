//! A Secret's value is in no log, no error and no Debug output, whatever goes wrong with it.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, SecretAccess};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::server::{Server, WATCHER, options, until};
use crate::wire::{Fault, Wire};

/// The value, and the value as it is written into a Secret.
const CANARY: [&str; 2] = ["canary-8f1c2d", "Y2FuYXJ5LThmMWMyZA=="];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn secret(key: &ObjectKey) -> SecretObject {
    let mut secret = SecretObject::named(key);
    secret.data.insert("password".to_owned(), CANARY[0].into());
    secret
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_never_shown() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // Everything, of every crate.
    tracing_subscriber::registry().with(lines).init();

    let server = Server::start().await;
    let key = ObjectKey::new(server.namespace("quiet").await, "demo");
    let options = KubernetesOptions {
        secrets: SecretAccess::Watch,
        call_timeout: Duration::from_secs(2),
        ..options()
    };
    let (store, wire) = server.store_with(options.clone(), AlwaysOpen).await;
    // Applied on the client's side, the whole of it stands in an annotation, which is metadata and comes by the watch.
    let document = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": key.namespace, "name": "applied"},
        "data": {"password": CANARY[1]},
    });
    server.kubectl(&["apply", "-f", "-"], Some(document)).await;
    let mut shown = misfortunes(&store, &wire, &key).await;
    // A watch whose list is cut off, and one that brings nonsense.
    let client = wire.client(server.client(WATCHER).await);
    for body in [cut_off(), nonsense()] {
        wire.fault(Fault::Answer(200, None, body), |_, uri| {
            uri.path().ends_with("/secrets")
        });
        let store = KubernetesStore::start(client.clone(), &options, AlwaysOpen);
        until("the watch fails", async || {
            store
                .health()
                .watches()
                .iter()
                .any(|watch| watch.problem.is_some())
        })
        .await;
        shown.push(format!("{store:?} {:?}", store.health().check()));
        wire.heal();
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.len() > 1000, "nothing was logged: {log}");
    for text in shown.iter().chain([&log]) {
        for canary in CANARY {
            let at = text.find(canary);
            let around = at.map(|at| &text[at.saturating_sub(300)..at]);
            assert_eq!(around, None, "{canary} is shown after this");
        }
    }
}

/// All that can go wrong with a Secret, as Debug and Display show it.
async fn misfortunes(store: &KubernetesStore, wire: &Wire, key: &ObjectKey) -> Vec<String> {
    let mut shown = Vec::new();
    let mut show = |what: Result<Arc<SecretObject>, ovo_store::StoreError>| {
        if let Err(error) = &what {
            shown.push(error.to_string());
        }
        shown.push(format!("{what:?}"));
    };
    let applied = store
        .secret(&key.sibling("applied"), Freshness::Cached)
        .await;
    show(applied.map(Option::unwrap));
    let made = store.create_secret(secret(key)).await.unwrap();
    show(store.create_secret(secret(key)).await);
    let mut stale = SecretObject::clone(&made);
    stale.metadata.resource_version = Some("1".to_owned());
    show(store.update_secret(&stale).await);
    // Keys that no Secret may have, one of them the value itself by somebody's slip, and one too large.
    let mut bad = secret(&key.sibling("bad"));
    bad.data
        .insert("no key / at all".to_owned(), CANARY[0].into());
    show(store.create_secret(bad).await);
    let mut large = secret(&key.sibling("large"));
    large.data.insert(
        "large".to_owned(),
        CANARY[0].repeat(100_000).as_str().into(),
    );
    show(store.create_secret(large).await);
    let mut next = SecretObject::clone(&made);
    next.data.insert("more".to_owned(), CANARY[0].into());
    // What a server or something before it may say when it is ill.
    let echo = json!({"kind": "Status", "status": "Failure", "code": 400, "message": format!("bad: {}", CANARY[1])});
    for (code, body) in [
        (200, cut_off()),
        (200, nonsense()),
        (400, echo.to_string()),
        (422, echo.to_string()),
        (500, cut_off()),
        (502, cut_off()),
    ] {
        wire.fault(Fault::Answer(code, None, body), |_, uri| {
            uri.path().contains("/secrets/")
        });
        show(store.update_secret(&next).await);
        show(
            store
                .secret(key, Freshness::Live)
                .await
                .map(Option::unwrap_or_default),
        );
        wire.heal();
    }
    wire.fault(Fault::LoseAnswer, |_, uri| uri.path().contains("/secrets/"));
    show(store.update_secret(&next).await);
    wire.heal();
    show(
        store
            .secret(key, Freshness::Cached)
            .await
            .map(Option::unwrap),
    );
    shown
}

/// An answer that breaks off.
fn cut_off() -> String {
    let whole = nonsense();
    whole[..whole.len() - 5].to_owned()
}

/// An answer of another shape.
fn nonsense() -> String {
    let object: Value = json!({
        "kind": "Secret",
        "metadata": {"name": 7, "annotations": {"last": CANARY[1]}},
        "data": {"password": [CANARY[1]], "other": CANARY[0]},
    });
    json!({"kind": "SecretList", "metadata": {"resourceVersion": "1"}, "items": [object], "data": {"password": [CANARY[1]]}}).to_string()
}
