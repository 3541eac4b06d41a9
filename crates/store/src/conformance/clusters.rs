//! Writes to clusters through the port.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::fixture::{FINALIZER, cluster, with_summary};
use super::{Bed, Verdict, ensure, ensure_eq, ok, refused};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};

/// How many writers race, and how often each writes.
const WRITERS: usize = 4;
const ROUNDS: usize = 5;

pub(super) async fn a_status_write_changes_nothing_else<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let mut request = with_summary(&made, "all is well");
    request.spec.paused = Some(true);
    request.metadata.labels = Some(BTreeMap::from([("smuggled".to_owned(), "in".to_owned())]));
    request.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    request.metadata.generation = Some(99);
    let written = ok!(bed.store().replace_cluster_status(&request).await);
    ensure_eq!(written.spec, made.spec, "spec");
    ensure_eq!(written.metadata.generation, Some(1), "generation");
    ensure_eq!(written.metadata.labels, made.metadata.labels, "labels");
    ensure_eq!(
        written.metadata.finalizers,
        made.metadata.finalizers,
        "finalizers"
    );
    ensure_eq!(written.status, request.status, "status");
    ensure!(
        written.resource_version() != made.resource_version(),
        "the version stayed"
    );
    for freshness in [Freshness::Cached, Freshness::Live] {
        let read = ok!(bed.store().cluster(key, freshness).await);
        ensure_eq!(
            read.as_ref(),
            Some(&written),
            format!("what is read {freshness:?}")
        );
    }
    Ok(())
}

pub(super) async fn the_same_status_again_is_no_write<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let first = ok!(store
        .replace_cluster_status(&with_summary(&made, "one"))
        .await);
    let second = ok!(store
        .replace_cluster_status(&with_summary(&first, "one"))
        .await);
    ensure_eq!(
        second.resource_version(),
        first.resource_version(),
        "resourceVersion"
    );
    Ok(())
}

pub(super) async fn an_old_version_is_a_conflict<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let current = ok!(store
        .replace_cluster_status(&with_summary(&made, "one"))
        .await);
    let stale = with_summary(&made, "two");
    refused!(
        store.replace_cluster_status(&stale).await,
        StoreError::Conflict { .. }
    );
    let mut blind = with_summary(&made, "three");
    blind.metadata.resource_version = None;
    refused!(
        store.replace_cluster_status(&blind).await,
        StoreError::Conflict { .. }
    );
    let old = made.resource_version().unwrap_or_default();
    let adopted = store
        .adopt_cluster(key, &old, FINALIZER, "example.com/a", "b")
        .await;
    refused!(adopted, StoreError::Conflict { .. });
    let finalizers = vec![FINALIZER.to_owned()];
    refused!(
        store.set_cluster_finalizers(key, &old, finalizers).await,
        StoreError::Conflict { .. }
    );
    let read = ok!(store.cluster(key, Freshness::Live).await);
    ensure_eq!(read, Some(current), "what is stored after the conflicts");
    Ok(())
}

pub(super) async fn a_missing_cluster_is_not_found<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let absent = key.sibling("absent");
    let mut request = with_summary(&made, "one");
    request.metadata.name = Some(absent.name.clone());
    refused!(
        store.replace_cluster_status(&request).await,
        StoreError::NotFound(_)
    );
    refused!(
        store
            .adopt_cluster(&absent, "1", FINALIZER, "example.com/a", "b")
            .await,
        StoreError::NotFound(_)
    );
    let read = ok!(store.cluster(&absent, Freshness::Cached).await);
    ensure!(read.is_none(), "a cluster that nobody made is there");
    Ok(())
}

pub(super) async fn a_cluster_is_adopted_once<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let version = made.resource_version().unwrap_or_default();
    let name = "openvidu.io/infrastructure-id";
    let store = bed.store();
    let theirs = "example.com/theirs".to_owned();
    let made = ok!(store
        .set_cluster_finalizers(key, &version, vec![theirs.clone()])
        .await);
    let version = made.resource_version().unwrap_or_default();
    let first = ok!(store
        .adopt_cluster(key, &version, FINALIZER, name, "abcd1234")
        .await);
    ensure_eq!(
        first.annotations().get(name).map(String::as_str),
        Some("abcd1234"),
        "annotation"
    );
    ensure_eq!(
        first.finalizers(),
        [theirs, FINALIZER.to_owned()],
        "finalizers"
    );
    ensure_eq!(first.metadata.generation, Some(1), "generation");
    let version = first.resource_version().unwrap_or_default();
    let again = ok!(store
        .adopt_cluster(key, &version, FINALIZER, name, "abcd1234")
        .await);
    ensure_eq!(
        again.resource_version(),
        first.resource_version(),
        "resourceVersion"
    );
    // Whoever runs this on one server for all cases wants it gone in the end.
    let version = again.resource_version().unwrap_or_default();
    ok!(store
        .set_cluster_finalizers(key, &version, Vec::new())
        .await);
    Ok(())
}

pub(super) async fn racing_writers_lose_nothing<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let writers = (0..WRITERS).map(|_| async {
        let mut conflicts = 0;
        for _ in 0..ROUNDS {
            while !ok!(count_up(bed.store(), key).await) {
                conflicts += 1;
            }
        }
        Ok::<usize, String>(conflicts)
    });
    ok!(futures::future::try_join_all(writers).await);
    let read = ok!(bed.store().cluster(key, Freshness::Live).await);
    let summary = read
        .and_then(|cluster| cluster.status.clone())
        .map(|status| status.summary);
    ensure_eq!(summary, Some((WRITERS * ROUNDS).to_string()), "the count");
    Ok(())
}

/// Adds one to the number in the summary; `false` after a conflict.
async fn count_up<S: Store>(store: &S, key: &ObjectKey) -> Result<bool, StoreError> {
    let Some(read) = store.cluster(key, Freshness::Live).await? else {
        return Err(StoreError::NotFound(key.to_string()));
    };
    let count = read
        .status
        .as_ref()
        .and_then(|status| status.summary.parse::<usize>().ok())
        .unwrap_or(0);
    let request = with_summary(&read, &(count + 1).to_string());
    // Another writer may come in between here.
    tokio::task::yield_now().await;
    match store.replace_cluster_status(&request).await {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

pub(super) async fn reads_never_lag_behind_own_writes<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let mut last = ok!(bed.apply(cluster(key)).await);
    for round in 0..20 {
        let request = with_summary(&last, &format!("round {round}"));
        last = ok!(bed.store().replace_cluster_status(&request).await);
        let read = ok!(bed.store().cluster(key, Freshness::Cached).await);
        ensure_eq!(
            read,
            Some(last.clone()),
            format!("the cached read of round {round}")
        );
    }
    Ok(())
}
