//! Taking over the Secrets that the files hold.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ovo_api::manifest::Object;

use crate::directory::files::Files;
use crate::directory::problem::Problem;
use crate::directory::secrets::{Places, from_document, not_private};
use crate::directory::sync::Look;
use crate::embedded::FoundSecret;
use crate::key::ObjectKey;

impl Look<'_> {
    /// Takes over all Secrets. One that cannot be read any more stays as it was good last.
    pub(super) async fn take_secrets(&mut self, files: &Files, mut places: Places) {
        self.add_documents(files, &mut places);
        let mut good = BTreeMap::new();
        let mut unreadable: BTreeSet<String> = files
            .iter()
            .filter(|(_, file)| {
                !file
                    .as_ref()
                    .is_ok_and(|parsed| parsed.manifest.errors.is_empty())
            })
            .map(|(name, _)| name.clone())
            .collect();
        let mut found: BTreeMap<ObjectKey, (String, FoundSecret)> = BTreeMap::new();
        for (place, result) in places {
            let secret = match result {
                Ok(secret) => secret,
                Err(problem) => {
                    self.scan.problems.push(problem);
                    unreadable.insert(place.0.clone());
                    match self.memory.secrets.get(&place) {
                        Some(last) => last.clone(),
                        None => continue,
                    }
                }
            };
            if let Err(error) = secret.key.check("Secret") {
                self.scan
                    .problems
                    .push(Problem::of_file(&place.0, error.to_string()));
                continue;
            }
            good.insert(place.clone(), secret.clone());
            match found.entry(secret.key.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert((place.0, secret));
                }
                Entry::Occupied(first) => {
                    let (key, (first, _)) = (first.key(), first.get());
                    let why = format!("the Secret {key} is in {first} already: keep one of them");
                    self.scan.problems.push(Problem::of_file(&place.0, why));
                }
            }
        }
        self.memory.secrets = good;
        let found = found.into_values().map(|(_, secret)| secret).collect();
        if let Err(error) = self.store.sync_secrets(found, unreadable).await {
            self.scan
                .problems
                .push(Problem::of_file("secrets", error.to_string()));
        }
    }

    /// The Secrets that stand in manifests, beside those in files of their own.
    fn add_documents(&self, files: &Files, places: &mut Places) {
        for (name, file) in files {
            let Ok(parsed) = file else {
                self.add_last(name, places);
                continue;
            };
            for document in &parsed.manifest.documents {
                let Object::Secret(secret) = &document.object else {
                    continue;
                };
                let found = from_document(secret, Some(name.clone()));
                let place = (name.clone(), Some(found.key.clone()));
                let result = if parsed.private {
                    Ok(found)
                } else {
                    Err(Problem {
                        line: Some(document.position.line),
                        ..Problem::of_file(name, not_private(&self.root.join(name)))
                    })
                };
                places.entry(place).or_insert(result);
            }
            if !parsed.manifest.errors.is_empty() {
                self.add_last(name, places);
            }
        }
    }

    /// What cannot be read in this file may be a Secret that was good before.
    fn add_last(&self, name: &str, places: &mut Places) {
        for (place, last) in &self.memory.secrets {
            if place.0 == name && place.1.is_some() {
                places
                    .entry(place.clone())
                    .or_insert_with(|| Ok(last.clone()));
            }
        }
    }
}
