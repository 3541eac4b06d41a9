//! A process that writes to a durable store in a loop and tells what was acknowledged, for tests that kill it or
//! fill its disk. It serves the directory, in which a manifest of `video/demo` is. `store-writer DIR MIN_FREE_BYTES [until-full]`.
//!
//! Each line of its output is an acknowledged write: `cluster <resourceVersion> <count>`, `secret <resourceVersion>
//! <count>`, `node <resourceVersion> <machine>`. `full <what>` is a refusal.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use ovo_store::conformance::fixture;
use ovo_store::{
    Directory, Embedded, Freshness, ObjectKey, SecretObject, Store, StoreError, SystemClock,
};

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn version(meta: &kube::core::ObjectMeta) -> String {
    meta.resource_version.clone().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let min_free = arguments[2].parse().unwrap();
    let until_full = arguments.get(3).is_some();
    let directory = match Directory::open_with(&arguments[1], SystemClock, min_free) {
        Ok(directory) => directory,
        Err(error) => {
            say(&format!("refused {error}"));
            std::process::exit(1);
        }
    };
    let scan = directory.rescan().await;
    if let Some(problem) = scan.problems.first() {
        say(&format!("refused {problem}"));
        std::process::exit(1);
    }
    let store = directory.store();
    let outcome = if until_full {
        fill(store).await
    } else {
        count(store).await
    };
    if let Err(error) = outcome {
        say(&format!("failed {error}"));
        std::process::exit(1);
    }
}

/// Counts up in a cluster's status, in a Secret, and by node records, for ever.
async fn count(store: &Embedded) -> Result<(), StoreError> {
    let key = ObjectKey::new("video", "demo");
    let mut secret = SecretObject::named(&key.sibling("credentials"));
    secret.data.insert("count".to_owned(), "0".into());
    match store.create_secret(secret).await {
        Ok(_) | Err(StoreError::AlreadyExists(_)) => {}
        Err(error) => return Err(error),
    }
    loop {
        let cluster = store.cluster(&key, Freshness::Live).await?.unwrap();
        let mut next = ovo_api::OpenViduCluster::clone(&cluster);
        let status = next.status.get_or_insert_default();
        let count = status.summary.parse::<u64>().unwrap_or(0) + 1;
        status.summary = count.to_string();
        let written = store.replace_cluster_status(&next).await?;
        say(&format!("cluster {} {count}", version(&written.metadata)));

        let machine = format!("w{}", count % 7);
        let node = ObjectKey::new("video", format!("demo-{machine}"));
        match store.create_node(fixture::node(&key, &machine)).await {
            Ok(written) => say(&format!("node {} {machine}", version(&written.metadata))),
            Err(StoreError::AlreadyExists(_)) => {
                store.delete_node(&node).await?;
                say(&format!("gone 0 {machine}"));
            }
            Err(error) => return Err(error),
        }

        let secret = store
            .secret(&key.sibling("credentials"), Freshness::Live)
            .await?
            .unwrap();
        let mut next = SecretObject::clone(&secret);
        next.data
            .insert("count".to_owned(), count.to_string().as_str().into());
        let written = store.update_secret(&next).await?;
        say(&format!("secret {} {count}", version(&written.metadata)));
    }
}

/// Writes ever larger statuses until the disk is full, goes on reading, and writes again when there is room.
async fn fill(store: &Embedded) -> Result<(), StoreError> {
    let key = ObjectKey::new("video", "demo");
    let mut cluster = store.cluster(&key, Freshness::Live).await?.unwrap();
    let mut acknowledged = 0;
    let refusal = loop {
        let mut next = ovo_api::OpenViduCluster::clone(&cluster);
        next.status.get_or_insert_default().summary = acknowledged.to_string();
        let machine = format!("w{acknowledged}");
        let mut node = fixture::node(&key, &machine);
        node.status.get_or_insert_default().reason = "x".repeat(20_000);
        let written = match store.create_node(node).await {
            Ok(_) => store.replace_cluster_status(&next).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(written) => {
                cluster = written;
                acknowledged += 1;
                say(&format!("cluster {} {machine}", version(&cluster.metadata)));
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(refusal, StoreError::Full(_)), "{refusal:?}");
    say(&format!("full {refusal}"));
    // Again and again: a refusal must not wear anything out.
    for _ in 0..3 {
        let mut next = ovo_api::OpenViduCluster::clone(&cluster);
        next.status.get_or_insert_default().summary = "x".repeat(60_000);
        let again = store.replace_cluster_status(&next).await.unwrap_err();
        assert!(matches!(again, StoreError::Full(_)), "{again:?}");
        let read = store.cluster(&key, Freshness::Live).await?;
        assert_eq!(read.as_ref(), Some(&cluster), "reads go on");
    }
    let mut line = String::new();
    say("waiting");
    std::io::stdin().read_line(&mut line).unwrap();
    let mut next = ovo_api::OpenViduCluster::clone(&cluster);
    "room again".clone_into(&mut next.status.get_or_insert_default().summary);
    let written = store.replace_cluster_status(&next).await?;
    say(&format!("cluster {} again", version(&written.metadata)));
    Ok(())
}
