//! A Secret that somebody else changes.

use std::time::Duration;

use futures::StreamExt;
use ovo_store::kubernetes::{AlwaysOpen, KubernetesOptions, KubernetesStore, SecretAccess};
use ovo_store::{Freshness, ObjectKey, Store};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::cases::{cases, manifest, run};
use crate::server::{PATIENCE, Server, options, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation() {
    let server = Server::start().await;
    let cases = cases![
        with_a_watch_it_is_hinted_and_read,
        without_a_watch_age_brings_it,
    ];
    run(&server, cases).await;
}

fn secret(key: &ObjectKey, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": key.namespace, "name": "license"},
        "stringData": {"license": value},
    })
}

async fn cached(store: &KubernetesStore, key: &ObjectKey) -> Option<String> {
    let secret = store
        .secret(&key.sibling("license"), Freshness::Cached)
        .await
        .unwrap()?;
    secret
        .text("license")
        .map(|text| text.expose_secret().to_owned())
}

async fn with_a_watch_it_is_hinted_and_read(server: Server, key: ObjectKey) {
    let options = KubernetesOptions {
        secrets: SecretAccess::Watch,
        secret_max_age: Duration::from_hours(1),
        ..options()
    };
    let (store, wire) = server.store_with(options, AlwaysOpen).await;
    server.create(manifest(&key)).await;
    until("the watches are complete", async || {
        store.health().check().is_ok()
    })
    .await;
    until("the cluster is known", async || {
        store.clusters().await.unwrap().contains(&key)
    })
    .await;
    let mut hints = store.watch();
    assert_eq!(cached(&store, &key).await, None);
    let steps = [
        ("create", Some("one")),
        ("replace", Some("two")),
        ("delete", None),
    ];
    for (verb, value) in steps {
        while let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(300), hints.next()).await
        {
        }
        server
            .kubectl(
                &[verb, "-f", "-"],
                Some(secret(&key, value.unwrap_or_default())),
            )
            .await;
        let hinted = async { while hints.next().await.unwrap() != key {} };
        tokio::time::timeout(PATIENCE, hinted).await.expect(verb);
        until(verb, async || {
            cached(&store, &key).await.as_deref() == value
        })
        .await;
    }
    // What has not changed is not asked for again.
    server.create(secret(&key, "three")).await;
    until("the third", async || {
        cached(&store, &key).await.as_deref() == Some("three")
    })
    .await;
    wire.calls();
    for _ in 0..10 {
        assert_eq!(cached(&store, &key).await.as_deref(), Some("three"));
    }
    assert_eq!(wire.calls(), Vec::<String>::new());
}

async fn without_a_watch_age_brings_it(server: Server, key: ObjectKey) {
    let options = KubernetesOptions {
        secret_max_age: Duration::from_secs(2),
        ..options()
    };
    let (store, wire) = server.store_with(options, AlwaysOpen).await;
    server.create(secret(&key, "one")).await;
    wire.calls();
    for _ in 0..3 {
        assert_eq!(cached(&store, &key).await.as_deref(), Some("one"));
    }
    assert_eq!(wire.calls().len(), 1, "asked for though it was young");
    server
        .kubectl(&["replace", "-f", "-"], Some(secret(&key, "two")))
        .await;
    until("it is noticed", async || {
        cached(&store, &key).await.as_deref() == Some("two")
    })
    .await;
    let live = store
        .secret(&key.sibling("license"), Freshness::Live)
        .await
        .unwrap();
    assert!(live.is_some());
}
