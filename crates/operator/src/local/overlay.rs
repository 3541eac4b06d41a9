//! Planning without writing: the stored state, copied into memory, with the manifests laid over it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::manifest::{Document, Object, parse_manifest};
use ovo_engine::{Engine, Options};
use ovo_model::Value;
use ovo_provider_sim::{SimDoor, SimMedia, SimProvider};
use ovo_store::embedded::{FoundSecret, Manifest};
use ovo_store::{Embedded, Freshness, ObjectKey, Store as _, StoreError};
use ovo_world::{World, WorldConfig};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::local::mirror::{copy, found_secret, names_of_secrets};
use crate::local::{Local, LocalClock};
use crate::view::step_words;

/// A manifest on its way to a plan.
#[derive(Clone, Serialize, Deserialize)]
pub struct PlanFile {
    /// Its name, for messages.
    pub file: PathBuf,
    /// What is in it. May hold Secrets: never shown.
    pub text: String,
}

impl std::fmt::Debug for PlanFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlanFile").field(&self.file).finish()
    }
}

/// What would be done with one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCluster {
    /// `NAMESPACE/NAME`.
    pub cluster: String,
    /// Whether it is not there yet.
    pub new: bool,
    /// What would be done now, in order.
    pub steps: Vec<PlannedStep>,
    /// What would be done, and waits: step, for what.
    pub waiting: Vec<(String, String)>,
    /// Why nothing of it may be done.
    pub refused: Vec<String>,
    /// What stands in the way of planning.
    pub stalled: Option<String>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its id.
    pub id: String,
    /// What it does.
    pub step: String,
    /// Why.
    pub reason: String,
    /// What it cuts.
    pub cuts: ovo_api::Cuts,
    /// What kind of act it is.
    pub act: ovo_api::ActKind,
    /// Whether it runs only from the committed intent and after a live read.
    pub destructive: bool,
    /// What changes, property by property.
    pub changes: Vec<PlannedChange>,
}

/// One property that changes. Secrets appear as digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// Which.
    pub property: String,
    /// What it is now; absent: nothing.
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

/// Where a plan starts from.
pub(super) struct Base<'a> {
    pub(super) store: Option<&'a Embedded>,
    pub(super) world: World,
    pub(super) clock: LocalClock,
}

/// What manifests would make of nothing.
///
/// # Errors
/// Mistakes in the manifests.
pub(crate) async fn offline(files: &[PlanFile]) -> Result<Vec<PlannedCluster>, Failure> {
    let clock = LocalClock::real();
    let world = World::new(
        1,
        WorldConfig {
            start: clock.wall(),
            ..WorldConfig::demo()
        },
    );
    plan(
        Base {
            store: None,
            world,
            clock,
        },
        files,
    )
    .await
}

impl Local {
    /// What manifests would change here. Neither the records nor the world are written.
    pub(super) async fn plan(&self, files: &[PlanFile]) -> Result<Vec<PlannedCluster>, Failure> {
        let door = self.door().ok_or_else(|| Failure::NotBuilt {
            what: "planning against real machines and AWS".to_owned(),
            instead: "plan with --offline, or in a directory that is simulated".to_owned(),
        })?;
        let world = door.look(World::clone);
        plan(
            Base {
                store: Some(self.store()),
                world,
                clock: self.clock().clone(),
            },
            files,
        )
        .await
    }
}

pub(super) async fn plan(
    base: Base<'_>,
    files: &[PlanFile],
) -> Result<Vec<PlannedCluster>, Failure> {
    let documents = read(files)?;
    let now = base.clock.clone();
    let door = SimDoor::with_clock(base.world, Arc::new(move || now.wall()));
    let provider = SimProvider::new(door.clone());
    let overlay = Embedded::in_memory(base.clock.clone(), 0);
    let mut given = BTreeMap::new();
    for (_, document) in &documents {
        if let Object::Secret(secret) = &document.object {
            let data = secret
                .data
                .iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.0.clone().into()));
            let key = ObjectKey::from_meta(&secret.metadata);
            given.insert(
                key.clone(),
                FoundSecret {
                    key,
                    data: data.collect(),
                    file: None,
                },
            );
        }
    }
    let clusters: Vec<_> = documents
        .iter()
        .filter_map(|(file, document)| match &document.object {
            Object::Cluster(cluster) => Some((file, document, cluster)),
            Object::Secret(_) => None,
        })
        .collect();
    let mut found = Vec::new();
    for (file, document, cluster) in &clusters {
        let key = ObjectKey::of(&***cluster);
        let mut new = true;
        if let Some(store) = base.store {
            for name in names_of_secrets(&provider, cluster) {
                let secret = store.secret(&key.sibling(name), Freshness::Live).await;
                if let Ok(Some(secret)) = secret {
                    let secret = found_secret(&secret);
                    given.entry(secret.key.clone()).or_insert(secret);
                }
            }
            if let Some(stored) = store.get_cluster(&key)? {
                // What was applied last, so that the manifest laid over it removes what it does not have any more, and only that.
                let origin = store.origins().get(&key).cloned();
                let applied = origin.map(|origin| origin.applied.clone());
                let nodes = store.nodes(&key, Freshness::Live).await?;
                copy(&overlay, &stored, applied, &nodes).await?;
                new = false;
            }
        } else {
            assume(&mut given, cluster);
        }
        lay(&overlay, file, document, cluster).await?;
        found.push((key, new));
    }
    overlay
        .sync_secrets(given.into_values().collect(), BTreeSet::new())
        .await?;
    let options = Options {
        simulated: true,
        seed: seed(),
        ..Options::default()
    };
    let engine = Engine::new(
        overlay.clone(),
        provider,
        SimMedia::new(door),
        base.clock,
        options,
    );
    // A round of an engine that is stopping goes up to its first step.
    engine.stop();
    let mut plans = Vec::new();
    for (key, new) in found {
        let report = engine.reconcile(&key).await;
        plans.push(shown(&key, new, &report, &overlay)?);
    }
    Ok(plans)
}

