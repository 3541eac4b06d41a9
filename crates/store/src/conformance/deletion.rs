//! Deletion and finalizers.

use kube::ResourceExt;

use super::fixture::{FINALIZER, cluster, node, owned_by, with_summary};
use super::{Bed, Verdict, ensure, ensure_eq, eventually, ok, refused};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};

pub(super) async fn without_finalizers_a_record_goes_at_once<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let made = ok!(bed.store().create_node(node(key, "w1")).await);
    let name = ObjectKey::of(&*made);
    ok!(bed.store().delete_node(&name).await);
    ensure_eq!(
        ok!(bed.store().nodes(key, Freshness::Live).await),
        vec![],
        "records"
    );
    refused!(
        bed.store().delete_node(&name).await,
        StoreError::NotFound(_)
    );
    Ok(())
}

pub(super) async fn finalizers_hold_a_record<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let mut held = node(key, "w1");
    held.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    let made = ok!(store.create_node(held).await);
    let name = ObjectKey::of(&*made);
    ok!(store.delete_node(&name).await);
    ok!(store.delete_node(&name).await);

    let read = ok!(store.nodes(key, Freshness::Live).await);
    let read = ok!(read
        .first()
        .ok_or("the record went though a finalizer holds it"));
    ensure!(
        read.metadata.deletion_timestamp.is_some(),
        "no deletionTimestamp"
    );
    ensure_eq!(read.metadata.generation, Some(2), "generation");
    let version = read.resource_version().unwrap_or_default();
    let more = vec![FINALIZER.to_owned(), "openvidu.io/another".to_owned()];
    refused!(
        store.set_node_finalizers(&name, &version, more).await,
        StoreError::Invalid { .. }
    );
    let mut request = ovo_api::OpenViduNode::clone(read);
    "going".clone_into(&mut request.status.get_or_insert_default().reason);
    let read = ok!(store.replace_node_status(&request).await);
    let version = read.resource_version().unwrap_or_default();
    ok!(store.set_node_finalizers(&name, &version, Vec::new()).await);
    ensure_eq!(
        ok!(store.nodes(key, Freshness::Live).await),
        vec![],
        "records"
    );
    Ok(())
}

pub(super) async fn finalizers_hold_a_cluster<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let version = made.resource_version().unwrap_or_default();
    let held = ok!(store
        .set_cluster_finalizers(key, &version, vec![FINALIZER.to_owned()])
        .await);
    ensure_eq!(
        held.metadata.generation,
        Some(1),
        "generation with a finalizer"
    );
    ok!(bed.delete_cluster(key).await);

    let read = ok!(store.cluster(key, Freshness::Live).await);
    let read = ok!(read.ok_or("the cluster went though a finalizer holds it"));
    ensure!(
        read.metadata.deletion_timestamp.is_some(),
        "no deletionTimestamp"
    );
    ensure_eq!(read.metadata.generation, Some(2), "generation when deleted");
    let read = ok!(store
        .replace_cluster_status(&with_summary(&read, "going"))
        .await);
    let version = read.resource_version().unwrap_or_default();
    ok!(store
        .set_cluster_finalizers(key, &version, Vec::new())
        .await);
    ensure!(
        ok!(store.cluster(key, Freshness::Live).await).is_none(),
        "the cluster stayed without a finalizer"
    );
    ensure!(
        !ok!(store.clusters().await).contains(key),
        "it is still among the clusters"
    );
    Ok(())
}

pub(super) async fn what_a_cluster_owns_goes_with_it<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let mut record = node(key, "w1");
    record.metadata.owner_references = Some(vec![owned_by(&made)]);
    ok!(store.create_node(record).await);
    let mut secret = crate::SecretObject::named(&key.sibling("demo-credentials"));
    secret.metadata.owner_references = Some(vec![owned_by(&made)]);
    ok!(store.create_secret(secret).await);
    let stays = crate::SecretObject::named(&key.sibling("openvidu"));
    ok!(store.create_secret(stays).await);

    ok!(bed.delete_cluster(key).await);
    eventually("what it owns goes", || async {
        let nodes = store.nodes(key, Freshness::Live).await;
        let secret = store
            .secret(&key.sibling("demo-credentials"), Freshness::Live)
            .await;
        nodes.is_ok_and(|nodes| nodes.is_empty()) && secret.is_ok_and(|secret| secret.is_none())
    })
    .await?;
    let kept = ok!(store
        .secret(&key.sibling("openvidu"), Freshness::Live)
        .await);
    ensure!(kept.is_some(), "a Secret that it does not own went too");
    Ok(())
}

pub(super) async fn a_new_object_under_an_old_name_is_another_one<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    let first = ok!(bed.apply(cluster(key)).await);
    ok!(bed.delete_cluster(key).await);
    let second = ok!(bed.apply(cluster(key)).await);
    ensure!(
        first.uid() != second.uid(),
        "the same uid: {:?}",
        first.uid()
    );
    ensure_eq!(second.metadata.generation, Some(1), "generation");
    let old = bed
        .store()
        .replace_cluster_status(&with_summary(&first, "old"))
        .await;
    refused!(old, StoreError::Conflict { .. });
    Ok(())
}
