//! Hints.

use std::collections::BTreeSet;

use futures::StreamExt;
use kube::ResourceExt;

use super::fixture::{cluster, node, with_summary};
use super::{Bed, PATIENCE, Verdict, ensure, ok};
use crate::key::ObjectKey;
use crate::port::Store;
use crate::secret::SecretObject;

/// Reads hints until all of these came.
async fn hinted<S: Store>(hints: &mut S::Hints, what: &str, keys: &[&ObjectKey]) -> Verdict {
    let mut missing: BTreeSet<ObjectKey> = keys.iter().map(|key| (*key).clone()).collect();
    let wait = async {
        while !missing.is_empty() {
            match hints.next().await {
                Some(key) => missing.remove(&key),
                None => return Err(format!("{what}: the stream ended")),
            };
        }
        Ok(())
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| Err(format!("{what}: no hint of {missing:?}")))
}

pub(super) async fn all_that_is_there_comes_first<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let other = key.sibling("other");
    ok!(bed.apply(cluster(key)).await);
    ok!(bed.apply(cluster(&other)).await);
    let mut hints = bed.store().watch();
    hinted::<B::Store>(&mut hints, "at the start", &[key, &other]).await
}

pub(super) async fn every_kind_of_change_is_hinted<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let store = bed.store();
    let mut hints = store.watch();
    let mut second = store.watch();
    let made = ok!(bed.apply(cluster(key)).await);
    hinted::<B::Store>(&mut hints, "a new cluster", &[key]).await?;
    ok!(store
        .replace_cluster_status(&with_summary(&made, "one"))
        .await);
    hinted::<B::Store>(&mut hints, "a status", &[key]).await?;
    let record = ok!(store.create_node(node(key, "w1")).await);
    hinted::<B::Store>(&mut hints, "a record", &[key]).await?;
    ok!(bed
        .annotate_node(&ObjectKey::of(&*record), "openvidu.io/drain", "maintenance")
        .await);
    hinted::<B::Store>(&mut hints, "an annotation", &[key]).await?;
    ok!(store
        .create_secret(SecretObject::named(&key.sibling("openvidu")))
        .await);
    hinted::<B::Store>(&mut hints, "a Secret", &[key]).await?;
    ok!(store.delete_node(&ObjectKey::of(&*record)).await);
    hinted::<B::Store>(&mut hints, "a record that goes", &[key]).await?;
    ok!(bed.delete_cluster(key).await);
    hinted::<B::Store>(&mut hints, "a cluster that goes", &[key]).await?;
    // A listener that never listened has merged them all, and is told still.
    hinted::<B::Store>(&mut second, "the slow listener", &[key]).await?;
    ensure!(made.uid().is_some(), "no uid");
    Ok(())
}
