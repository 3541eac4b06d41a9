//! What is known, from a directory or from an API server.

use std::path::Path;

use ovo_store::{ObjectKey, SecretObject, digest};
use serde_json::{Value, json};

use super::Gathered;
use crate::cli::ReportArgs;
use crate::commands::ask;
use crate::failure::Failure;
use crate::local::{Client, PlanFile, Request, Response};

/// A Secret that an object names.
pub(super) struct Named {
    key: ObjectKey,
    found: Found,
    /// Made for this report and thrown away: digests can be compared within it, and no value guessed from one.
    salt: [u8; 32],
}

enum Found {
    Is(Box<SecretObject>),
    IsNot,
    Unknown(String),
}

impl Named {
    /// Its name, and digests of its values.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({"namespace": self.key.namespace, "name": self.key.name});
        match &self.found {
            Found::Is(secret) => {
                let digests = secret
                    .data
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(digest(&self.salt, value.expose()))));
                shown["digests"] = digests.collect();
            }
            Found::IsNot => shown["exists"] = json!(false),
            Found::Unknown(why) => shown["notRead"] = json!(why),
        }
        shown
    }

    /// Tells each of its values that is a text.
    pub(super) fn each_value(&self, mut tell: impl FnMut(&str)) {
        if let Found::Is(secret) = &self.found {
            for value in secret.data.values() {
                if let Ok(text) = std::str::from_utf8(value.expose()) {
                    tell(text);
                }
            }
        }
    }
}

pub(super) fn from(args: &ReportArgs) -> Result<Gathered, Failure> {
    match &args.at.dir {
        Some(dir) => directory(args, dir),
        None => kubernetes(args),
    }
}

fn directory(args: &ReportArgs, dir: &Path) -> Result<Gathered, Failure> {
    let mut gathered = Gathered {
        place: format!("directory {}", dir.display()),
        ..Gathered::default()
    };
    if let Response::List(listing) = ask(&args.at, Request::List)? {
        let values = |object: serde_json::Result<Value>| object.map_err(Failure::from);
        let clusters = listing.clusters.iter().map(serde_json::to_value);
        gathered.clusters = clusters.map(values).collect::<Result<_, _>>()?;
        let nodes = listing.nodes.iter().map(serde_json::to_value);
        gathered.nodes = nodes.map(values).collect::<Result<_, _>>()?;
        gathered.problems = listing.unreadable;
    }
    if let Response::Events { events, .. } = ask(&args.at, Request::Events { about: None })? {
        let events = events.iter().map(serde_json::to_value);
        gathered.events = events.collect::<Result<_, _>>()?;
    }
    let salt = salt()?;
    for key in named(&gathered.clusters) {
        // The records hold no values, and the files belong to whoever wrote them.
        let found = Found::Unknown("of a directory, Secrets are not read".to_owned());
        gathered.secrets.push(Named { key, found, salt });
    }
    let files = manifests(&gathered.clusters);
    gathered.plan = match Client::connect(dir)?.ask(Request::Plan { files }) {
        Ok(Response::Plan { clusters }) => serde_json::to_value(clusters)?,
        Ok(_) => Value::Null,
        Err(why) => json!({"noPlan": why.to_string()}),
    };
    Ok(gathered)
}

#[cfg(feature = "kubernetes")]
fn kubernetes(args: &ReportArgs) -> Result<Gathered, Failure> {
    use crate::remote::Remote;
    super::super::wait(async {
        let remote = Remote::connect(&args.at.kube).await?;
        let desk = remote.desk();
        let mut gathered = Gathered {
            place: format!("Kubernetes, {}", desk.place()),
            ..Gathered::default()
        };
        match desk.version().await {
            Ok(version) => gathered.server = Some(version),
            Err(why) => gathered.problems.push(why.to_string()),
        }
        // A part that cannot be had does not keep the others back: whoever needs help may have few rights.
        let mut take = |part: Result<Vec<Value>, ovo_store::StoreError>| {
            part.unwrap_or_else(|why| {
                gathered.problems.push(why.to_string());
                Vec::new()
            })
        };
        let (clusters, nodes, events) = (
            take(desk.clusters().await),
            take(desk.nodes().await),
            take(desk.events().await),
        );
        (gathered.clusters, gathered.nodes, gathered.events) = (clusters, nodes, events);
        let salt = salt()?;
        for key in named(&gathered.clusters) {
            let found = match desk.secret(&key).await {
                Ok(Some(secret)) => Found::Is(Box::new(secret)),
                Ok(None) => Found::IsNot,
                Err(why) => Found::Unknown(why.to_string()),
            };
            gathered.secrets.push(Named { key, found, salt });
        }
        gathered.plan = match &args.simulate_dir {
            None => json!({"noPlan": "the operator's world was not named: --simulate-dir"}),
            Some(folder) => match remote.plan(&manifests(&gathered.clusters), folder).await {
                Ok(clusters) => serde_json::to_value(clusters)?,
                Err(why) => json!({"noPlan": why.to_string()}),
            },
        };
        Ok(gathered)
    })
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(_: &ReportArgs) -> Result<Gathered, Failure> {
    Err(super::super::without_kubernetes())
}

fn salt() -> Result<[u8; 32], Failure> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt)
        .map_err(|error| Failure::Usage(format!("no randomness for digests: {error}")))?;
    Ok(salt)
}

/// What clusters declare, as manifests.
fn manifests(clusters: &[Value]) -> Vec<PlanFile> {
    let declared = clusters.iter().map(|cluster| {
        let metadata = &cluster["metadata"];
        let manifest = json!({
            "apiVersion": cluster["apiVersion"],
            "kind": cluster["kind"],
            "metadata": {"namespace": metadata["namespace"], "name": metadata["name"]},
            "spec": cluster["spec"],
        });
        PlanFile {
            file: metadata["name"].as_str().unwrap_or_default().into(),
            text: manifest.to_string(),
        }
    });
    declared.collect()
}

/// The Secrets that clusters name, anywhere in their declaration, and those that were made for them.
fn named(clusters: &[Value]) -> Vec<ObjectKey> {
    let mut keys = std::collections::BTreeSet::new();
    for cluster in clusters {
        let metadata = &cluster["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = ObjectKey::new(text(&metadata["namespace"]), text(&metadata["name"]));
        keys.insert(key.sibling(format!("{}-credentials", key.name)));
        walk(&cluster["spec"], &mut |name| {
            keys.insert(key.sibling(name));
        });
    }
    keys.into_iter().collect()
}

fn walk(value: &Value, tell: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, tell)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if let ("secretKeyRef" | "secretRef", Some(name)) =
                    (name.as_str(), value["name"].as_str())
                {
                    tell(name);
                }
                walk(value, tell);
            }
        }
        _ => {}
    }
}
