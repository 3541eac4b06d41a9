//! Secrets: those that people keep in files, and those that the operator made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::digest::digest_all;
use crate::embedded::Embedded;
use crate::embedded::image::{SecretRecord, SecretsRead};
use crate::embedded::object::{self, describe};
use crate::embedded::tx::Tx;
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::secret::{SecretObject, SecretValue};

const KIND: &str = "Secret";

/// A Secret as it was found in the directory.
#[derive(Clone, Debug)]
pub struct FoundSecret {
    /// Namespace and name.
    pub key: ObjectKey,
    /// Its values.
    pub data: BTreeMap<String, SecretValue>,
    /// The file or folder of a person; `None` for the operator's own file.
    pub file: Option<String>,
}

// === impl Embedded ===

impl Embedded {
    /// Takes over the Secrets of the directory: all that are there now, and the places that cannot be read. A Secret
    /// that is not among them is gone for readers, or unknown where its place is unreadable; its record is kept, so
    /// that it is the same Secret when its file comes back.
    pub async fn sync_secrets(
        &self,
        found: Vec<FoundSecret>,
        unreadable: BTreeSet<String>,
    ) -> Result<(), StoreError> {
        self.take_secrets(found).await?;
        self.core.set_secrets_read(SecretsRead::Read { unreadable });
        Ok(())
    }

    async fn take_secrets(&self, found: Vec<FoundSecret>) -> Result<(), StoreError> {
        let key = self.core.digest_key.clone();
        self.write(move |tx| {
            let mut seen = BTreeSet::new();
            for secret in found {
                if seen.insert(secret.key.clone()) {
                    take_over(tx, secret, &key)?;
                }
            }
            let gone = tx.image.secrets.keys().filter(|key| !seen.contains(*key));
            for key in gone.cloned().collect::<Vec<_>>() {
                if let Some(record) = tx.image.secret_records.get(&key) {
                    tx.keep_secret(record.clone(), None)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Deletes a Secret that the operator made: it goes when nothing holds it any more.
    pub async fn delete_secret(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |tx| {
            let record = tx.image.secret_records.get(&key);
            let record = record.ok_or_else(|| StoreError::NotFound(describe(KIND, &key)))?;
            if let Some(file) = &record.file {
                return Err(StoreError::invalid(
                    describe(KIND, &key),
                    "metadata",
                    format!("it comes from {file}: remove it there"),
                ));
            }
            tx.delete_secret(record)
        })
        .await
    }

    pub(super) async fn insert_secret(
        &self,
        secret: SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        let digest = digest_all(&self.core.digest_key, &secret.data);
        self.write(move |tx| {
            let key = secret.key();
            key.check(KIND)?;
            if tx.image.secret(&key)?.is_some() {
                return Err(StoreError::AlreadyExists(describe(KIND, &key)));
            }
            let uid = tx.uid()?;
            let mut metadata = secret.metadata.clone();
            object::initialize(&mut metadata, &key, uid, tx.now.clone());
            // Secrets have no spec, and so no generation.
            metadata.generation = None;
            tx.persist.insert(key);
            let record = SecretRecord {
                metadata,
                digest,
                file: None,
            };
            tx.put_secret(record, secret)
        })
        .await
    }

    pub(super) async fn replace_secret(
        &self,
        secret: SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        let digest = digest_all(&self.core.digest_key, &secret.data);
        self.write(move |tx| {
            let key = secret.key();
            let missing = || StoreError::NotFound(describe(KIND, &key));
            let stored = tx.image.secret(&key)?.ok_or_else(missing)?;
            let record = tx.image.secret_records.get(&key).ok_or_else(missing)?;
            let given = &secret.metadata;
            object::check_uid(KIND, &key, &record.metadata, given.uid.as_deref())?;
            object::check_version(
                KIND,
                &key,
                &record.metadata,
                given.resource_version.as_deref(),
            )?;
            let finalizers = given.finalizers.as_deref().unwrap_or_default();
            object::check_finalizers(KIND, &key, &record.metadata, finalizers)?;
            let changed = digest != record.digest;
            if changed && let Some(file) = &record.file {
                return Err(StoreError::invalid(
                    describe(KIND, &key),
                    "data",
                    format!("it comes from {file}: change it there"),
                ));
            }
            let mut next = SecretRecord::clone(record);
            next.digest = digest;
            next.metadata.labels.clone_from(&given.labels);
            next.metadata.annotations.clone_from(&given.annotations);
            next.metadata.finalizers.clone_from(&given.finalizers);
            object::tidy(&mut next.metadata);
            if next == **record {
                return Ok(stored.clone());
            }
            if changed {
                tx.persist.insert(key);
            }
            tx.put_secret(next, secret)
        })
        .await
    }
}

fn take_over(tx: &mut Tx<'_>, found: FoundSecret, digest_key: &[u8]) -> Result<(), StoreError> {
    found.key.check(KIND)?;
    let digest = digest_all(digest_key, &found.data);
    let values = SecretObject {
        metadata: ObjectMeta::default(),
        data: found.data,
    };
    let Some(record) = tx.image.secret_records.get(&found.key) else {
        let mut metadata = ObjectMeta::default();
        let uid = tx.uid()?;
        object::initialize(&mut metadata, &found.key, uid, tx.now.clone());
        metadata.generation = None;
        let record = SecretRecord {
            metadata,
            digest,
            file: found.file,
        };
        return tx.put_secret(record, values).map(drop);
    };
    if record.digest != digest || record.file != found.file {
        let record = SecretRecord {
            metadata: record.metadata.clone(),
            digest,
            file: found.file,
        };
        return tx.put_secret(record, values).map(drop);
    }
    if tx.image.secrets.contains_key(&found.key) {
        return Ok(());
    }
    tx.keep_secret(record.clone(), Some(values))
}
