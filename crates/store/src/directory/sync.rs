//! Taking over what the files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use ovo_api::OpenViduCluster;
use ovo_api::manifest::{Document, Object};

use crate::directory::files::{self, Files, Parsed};
use crate::directory::layout::Layout;
use crate::directory::problem::{Problem, Scan};
use crate::directory::secrets::{self, Place};
use crate::embedded::{Applied, Embedded, FoundSecret, Manifest, Origin};
use crate::error::StoreError;
use crate::event::{ClusterEvent, EventType, ObjectReference};
use crate::key::ObjectKey;
use crate::port::Store;

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    files: Files,
    /// Clusters that are applied as their file with this fingerprint says.
    applied: BTreeMap<ObjectKey, [u8; 32]>,
    /// The last good version of each Secret, by the place that it is in.
    pub(super) secrets: BTreeMap<Place, FoundSecret>,
    problems: BTreeSet<Problem>,
}

/// One look under way.
pub(super) struct Look<'a> {
    pub(super) root: &'a Path,
    pub(super) store: &'a Embedded,
    pub(super) memory: &'a mut Memory,
    pub(super) scan: Scan,
    /// Where the clusters that are there come from.
    origins: BTreeMap<ObjectKey, Arc<Origin>>,
    /// Clusters that are declared, and where.
    declared: BTreeMap<ObjectKey, String>,
    /// Files in which something could not be read: what they declared before is still declared.
    doubtful: BTreeSet<String>,
}

/// Looks at all files and takes over what changed.
pub(super) async fn rescan(layout: &Layout, store: &Embedded, memory: &mut Memory) -> Scan {
    let (root, folder, known) = (
        layout.root().to_owned(),
        layout.secrets(),
        memory.files.clone(),
    );
    let read = tokio::task::spawn_blocking(move || {
        let files = files::read_all(&root, &known);
        (
            files,
            secrets::read_folder(&folder),
            secrets::folder_problem(&folder),
        )
    });
    let (files, places, folder_problem) = match read.await {
        Ok((Ok(files), places, problem)) => (files, places, problem),
        Ok((Err(error), ..)) => return unreadable(layout, memory, &error.to_string()),
        Err(error) => return unreadable(layout, memory, &error.to_string()),
    };
    let mut look = Look {
        root: layout.root(),
        store,
        memory,
        scan: Scan::default(),
        origins: store.origins(),
        declared: BTreeMap::new(),
        doubtful: BTreeSet::new(),
    };
    look.scan.problems.extend(folder_problem);
    look.take_secrets(&files, places).await;
    for (name, file) in &files {
        match file {
            Ok(parsed) => look.take_file(name, parsed).await,
            Err(why) => {
                look.doubtful.insert(name.clone());
                look.scan.problems.push(Problem::of_file(name, why.clone()));
            }
        }
    }
    look.leave_vanished().await;
    look.memory.files = files;
    look.finish().await
}

/// A directory that cannot be read changes nothing: an empty answer is no answer.
fn unreadable(layout: &Layout, memory: &mut Memory, error: &str) -> Scan {
    let root = layout.root().display().to_string();
    let problem = Problem::of_file(
        &root,
        format!(
            "cannot be read ({error}): let the user that runs the operator read it; nothing is changed meanwhile"
        ),
    );
    let mut scan = Scan {
        problems: vec![problem],
        ..Scan::default()
    };
    tell_news(&mut scan, memory);
    scan
}

// === impl Look ===