fn read(files: &[PlanFile]) -> Result<Vec<(PathBuf, Document)>, Failure> {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for PlanFile { file, text } in files {
        let manifest = parse_manifest(text);
        errors.extend(
            manifest
                .errors
                .into_iter()
                .map(|error| (file.clone(), error)),
        );
        documents.extend(
            manifest
                .documents
                .into_iter()
                .map(|document| (file.clone(), document)),
        );
    }
    if errors.is_empty() {
        Ok(documents)
    } else {
        Err(Failure::Manifests(errors))
    }
}

/// From nothing, Secrets that no file brings are taken to be there: whether they are, only a store can say.
fn assume(given: &mut BTreeMap<ObjectKey, FoundSecret>, cluster: &OpenViduCluster) {
    let cluster_key = ObjectKey::of(cluster);
    let mut assumed: BTreeMap<ObjectKey, FoundSecret> = BTreeMap::new();
    for reference in cluster.spec.required_secrets() {
        let key = cluster_key.sibling(reference.name.as_str());
        let secret = assumed.entry(key.clone()).or_insert_with(|| FoundSecret {
            key,
            data: BTreeMap::new(),
            file: None,
        });
        secret.data.insert(reference.key.clone(), "assumed".into());
    }
    for (key, secret) in assumed {
        given.entry(key).or_insert(secret);
    }
}

fn manifest_of(cluster: &OpenViduCluster, file: &str) -> Result<Manifest, Failure> {
    let document = serde_json::to_value(cluster)?;
    Ok(Manifest {
        key: ObjectKey::of(cluster),
        document,
        file: file.to_owned(),
    })
}

/// Lays a manifest over what is there; what the rules refuse is told with its place.
async fn lay(
    overlay: &Embedded,
    file: &Path,
    document: &Document,
    cluster: &OpenViduCluster,
) -> Result<(), Failure> {
    match overlay
        .apply(manifest_of(cluster, &file.display().to_string())?)
        .await
    {
        Ok(_) => Ok(()),
        Err(StoreError::Invalid { violations, .. }) => {
            let errors = violations
                .into_iter()
                .map(|v| ovo_api::FieldError {
                    field: v.field,
                    message: v.message,
                })
                .collect();
            Err(Failure::Manifests(
                document
                    .locate(errors)
                    .into_iter()
                    .map(|e| (file.to_owned(), e))
                    .collect(),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(
    key: &ObjectKey,
    new: bool,
    report: &ovo_engine::Report,
    overlay: &Embedded,
) -> Result<PlannedCluster, Failure> {
    let mut planned = PlannedCluster {
        cluster: key.to_string(),
        new,
        ..PlannedCluster::default()
    };
    if let Some(error) = &report.error {
        planned.stalled = Some(error.to_string());
    }
    let (Some(plan), Some(snapshot)) = (&report.plan, &report.snapshot) else {
        if planned.stalled.is_none() {
            planned.stalled = stalled(overlay.get_cluster(key)?.as_deref());
        }
        return Ok(planned);
    };
    planned.refused = report.refused.iter().map(ToString::to_string).collect();
    planned.waiting = plan
        .waiting
        .iter()
        .map(|w| (w.step.clone(), w.for_what.clone()))
        .collect();
    planned.stalled = plan
        .status
        .conditions
        .iter()
        .find(|c| c.type_ == "Stalled" && c.status == "True" && report.refused.is_empty())
        .map(|c| format!("{}: {}", c.reason, c.message));
    for step in &plan.steps {
        planned.steps.push(PlannedStep {
            id: step.id.to_string(),
            step: step_words(step),
            reason: step.reason.clone(),
            cuts: step.cuts,
            act: step.act,
            destructive: step.is_destructive(),
            changes: changes(snapshot, step),
        });
    }
    Ok(planned)
}

fn stalled(cluster: Option<&OpenViduCluster>) -> Option<String> {
    let conditions = &cluster?.status.as_ref()?.conditions;
    let stalled = conditions
        .iter()
        .find(|c| c.type_ == "Stalled" && c.status == "True")?;
    Some(format!("{}: {}", stalled.reason, stalled.message))
}

fn changes(snapshot: &ovo_model::Snapshot, step: &ovo_model::Step) -> Vec<PlannedChange> {
    use ovo_model::Op;
    match &step.op {
        Op::Create {
            resource,
            properties,
            ..
        }
        | Op::Set {
            resource,
            properties,
            ..
        } => {
            let before = snapshot.observed_resource(resource);
            properties
                .iter()
                .map(|(name, value)| PlannedChange {
                    property: name.clone(),
                    from: before
                        .and_then(|r| r.properties.get(name))
                        .map(ToString::to_string),
                    to: match value {
                        Value::Secret { .. } => format!("digest {}", value.tag()),
                        _ => value.tag(),
                    },
                })
                .collect()
        }
        Op::SetCapacity { from, to, .. } => {
            vec![PlannedChange {
                property: "desired".to_owned(),
                from: Some(from.to_string()),
                to: to.to_string(),
            }]
        }
        _ => Vec::new(),
    }
}

/// Infrastructure ids of clusters that are not there yet differ from plan to plan, as they would in earnest.
fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    // Without randomness the ids of a plan are merely always the same.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
