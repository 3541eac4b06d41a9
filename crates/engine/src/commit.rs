//! Writing down what is wanted before it is done.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use ovo_api::annotations::{CLUSTER_LABEL, FINALIZER, ROLE_LABEL};
use ovo_api::status::{INTENT_FORMAT_VERSION, Intent};
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_model::{EventNote, EventType, Mono, NodeWrite, Observation, Plan, Snapshot};
use ovo_store::{ClusterEvent, ObjectKey, ObjectReference, Store, StoreError};

use crate::memory::Memory;
use crate::observe::Ground;

/// Name of the object that stands for a machine or instance.
pub(crate) fn object_name(cluster: &str, machine: &str) -> String {
    format!("{cluster}-{machine}")
}

/// Writes the node records. Each is harmless alone: the intent comes after them.
///
/// Beside the number of writes it returns why a record of a deleted cluster could not be made: nothing new can be in a
/// namespace, or under a definition, that is being deleted. Then status is still to be written, and nothing to be done.
pub(crate) async fn nodes<S: Store>(
    store: &S,
    ground: &Ground,
    plan: &Plan,
    now: Mono,
    memory: &mut Memory,
) -> Result<(u32, Option<StoreError>), StoreError> {
    let cluster = ObjectKey::of(&*ground.cluster);
    let goes = ground.cluster.metadata.deletion_timestamp.is_some();
    let (mut writes, mut refused) = (0, None);
    let more = !plan.steps.is_empty();
    memory.held.keep(plan);
    for write in &plan.nodes {
        if let NodeWrite::Create { node, status, .. } | NodeWrite::Status { node, status } = write {
            let old = ground.records.get(node).and_then(|r| r.status.as_ref());
            if memory.held.node(more, node, old, status, now) {
                continue;
            }
        }
        match write {
            NodeWrite::Create { node, spec, status } => {
                let object = OpenViduNode {
                    metadata: metadata(
                        &ground.cluster,
                        &object_name(&cluster.name, &node.0),
                        spec.role,
                    ),
                    spec: spec.clone(),
                    status: Some((**status).clone()),
                };
                match store.create_node(object).await {
                    Ok(_) => writes += 1,
                    Err(error @ StoreError::Denied(_)) if goes => refused = Some(error),
                    Err(error) => return Err(error),
                }
            }
            NodeWrite::Status { node, status } => {
                let Some(old) = ground.records.get(node) else {
                    continue;
                };
                let object = OpenViduNode {
                    status: Some((**status).clone()),
                    ..(**old).clone()
                };
                store.replace_node_status(&object).await?;
                writes += 1;
            }
            NodeWrite::Remove { node } => {
                let Some(old) = ground.records.get(node) else {
                    continue;
                };
                writes += remove(store, old).await?;
            }
        }
    }
    Ok((writes, refused))
}

/// Deletes a record, if nobody did, and lets it go.
pub(crate) async fn remove<S: Store>(store: &S, node: &OpenViduNode) -> Result<u32, StoreError> {
    let key = ObjectKey::of(node);
    let ours = |f: &String| f != FINALIZER;
    let finalizers: Vec<String> = node
        .metadata
        .finalizers
        .iter()
        .flatten()
        .filter(|f| ours(f))
        .cloned()
        .collect();
    let version = node
        .metadata
        .resource_version
        .as_deref()
        .unwrap_or_default();
    // Deleted first: an object without our finalizer and without a deletion would be taken for a new one.
    let mut writes = 0;
    let mut current = version.to_owned();
    if node.metadata.deletion_timestamp.is_none() {
        store.delete_node(&key).await?;
        writes += 1;
        let cluster = key.sibling(node.spec.cluster.clone());
        let fresh = store.nodes(&cluster, ovo_store::Freshness::Live).await?;
        match fresh.iter().find(|n| ObjectKey::of(&***n) == key) {
            Some(n) => current = n.metadata.resource_version.clone().unwrap_or_default(),
            None => return Ok(writes),
        }
    }
    match store.set_node_finalizers(&key, &current, finalizers).await {
        Ok(_) => Ok(writes + 1),
        Err(StoreError::NotFound(_)) => Ok(writes),
        Err(error) => Err(error),
    }
}

