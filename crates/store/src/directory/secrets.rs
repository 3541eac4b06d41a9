//! Secrets in files: documents of manifests, folders of keys, and the operator's own files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use k8s_openapi::api::core::v1::Secret;

use crate::directory::files::{OTHERS, read_bytes};
use crate::directory::problem::Problem;
use crate::embedded::{FoundSecret, GENERATED_SUFFIX, SECRETS_FOLDER};
use crate::key::{DEFAULT_NAMESPACE, ObjectKey};
use crate::secret::SecretValue;

/// A file or folder, and in a manifest the name of the Secret.
pub(super) type Place = (String, Option<ObjectKey>);

/// What each place holds: a Secret, or what is wrong with it.
pub(super) type Places = BTreeMap<Place, Result<FoundSecret, Problem>>;

/// What a mode that lets others read is told.
pub(super) fn not_private(path: &Path) -> String {
    format!(
        "others than its owner may read it, and it holds secrets: chmod 600 {}",
        path.display()
    )
}

/// The Secret of a manifest's document.
pub(super) fn from_document(secret: &Secret, file: Option<String>) -> FoundSecret {
    let data = secret.data.iter().flatten();
    FoundSecret {
        key: ObjectKey::from_meta(&secret.metadata),
        data: data
            .map(|(key, value)| (key.clone(), SecretValue::from(value.0.clone())))
            .collect(),
        file,
    }
}

/// Reads `DIR/secrets`. A place that cannot be read hides no other.
pub(super) fn read_folder(folder: &Path) -> Places {
    let mut places = Places::new();
    match list(folder) {
        Ok(entries) => {
            for (name, is_folder) in entries {
                if is_folder {
                    read_named(folder, &name, &mut places);
                } else if name.ends_with(GENERATED_SUFFIX) {
                    let place = format!("{SECRETS_FOLDER}/{name}");
                    places.insert(
                        (place.clone(), None),
                        read_generated(&folder.join(&name), &place),
                    );
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => broken(&mut places, SECRETS_FOLDER, &error),
    }
    places
}

/// `secrets/<name>/<key>`, or `secrets/<namespace>/<name>/<key>`.
fn read_named(folder: &Path, name: &str, places: &mut Places) {
    let path = folder.join(name);
    let place = format!("{SECRETS_FOLDER}/{name}");
    match list(&path) {
        Ok(entries) => {
            let (folders, keys): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|(_, is_folder)| *is_folder);
            if !keys.is_empty() {
                let key = ObjectKey::new(DEFAULT_NAMESPACE, name);
                places.insert((place.clone(), None), read_keys(&path, &place, key, keys));
            }
            for (inner, _) in folders {
                let place = format!("{place}/{inner}");
                let path = path.join(&inner);
                let key = ObjectKey::new(name, &inner);
                match list(&path) {
                    Ok(mut keys) => {
                        keys.retain(|(_, is_folder)| !is_folder);
                        places.insert((place.clone(), None), read_keys(&path, &place, key, keys));
                    }
                    Err(error) => broken(places, &place, &error),
                }
            }
        }
        Err(error) => broken(places, &place, &error),
    }
}

/// One Secret from a folder of keys. All or nothing: half a Secret is worse than none.
fn read_keys(
    folder: &Path,
    place: &str,
    key: ObjectKey,
    names: Vec<(String, bool)>,
) -> Result<FoundSecret, Problem> {
    let mut data = BTreeMap::new();
    for (name, _) in names {
        let file = format!("{place}/{name}");
        let path = folder.join(&name);
        let (bytes, mode) = read_bytes(&path).map_err(|why| Problem::of_file(&file, why))?;
        if mode & OTHERS != 0 {
            return Err(Problem::of_file(&file, not_private(&path)));
        }
        data.insert(name, SecretValue::from(bytes.to_vec()));
    }
    Ok(FoundSecret {
        key,
        data,
        file: Some(place.to_owned()),
    })
}

fn read_generated(path: &Path, place: &str) -> Result<FoundSecret, Problem> {
    let problem = |why: String| Problem::of_file(place, why);
    let (bytes, mode) = read_bytes(path).map_err(problem)?;
    if mode & OTHERS != 0 {
        return Err(problem(not_private(path)));
    }
    // The error's own text could quote a value.
    let secret: Secret = serde_json::from_slice(&bytes).map_err(|error| {
        problem(format!(
            "is no Secret in JSON (line {}): put back a copy of it; it is not made again",
            error.line()
        ))
    })?;
    Ok(from_document(&secret, None))
}

/// The visible entries of a folder in order, and whether each is a folder.
fn list(folder: &Path) -> io::Result<Vec<(String, bool)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if !name.starts_with('.') {
            // Links count as what they lead to, as where Secrets are mounted.
            let is_folder = fs::metadata(entry.path()).is_ok_and(|about| about.is_dir());
            entries.push((name, is_folder));
        }
    }
    entries.sort();
    Ok(entries)
}

fn broken(places: &mut Places, place: &str, error: &io::Error) {
    let why = format!("cannot be read ({error}): let the user that runs the operator read it");
    places.insert((place.to_owned(), None), Err(Problem::of_file(place, why)));
}

/// Whether only the owner may enter a folder of Secrets.
pub(super) fn folder_problem(folder: &Path) -> Option<Problem> {
    let mode = fs::metadata(folder).ok()?.permissions().mode();
    (mode & 0o022 != 0).then(|| {
        Problem::of_file(
            SECRETS_FOLDER,
            format!(
                "others than its owner may write to it: chmod 700 {}",
                folder.display()
            ),
        )
    })
}