impl Look<'_> {
    async fn take_file(&mut self, name: &str, parsed: &Parsed) {
        for error in &parsed.manifest.errors {
            self.doubtful.insert(name.to_owned());
            self.scan.problems.push(Problem {
                line: error.position.map(|position| position.line),
                field: error.field.clone(),
                ..Problem::of_file(name, error.message.clone())
            });
        }
        let nothing = parsed.manifest.documents.is_empty() && parsed.manifest.errors.is_empty();
        if nothing && self.origins.values().any(|origin| origin.file == name) {
            // An editor that writes in place empties the file first.
            self.doubtful.insert(name.to_owned());
            let why = "is empty: remove it if its clusters are to be left alone";
            self.scan.problems.push(Problem::of_file(name, why));
        }
        for document in &parsed.manifest.documents {
            if let Object::Cluster(cluster) = &document.object {
                self.take_cluster(name, parsed, document, cluster).await;
            }
        }
    }

    async fn take_cluster(
        &mut self,
        name: &str,
        parsed: &Parsed,
        document: &Document,
        cluster: &OpenViduCluster,
    ) {
        let key = ObjectKey::of(cluster);
        let line = document.position.line;
        if let Some(first) = self.declared.get(&key) {
            self.scan.problems.push(Problem {
                line: Some(line),
                field: "metadata.name".to_owned(),
                ..Problem::of_file(
                    name,
                    format!("{key} is declared in {first} already: keep one of them"),
                )
            });
            return;
        }
        self.declared.insert(key.clone(), format!("{name}:{line}"));
        let in_force = self
            .origins
            .get(&key)
            .is_some_and(|origin| !origin.vanished && !origin.deleted);
        if in_force && self.memory.applied.get(&key) == Some(&parsed.fingerprint) {
            return;
        }
        let applied = match serde_json::to_value(cluster) {
            Ok(value) => {
                let manifest = Manifest {
                    key: key.clone(),
                    document: value,
                    file: name.to_owned(),
                };
                self.store.apply(manifest).await
            }
            Err(error) => Err(StoreError::invalid(key.to_string(), "", error.to_string())),
        };
        match applied {
            Ok(Applied::Created(_)) => self.scan.created.push(key.clone()),
            Ok(Applied::Changed(_)) => self.scan.changed.push(key.clone()),
            Ok(Applied::Unchanged) => {}
            Ok(Applied::DeletedBefore) => {
                self.scan.left_behind.push(key.clone());
                let why = format!(
                    "{key} was deleted by name: remove this document, or change it to have the cluster made anew"
                );
                self.scan.problems.push(Problem {
                    line: Some(line),
                    ..Problem::of_file(name, why)
                });
                return;
            }
            Err(error) => return self.refused(name, document, &key, error),
        }
        self.memory.applied.insert(key, parsed.fingerprint);
    }

    /// The store refused a document: each field with its line.
    fn refused(&mut self, name: &str, document: &Document, key: &ObjectKey, error: StoreError) {
        let clusters = match self.store.get_cluster(key) {
            Ok(Some(_)) => vec![key.clone()],
            _ => Vec::new(),
        };
        let violations = match error {
            StoreError::Invalid { violations, .. } => violations
                .into_iter()
                .map(|violation| (violation.field, violation.message))
                .collect(),
            other => vec![(String::new(), other.to_string())],
        };
        for (field, message) in violations {
            self.scan.problems.push(Problem {
                file: name.to_owned(),
                line: Some(document.position_of(&field).line),
                field,
                message,
                clusters: clusters.clone(),
            });
        }
    }

    /// Clusters that no file declares any more are left alone from now on.
    async fn leave_vanished(&mut self) {
        for (key, origin) in std::mem::take(&mut self.origins) {
            if self.declared.contains_key(&key) {
                continue;
            }
            if self.doubtful.contains(&origin.file) {
                self.stays_in_force(&origin.file, &key);
                continue;
            }
            self.memory.applied.remove(&key);
            match self.store.mark_vanished(&key).await {
                Ok(true) => {
                    let note = format!(
                        "the manifest {} is gone: nothing of this cluster is written any more; put it back, or delete \
                         the cluster by name",
                        origin.file
                    );
                    self.record(&key, "ManifestVanished", note).await;
                    self.scan.vanished.push(key);
                }
                Ok(false) => {}
                Err(error) => {
                    self.scan
                        .problems
                        .push(Problem::of_file(&origin.file, error.to_string()));
                }
            }
        }
    }

    /// Adds to a broken file's problems that a cluster stays as it was.
    fn stays_in_force(&mut self, file: &str, key: &ObjectKey) {
        if self
            .store
            .get_cluster(key)
            .is_ok_and(|cluster| cluster.is_some())
        {
            for problem in self
                .scan
                .problems
                .iter_mut()
                .filter(|problem| problem.file == file)
            {
                if problem.clusters.is_empty() || !problem.clusters.contains(key) {
                    problem.clusters.push(key.clone());
                }
            }
        }
    }

    async fn finish(mut self) -> Scan {
        tell_news(&mut self.scan, self.memory);
        for problem in self.scan.news.clone() {
            for key in &problem.clusters {
                self.record(key, "ManifestRefused", problem.to_string())
                    .await;
            }
        }
        self.scan
    }

    async fn record(&self, key: &ObjectKey, reason: &str, note: String) {
        let Ok(Some(cluster)) = self.store.get_cluster(key) else {
            return;
        };
        let event = ClusterEvent {
            event_type: EventType::Warning,
            reason: reason.to_owned(),
            note,
            regarding: ObjectReference {
                kind: "OpenViduCluster".to_owned(),
                key: key.clone(),
                uid: cluster.metadata.uid.clone().unwrap_or_default(),
            },
            at: Timestamp::from_millisecond(self.store.now()).unwrap_or_default(),
        };
        if let Err(error) = self.store.record_event(event).await {
            tracing::warn!(cluster = %key, %error, "an event could not be recorded");
        }
    }
}

/// Sets apart what was not there at the last look, and logs it once.
fn tell_news(scan: &mut Scan, memory: &mut Memory) {
    scan.problems.sort();
    scan.problems.dedup();
    let now: BTreeSet<Problem> = scan.problems.iter().cloned().collect();
    scan.news = now.difference(&memory.problems).cloned().collect();
    for problem in &scan.news {
        tracing::warn!("{problem}");
    }
    for problem in memory.problems.difference(&now) {
        tracing::info!(file = problem.file, "mended: {}", problem.message);
    }
    memory.problems = now;
}