fn metadata(cluster: &OpenViduCluster, name: &str, role: ovo_api::Role) -> ObjectMeta {
    let owner = OwnerReference {
        api_version: "openvidu.io/v1alpha1".to_owned(),
        kind: "OpenViduCluster".to_owned(),
        name: cluster.metadata.name.clone().unwrap_or_default(),
        uid: cluster.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: cluster.metadata.namespace.clone(),
        labels: Some(
            [
                (CLUSTER_LABEL.to_owned(), owner.name.clone()),
                (ROLE_LABEL.to_owned(), format!("{role:?}")),
            ]
            .into(),
        ),
        finalizers: Some(vec![FINALIZER.to_owned()]),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The commit point: status with intent, compared and swapped. `None`: nothing changed, nothing written.
pub(crate) async fn status<S: Store>(
    store: &S,
    ground: &Ground,
    (snapshot, plan): (&Snapshot, &Plan),
    now: Mono,
    memory: &mut Memory,
) -> Result<Option<Arc<OpenViduCluster>>, StoreError> {
    let mut status = (*plan.status).clone();
    let destructive = plan.steps.iter().any(ovo_model::Step::is_destructive);
    // Status may have been lost, or come from an old backup: the machines know better, and obey nobody who is older.
    let seen = newest_epoch(snapshot);
    let written = status.intent.as_ref().map_or(0, |intent| intent.epoch);
    let claims = destructive || seen > written && !plan.steps.is_empty();
    if claims {
        let intent = status.intent.get_or_insert_with(|| Intent {
            format_version: INTENT_FORMAT_VERSION,
            ..Intent::default()
        });
        intent.epoch = match memory.epoch {
            // Who takes over says so with its first intent, never alone.
            None => intent.epoch.max(seen) + 1,
            // The same while this process leads.
            Some(ours) => intent.epoch.max(ours),
        };
    }
    let epoch = status.intent.as_ref().map(|i| i.epoch);
    let old = ground.cluster.status.as_ref();
    let more = !plan.steps.is_empty();
    if memory.held.status(more, old, &status, now) {
        return Ok(None);
    }
    let object = OpenViduCluster {
        status: Some(status),
        ..(*ground.cluster).clone()
    };
    let written = store.replace_cluster_status(&object).await?;
    if claims {
        memory.epoch = epoch;
    }
    Ok(Some(written))
}

/// The newest leader's epoch that any machine has seen.
fn newest_epoch(snapshot: &Snapshot) -> i64 {
    let nodes = snapshot.observed.values().filter_map(|seen| match seen {
        Observation::Known { nodes, .. } => Some(nodes.values()),
        Observation::Unknown { .. } => None,
    });
    nodes.flatten().map(|node| node.epoch).max().unwrap_or(0)
}

/// Tells people about changes of mind, each once.
pub(crate) async fn events<S: Store>(
    store: &S,
    ground: &Ground,
    notes: &[EventNote],
    now: Timestamp,
    memory: &mut Memory,
) {
    let cluster = ObjectKey::of(&*ground.cluster);
    for note in notes.iter().filter(|n| !memory.told.contains(n)) {
        let (kind, key, uid) = match &note.node {
            Some(node) => (
                "OpenViduNode",
                cluster.sibling(object_name(&cluster.name, &node.0)),
                ground
                    .records
                    .get(node)
                    .and_then(|n| n.metadata.uid.clone()),
            ),
            None => (
                "OpenViduCluster",
                cluster.clone(),
                ground.cluster.metadata.uid.clone(),
            ),
        };
        let event = ClusterEvent {
            event_type: match note.event_type {
                EventType::Normal => ovo_store::EventType::Normal,
                EventType::Warning => ovo_store::EventType::Warning,
            },
            reason: note.reason.clone(),
            note: note.note.clone(),
            regarding: ObjectReference {
                kind: kind.to_owned(),
                key,
                uid: uid.unwrap_or_default(),
            },
            at: now,
        };
        if let Err(error) = store.record_event(event).await {
            // Events are for people; losing one changes nothing that is done.
            tracing::warn!(%cluster, %error, reason = note.reason, "event not recorded");
        }
    }
    memory.told = notes.to_vec();
}
