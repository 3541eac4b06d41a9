//! What every release left behind: stored objects and the world they spoke of (rule S11).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_model::{CredentialsState, Mono, NodeName, Now, SecretDigest, SecretKey, Snapshot, Value};
use ovo_provider::{Provider, ScopeChoice, Target};
use ovo_provider_sim::{SimDoor, SimProvider};
use ovo_world::World;

use crate::bed::{Bed, Setup, now_or_never};
use crate::gate::Gate;
use crate::manifests::Shape;

/// Where the fixtures of all releases are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A converged cluster as a release left it.
pub struct Left {
    cluster: OpenViduCluster,
    nodes: Vec<OpenViduNode>,
    world: World,
}

impl Left {
    /// Makes a cluster with this release and lets it come to rest.
    ///
    /// # Panics
    /// When it does not come to rest.
    pub fn made(shape: Shape) -> Self {
        let mut bed = Bed::new(&Setup::quiet(shape), &Gate::open());
        assert!(bed.until(7_200_000, Bed::ready), "{}", bed.words());
        bed.pass(1_800_000);
        #[expect(clippy::expect_used, reason = "the cluster was ready a moment ago")]
        let cluster = (*bed.cluster().expect("a cluster")).clone();
        Self {
            cluster,
            nodes: bed
                .store
                .list_nodes()
                .iter()
                .map(|n| (**n).clone())
                .collect(),
            world: bed.door.look(Clone::clone),
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(
            folder.join("cluster.json"),
            serde_json::to_vec_pretty(&self.cluster)?,
        )?;
        std::fs::write(
            folder.join("nodes.json"),
            serde_json::to_vec_pretty(&self.nodes)?,
        )?;
        std::fs::write(folder.join("world.json"), serde_json::to_vec(&self.world)?)
    }

    /// Reads it.
    ///
    /// # Errors
    /// Those of the file system and of a format that is not understood any more.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let file = |name: &str| std::fs::read(folder.join(name));
        Ok(Self {
            cluster: serde_json::from_slice(&file("cluster.json")?)?,
            nodes: serde_json::from_slice(&file("nodes.json")?)?,
            world: serde_json::from_slice(&file("world.json")?)?,
        })
    }

    /// What an operator that has just started sees of it: everything but readings.
    ///
    /// # Panics
    /// When the profile or the desired state of the stored cluster is not known any more.
    #[expect(
        clippy::expect_used,
        reason = "a fixture that is not understood fails its test"
    )]
    pub fn snapshot(self) -> Snapshot {
        let profile = self.cluster.spec.profile().expect("a profile");
        let now = Now {
            mono: Mono(0),
            wall: self.world.now(),
        };
        let provider = SimProvider::new(SimDoor::new(self.world));
        let cluster = Arc::new(self.cluster);
        let id = cluster
            .metadata
            .annotations
            .as_ref()
            .and_then(|a| a.get(INFRASTRUCTURE_ID));
        let target = Target {
            cluster: cluster.clone(),
            profile,
            infrastructure_id: id.expect("an infrastructure id").as_str().into(),
        };
        let recorded = cluster
            .status
            .as_ref()
            .and_then(|s| s.credentials.clone())
            .unwrap_or_default();
        let mut secrets = BTreeMap::new();
        let mut generated = BTreeMap::new();
        for (key, digest) in recorded.digests {
            let digest = SecretDigest(digest);
            match key.split_once('/') {
                Some((secret, key)) => {
                    secrets.insert(
                        SecretKey {
                            secret: secret.to_owned(),
                            key: key.to_owned(),
                        },
                        digest,
                    );
                }
                None => {
                    generated.insert(key, digest);
                }
            }
        }
        let credentials = CredentialsState {
            secret: recorded.secret_name,
            to_generate: generated.keys().cloned().collect(),
            digests: generated,
            known: true,
        };
        let mut desired = provider
            .desired(&cluster, profile)
            .expect("a desired state");
        for property in desired.iter_mut().flat_map(|r| r.properties.values_mut()) {
            if let Value::Secret { key, digest } = &mut property.value {
                *digest = secrets
                    .get(key)
                    .or_else(|| credentials.digests.get(&key.key))
                    .cloned();
            }
        }
        let observed = now_or_never(provider.observe(&target, &ScopeChoice::All)).expect("at once");
        Snapshot {
            now,
            cluster,
            profile,
            nodes: self
                .nodes
                .into_iter()
                .map(|n| (NodeName::from(n.spec.machine.as_str()), Arc::new(n)))
                .collect(),
            secrets,
            credentials,
            desired: Arc::new(desired),
            observed,
            readings: Arc::new(BTreeMap::new()),
            shared_store: None,
            trial: ovo_model::Trial::ByHealth,
            tenancy: ovo_model::Tenancy::default(),
            simulated: true,
        }
    }
}
