//! Specs: what people write.

use kube::ResourceExt;
use serde_json::json;

use super::fixture::{cluster, with, without};
use super::{Bed, Verdict, ensure, ensure_eq, ok, refused, within};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::{Freshness, Store};

pub(super) async fn the_server_sets_its_own_fields<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let mut document = cluster(key);
    document = with(document, "/metadata/labels", json!({"team": "video"}));
    document = with(document, "/status", json!({"summary": "made up"}));
    let made = ok!(bed.apply(document).await);
    ensure_eq!(ObjectKey::of(&*made), *key, "key");
    ensure_eq!(made.metadata.generation, Some(1), "generation");
    ensure!(
        made.uid().is_some_and(|uid| uid.len() == 36),
        "uid: {:?}",
        made.uid()
    );
    ensure!(made.resource_version().is_some(), "no resourceVersion");
    ensure!(made.creation_timestamp().is_some(), "no creationTimestamp");
    ensure_eq!(
        made.labels().get("team").map(String::as_str),
        Some("video"),
        "label"
    );
    ensure!(
        made.status
            .as_ref()
            .is_none_or(|status| status.summary.is_empty()),
        "a status came in with the spec"
    );
    let read = ok!(bed.store().cluster(key, Freshness::Live).await);
    ensure_eq!(read.as_ref(), Some(&made), "what is read");
    within(bed.hears_within(), "it is among the clusters", || async {
        let clusters = bed.store().clusters().await;
        clusters.is_ok_and(|clusters| clusters.contains(key))
    })
    .await
}

pub(super) async fn defaults_are_filled_in<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    ensure_eq!(made.spec.paused, Some(false), "spec.paused");
    ensure!(made.spec.drift.is_some(), "no spec.drift");
    Ok(())
}

pub(super) async fn the_same_again_changes_nothing<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let again = ok!(bed.apply(cluster(key)).await);
    ensure_eq!(
        again.resource_version(),
        made.resource_version(),
        "resourceVersion"
    );
    ensure_eq!(again.metadata.generation, Some(1), "generation");
    Ok(())
}

pub(super) async fn only_the_spec_moves_the_generation<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    let made = ok!(bed.apply(cluster(key)).await);
    let labelled = with(cluster(key), "/metadata/labels", json!({"team": "video"}));
    let second = ok!(bed.apply(labelled.clone()).await);
    ensure_eq!(
        second.metadata.generation,
        Some(1),
        "generation after a label"
    );
    ensure!(
        second.resource_version() != made.resource_version(),
        "the version stayed though a label came"
    );
    let third = ok!(bed.apply(with(labelled, "/spec/paused", json!(true))).await);
    ensure_eq!(
        third.metadata.generation,
        Some(2),
        "generation after a change of spec"
    );
    ensure_eq!(third.uid(), made.uid(), "uid");
    Ok(())
}

pub(super) async fn what_is_left_out_goes_and_what_others_wrote_stays<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    let config = json!({"KEPT": "1", "DROPPED": "1"});
    let first = with(cluster(key), "/spec/config", config);
    let first = with(
        first,
        "/metadata/annotations",
        json!({"example.com/mine": "1"}),
    );
    ok!(bed
        .apply(with(first.clone(), "/spec/paused", json!(true)))
        .await);
    ok!(bed.annotate_cluster(key, "example.com/theirs", "2").await);

    let second = without(
        without(first, "/spec/config/DROPPED"),
        "/metadata/annotations",
    );
    let second = ok!(bed.apply(second).await);
    let kept: Vec<_> = second.spec.config.keys().cloned().collect();
    ensure_eq!(kept, ["KEPT"], "spec.config");
    ensure_eq!(second.spec.paused, Some(false), "spec.paused, left out");
    let annotations = second.annotations();
    ensure!(
        !annotations.contains_key("example.com/mine"),
        "the annotation left out stayed"
    );
    ensure!(
        annotations.contains_key("example.com/theirs"),
        "another's annotation went"
    );
    Ok(())
}

pub(super) async fn a_broken_rule_is_refused_by_field<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let three = without_machine(cluster(key));
    let named = |field: &str, error: StoreError| match error {
        StoreError::Invalid { violations, .. } => {
            let found = violations
                .iter()
                .any(|violation| violation.field.starts_with(field));
            if found {
                Ok(())
            } else {
                Err(format!("{field} is not named: {violations:?}"))
            }
        }
        other => Err(format!("not refused as invalid: {other:?}")),
    };
    match bed.apply(three.clone()).await {
        Err(error) => named("spec", error)?,
        Ok(_) => return Err("three masters were taken".to_owned()),
    }
    let absent = ok!(bed.store().cluster(key, Freshness::Live).await);
    ensure!(absent.is_none(), "it was stored though it was refused");

    let made = ok!(bed.apply(cluster(key)).await);
    match bed.apply(three).await {
        Err(error) => named("spec", error)?,
        Ok(_) => return Err("three masters were taken in a change".to_owned()),
    }
    let kept = ok!(bed.store().cluster(key, Freshness::Live).await);
    ensure_eq!(kept, Some(made), "what was stored before");
    Ok(())
}

pub(super) async fn what_may_not_change_is_refused_by_field<B: Bed>(
    bed: &B,
    key: &ObjectKey,
) -> Verdict {
    let first = with(cluster(key), "/spec/clusterID", json!("one"));
    ok!(bed.apply(first).await);
    let second = with(cluster(key), "/spec/clusterID", json!("two"));
    match bed.apply(second).await {
        Err(StoreError::Invalid { violations, .. }) => {
            ensure!(
                violations
                    .iter()
                    .any(|violation| violation.to_string().contains("clusterID")),
                "spec.clusterID is not named: {violations:?}"
            );
            Ok(())
        }
        other => Err(format!("another clusterID: {other:?}")),
    }
}

pub(super) async fn an_unknown_field_is_refused<B: Bed>(bed: &B, key: &ObjectKey) -> Verdict {
    let document = with(cluster(key), "/spec/replicaz", json!(3));
    refused!(bed.apply(document).await, StoreError::Invalid { .. });
    Ok(())
}

/// A cluster that lacks one master.
fn without_machine(mut document: serde_json::Value) -> serde_json::Value {
    let machines = document.pointer_mut("/spec/infrastructure/onPrem/machines");
    if let Some(machines) = machines.and_then(serde_json::Value::as_array_mut) {
        machines.remove(0);
    }
    document
}
