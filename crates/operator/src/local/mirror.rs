//! Copies of what is stored, to plan on: no plan writes to the store itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_model::Value;
use ovo_provider::Provider as _;
use ovo_provider_sim::SimProvider;
use ovo_store::embedded::{FoundSecret, Manifest};
use ovo_store::{Embedded, ObjectKey, SecretObject, Store as _};

use crate::failure::Failure;

#[cfg(feature = "kubernetes")]
pub(crate) use whole::{Mirror, plan_on_mirror, secret_names};

/// A Secret, as one that was found.
pub(super) fn found_secret(secret: &SecretObject) -> FoundSecret {
    FoundSecret {
        key: secret.key(),
        data: secret.data.clone(),
        file: None,
    }
}

/// Names of the Secrets that a cluster reads.
pub(super) fn names_of_secrets(
    provider: &SimProvider,
    cluster: &OpenViduCluster,
) -> BTreeSet<String> {
    let key = ObjectKey::of(cluster);
    let mut names: BTreeSet<String> = BTreeSet::from([format!("{}-credentials", key.name)]);
    let given = cluster.spec.credentials.as_ref();
    names.extend(given.map(|c| c.secret_ref.name.clone()));
    names.extend(cluster.spec.required_secrets().map(|r| r.name.clone()));
    let desired = cluster
        .spec
        .profile()
        .and_then(|profile| provider.desired(cluster, profile).ok());
    for property in desired.iter().flatten().flat_map(|r| r.properties.values()) {
        if let Value::Secret { key, .. } = &property.value {
            names.insert(key.secret.clone());
        }
    }
    names
}

/// Copies a stored cluster with its status and nodes. `applied` are the parts that its manifest declared, where they are known.
pub(super) async fn copy(
    overlay: &Embedded,
    stored: &OpenViduCluster,
    applied: Option<serde_json::Value>,
    nodes: &[Arc<OpenViduNode>],
) -> Result<(), Failure> {
    let key = ObjectKey::of(stored);
    let mut document = serde_json::to_value(stored)?;
    if applied.is_none()
        && let Some(metadata) = document["metadata"].as_object_mut()
    {
        // Set below: as a part of what was applied, those that nobody declared would go with the next manifest.
        metadata.remove("annotations");
    }
    if let (Some(serde_json::Value::Object(parts)), Some(whole)) =
        (applied, document.as_object_mut())
    {
        for (name, part) in parts {
            match name.as_str() {
                "spec" => drop(whole.insert(name, part)),
                _ => drop(
                    whole
                        .get_mut("metadata")
                        .and_then(|m| m.as_object_mut())
                        .map(|m| m.insert(name, part)),
                ),
            }
        }
    }
    overlay
        .apply(Manifest {
            key: key.clone(),
            document,
            file: "stored".to_owned(),
        })
        .await?;
    for (annotation, value) in stored.metadata.annotations.iter().flatten() {
        overlay
            .set_cluster_annotation(&key, annotation, Some(value))
            .await?;
    }
    let finalizers = stored.metadata.finalizers.clone().unwrap_or_default();
    let version = |c: &OpenViduCluster| c.metadata.resource_version.clone().unwrap_or_default();
    if let Some(fresh) = overlay.get_cluster(&key)? {
        overlay
            .set_cluster_finalizers(&key, &version(&fresh), finalizers)
            .await?;
    }
    if let Some(fresh) = overlay.get_cluster(&key)? {
        let mut object = (*fresh).clone();
        object.status = stored.status.clone().map(|mut status| {
            // Generations are counted anew here; whether the status speaks of the latest one is what counts.
            let current = status.observed_generation == stored.metadata.generation;
            status.observed_generation = if current {
                object.metadata.generation
            } else {
                Some(0)
            };
            status
        });
        overlay.replace_cluster_status(&object).await?;
    }
    for node in nodes {
        overlay.create_node(OpenViduNode::clone(node)).await?;
        if node.metadata.deletion_timestamp.is_some() {
            overlay.delete_node(&ObjectKey::of(&**node)).await?;
        }
    }
    if stored.metadata.deletion_timestamp.is_some() {
        overlay.delete_cluster(&key).await?;
    }
    Ok(())
}

#[cfg(feature = "kubernetes")]
mod whole {
    use ovo_provider_sim::SimDoor;
    use ovo_world::World;

    use super::{
        Arc, BTreeSet, Embedded, Failure, OpenViduCluster, OpenViduNode, SecretObject, SimProvider,
        copy, found_secret, names_of_secrets,
    };
    use crate::local::overlay::{Base, plan};
    use crate::local::{LocalClock, PlanFile, PlannedCluster};

    /// What is stored elsewhere, and the world, in memory.
    pub(crate) struct Mirror {
        pub(crate) store: Embedded,
        pub(crate) door: SimDoor,
        pub(crate) clock: LocalClock,
    }

    impl Mirror {
        /// Takes a cluster in.
        pub(crate) async fn copy_in(
            &self,
            cluster: &OpenViduCluster,
            nodes: Vec<OpenViduNode>,
        ) -> Result<(), Failure> {
            let nodes: Vec<_> = nodes.into_iter().map(Arc::new).collect();
            copy(&self.store, cluster, None, &nodes).await
        }

        /// Takes all Secrets in.
        pub(crate) async fn give(&self, secrets: Vec<SecretObject>) -> Result<(), Failure> {
            let found = secrets.iter().map(found_secret).collect();
            Ok(self.store.sync_secrets(found, BTreeSet::new()).await?)
        }
    }

    /// Names of the Secrets that a cluster reads.
    pub(crate) fn secret_names(door: &SimDoor, cluster: &OpenViduCluster) -> BTreeSet<String> {
        names_of_secrets(&SimProvider::new(door.clone()), cluster)
    }

    /// What manifests would change.
    pub(crate) async fn plan_on_mirror(
        mirror: &Mirror,
        files: &[PlanFile],
    ) -> Result<Vec<PlannedCluster>, Failure> {
        let base = Base {
            store: Some(&mirror.store),
            world: mirror.door.look(World::clone),
            clock: mirror.clock.clone(),
        };
        plan(base, files).await
    }
}
