//! The files in which the operator keeps the Secrets that it made: one a Secret, mode 0600, replaced whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use zeroize::Zeroizing;

use crate::embedded::failure::from_io;
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::secret::SecretObject;

/// How the names of the operator's own files end: JSON, which a person may copy into a manifest.
pub(crate) const SUFFIX: &str = ".generated.json";

/// The folder of Secrets in a served directory.
pub(crate) const FOLDER: &str = "secrets";

/// What the operator's own file of a Secret is called in a served directory.
pub(crate) fn place(key: &ObjectKey) -> String {
    format!("{FOLDER}/{}.{}{SUFFIX}", key.namespace, key.name)
}

/// A directory of Secrets.
#[derive(Debug)]
pub(crate) struct Vault {
    folder: PathBuf,
}

/// A file that is in its place, with what was there before put aside until the write is decided.
#[derive(Debug)]
#[must_use = "keep it or undo it"]
pub(crate) struct Staged {
    file: PathBuf,
    before: Option<PathBuf>,
}

// === impl Vault ===

impl Vault {
    /// The vault in a folder, which is made when the first Secret is written.
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, key: &ObjectKey) -> PathBuf {
        self.folder
            .join(format!("{}.{}{SUFFIX}", key.namespace, key.name))
    }

    /// Puts a Secret's file in its place, on disk when this returns.
    pub(crate) fn write(
        &self,
        key: &ObjectKey,
        metadata: &ObjectMeta,
        secret: &SecretObject,
    ) -> Result<Staged, StoreError> {
        let text = encode(metadata, secret)?;
        self.replace(key, &text)
            .map_err(|e| from_io(&self.file(key), &e))
    }

    fn replace(&self, key: &ObjectKey, text: &[u8]) -> io::Result<Staged> {
        if !self.folder.exists() {
            fs::create_dir_all(&self.folder)?;
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        }
        let file = self.file(key);
        let aside = |what: &str| {
            self.folder
                .join(format!(".{what}-{}.{}", key.namespace, key.name))
        };
        let (fresh, old) = (aside("new"), aside("old"));
        let written = write_new(&fresh, text);
        if let Err(error) = written {
            let _ = fs::remove_file(&fresh);
            return Err(error);
        }
        let before = file.exists().then_some(old);
        if let Some(old) = &before {
            remove_if_there(old)?;
            fs::hard_link(&file, old)?;
        }
        fs::rename(&fresh, &file)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(Staged { file, before })
    }

    /// Removes a Secret's file. One that stays is told of: its Secret would come back at the next start.
    pub(crate) fn remove(&self, key: &ObjectKey) {
        let file = self.file(key);
        if let Err(error) = remove_if_there(&file) {
            tracing::warn!(file = %file.display(), %error, "the file of a deleted Secret stays: remove it");
        }
    }
}

// === impl Staged ===

impl Staged {
    /// The write is done.
    pub(crate) fn keep(self) {
        if let Some(old) = self.before {
            let _ = fs::remove_file(old);
        }
    }

    /// The write is not done: what was there before comes back.
    pub(crate) fn undo(self) {
        let undone = match &self.before {
            Some(old) => fs::rename(old, &self.file),
            None => fs::remove_file(&self.file),
        };
        if let Err(error) = undone {
            tracing::error!(file = %self.file.display(), %error, "a Secret's file could not be put back");
        }
    }
}

fn encode(metadata: &ObjectMeta, secret: &SecretObject) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let data = secret
        .data
        .iter()
        .map(|(key, value)| (key.clone(), ByteString(value.expose().to_vec())));
    let object = Secret {
        metadata: ObjectMeta {
            name: metadata.name.clone(),
            namespace: metadata.namespace.clone(),
            labels: metadata.labels.clone(),
            annotations: metadata.annotations.clone(),
            ..ObjectMeta::default()
        },
        data: Some(data.collect()),
        ..Secret::default()
    };
    serde_json::to_vec_pretty(&object)
        .map(Zeroizing::new)
        .map_err(|e| StoreError::invalid("Secret", "data", format!("is not to be written: {e}")))
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    remove_if_there(path)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
