//! Node records.

use kube::ResourceExt;
use ovo_api::node::{NODE_FORMAT_VERSION, NodePhase};

use super::fixture::{cluster, node};
use super::{Bed, Verdict, ensure, ensure_eq, ok, refused};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};

pub(super) async fn a_record_is_made_with_its_status<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let made = ok!(bed.store().create_node(node(key, "w1")).await);
    ensure_eq!(made.status, node(key, "w1").status, "status");
    ensure_eq!(made.metadata.generation, Some(1), "generation");
    ensure!(made.uid().is_some(), "no uid");
    let again = bed.store().create_node(node(key, "w1")).await;
    refused!(again, StoreError::AlreadyExists(_));
    for freshness in [Freshness::Cached, Freshness::Live] {
        let read = ok!(bed.store().nodes(key, freshness).await);
        ensure_eq!(
            read,
            vec![made.clone()],
            format!("what is read {freshness:?}")
        );
    }
    Ok(())
}

pub(super) async fn records_are_listed_by_cluster<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    // The name of one begins with the name of the other.
    let other = key.sibling("demo-w1");
    for cluster_key in [key, &other] {
        ok!(bed.apply(cluster(cluster_key)).await);
        for machine in ["w2", "w1"] {
            ok!(bed.store().create_node(node(cluster_key, machine)).await);
        }
    }
    let names = |nodes: Vec<std::sync::Arc<ovo_api::OpenViduNode>>| {
        nodes.iter().map(|node| node.name_any()).collect::<Vec<_>>()
    };
    let read = ok!(bed.store().nodes(key, Freshness::Live).await);
    ensure_eq!(names(read), ["demo-w1", "demo-w2"], "records of demo");
    let read = ok!(bed.store().nodes(&other, Freshness::Cached).await);
    ensure_eq!(
        names(read),
        ["demo-w1-w1", "demo-w1-w2"],
        "records of demo-w1"
    );
    Ok(())
}

pub(super) async fn bad_records_are_refused<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let mut odd = node(key, "w1");
    odd.metadata.name = Some("Demo W1".to_owned());
    refused!(
        bed.store().create_node(odd).await,
        StoreError::Invalid { .. }
    );
    let mut misnamed = node(key, "w1");
    misnamed.metadata.name = Some("another".to_owned());
    refused!(
        bed.store().create_node(misnamed).await,
        StoreError::Invalid { .. }
    );
    let absent = bed.store().replace_node_status(&node(key, "w9")).await;
    refused!(absent, StoreError::NotFound(_));
    ensure_eq!(
        ok!(bed.store().nodes(key, Freshness::Live).await),
        vec![],
        "records"
    );
    Ok(())
}

pub(super) async fn a_status_write_changes_nothing_else<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let made = ok!(store.create_node(node(key, "w1")).await);
    let mut request = ovo_api::OpenViduNode::clone(&made);
    "w7".clone_into(&mut request.spec.machine);
    request.metadata.finalizers = Some(vec![super::fixture::FINALIZER.to_owned()]);
    request.status.get_or_insert_default().phase = NodePhase::Draining;
    let written = ok!(store.replace_node_status(&request).await);
    ensure_eq!(written.spec, made.spec, "spec");
    ensure_eq!(written.metadata.finalizers, None, "finalizers");
    ensure_eq!(written.metadata.generation, Some(1), "generation");
    ensure_eq!(
        written.status.as_ref().map(|status| status.phase),
        Some(NodePhase::Draining),
        "phase"
    );
    refused!(
        store.replace_node_status(&request).await,
        StoreError::Conflict { .. }
    );
    let same = ok!(store.replace_node_status(&written).await);
    ensure_eq!(
        same.resource_version(),
        written.resource_version(),
        "version after no change"
    );
    Ok(())
}

pub(super) async fn a_newer_format_is_not_overwritten<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let mut newer = node(key, "w1");
    newer.status.get_or_insert_default().format_version = NODE_FORMAT_VERSION + 1;
    let made = ok!(bed.store().create_node(newer).await);
    let mut request = ovo_api::OpenViduNode::clone(&made);
    request.status = node(key, "w1").status;
    refused!(
        bed.store().replace_node_status(&request).await,
        StoreError::FormatTooNew { .. }
    );
    Ok(())
}

pub(super) async fn an_annotation_is_removed<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    ok!(bed.apply(cluster(key)).await);
    let store = bed.store();
    let made = ok!(store.create_node(node(key, "w1")).await);
    let name = ObjectKey::of(&*made);
    ok!(bed
        .annotate_node(&name, "openvidu.io/force", &name.name)
        .await);
    let old = made.resource_version().unwrap_or_default();
    refused!(
        store
            .remove_node_annotation(&name, &old, "openvidu.io/force")
            .await,
        StoreError::Conflict { .. }
    );
    let read = ok!(store.nodes(key, Freshness::Live).await);
    let read = ok!(read.first().ok_or("the record is gone"));
    ensure!(
        read.annotations().contains_key("openvidu.io/force"),
        "the annotation is not there"
    );
    let version = read.resource_version().unwrap_or_default();
    let bare = ok!(store
        .remove_node_annotation(&name, &version, "openvidu.io/force")
        .await);
    ensure!(
        bare.annotations().is_empty(),
        "annotations: {:?}",
        bare.annotations()
    );
    let version = bare.resource_version().unwrap_or_default();
    let again = ok!(store
        .remove_node_annotation(&name, &version, "openvidu.io/force")
        .await);
    ensure_eq!(
        again.resource_version(),
        bare.resource_version(),
        "version after no change"
    );
    Ok(())
}
