//! Planning against an API server: what it has is copied into memory, and nothing is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ovo_api::manifest::{Object, parse_manifest};
use ovo_store::{Embedded, ObjectKey};

use super::Remote;
use crate::failure::Failure;
use crate::local::{
    Mirror, PlanFile, PlannedCluster, SimOptions, find_cluster, plan_on_mirror, secret_names,
    world_in,
};

impl Remote {
    /// The same server, one namespace of it.
    fn within(&self, namespace: &str) -> Self {
        Self {
            desk: self.desk.within(namespace),
        }
    }

    /// What manifests would change, on the simulated world that is kept in `folder`.
    pub(crate) async fn plan(
        &self,
        files: &[PlanFile],
        folder: &Path,
    ) -> Result<Vec<PlannedCluster>, Failure> {
        // Whoever serves writes there: it is read as a copy.
        let copy = tempfile::tempdir().map_err(Failure::file("a temporary directory"))?;
        for name in ["time", "world"] {
            let from = folder.join(name);
            fs::copy(&from, copy.path().join(name)).map_err(Failure::file(&from))?;
        }
        let (door, clock) = world_in(copy.path(), &SimOptions::default())?;
        let store = Embedded::in_memory(clock.clone(), 0);
        let mirror = Mirror { store, door, clock };
        let mut secrets = BTreeSet::new();
        for file in files {
            for document in parse_manifest(&file.text).documents {
                let Object::Cluster(cluster) = &document.object else {
                    continue;
                };
                let key = ObjectKey::of(&**cluster);
                let listing = self.within(&key.namespace).list().await?;
                let place = self.desk.place();
                let stored = find_cluster(&listing.clusters, &key.to_string(), &place).ok();
                let names = secret_names(&mirror.door, cluster);
                secrets.extend(names.into_iter().map(|name| key.sibling(name)));
                let Some(stored) = stored else { continue };
                let mut nodes = listing.nodes.clone();
                nodes.retain(|n| ObjectKey::of(n).sibling(n.spec.cluster.clone()) == key);
                mirror.copy_in(&stored, nodes).await?;
            }
        }
        let mut found = Vec::new();
        for key in secrets {
            found.extend(self.desk.secret(&key).await?);
        }
        mirror.give(found).await?;
        plan_on_mirror(&mirror, files).await
    }
}
