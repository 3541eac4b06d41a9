//! Secrets: digests for snapshots, values for steps, and the one time when credentials are made.

use std::collections::BTreeMap;

use ovo_api::OpenViduClusterSpec;
use ovo_api::annotations::IN_USE_FINALIZER;
use ovo_api::credentials::{DIGEST_KEY, GENERATED_SUFFIX, Origin, Place, credential_keys};
use ovo_api::profile::Profile;
use ovo_model::{CredentialsState, Resource, SecretDigest, SecretKey, Value};
use ovo_provider::SecretSource;
use ovo_store::{Freshness, ObjectKey, SecretObject, SecretValue, Store, StoreError, digest};
use secrecy::SecretString;

use crate::memory::{DigestCache, Memory};
use crate::small::Small;

/// The Secrets of one cluster, as one round read them.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) state: CredentialsState,
    pub(crate) user: BTreeMap<SecretKey, SecretDigest>,
    values: BTreeMap<String, std::sync::Arc<SecretObject>>,
}

impl SecretSource for Secrets {
    fn get(&self, key: &SecretKey) -> Option<SecretString> {
        self.values.get(&key.secret)?.text(&key.key)
    }
}

/// Name of the Secret that holds what is generated.
pub(crate) fn generated_name(cluster: &str) -> String {
    format!("{cluster}{GENERATED_SUFFIX}")
}

/// Reads the Secrets that the desired state refers to, and the generated one.
pub(crate) async fn read<S: Store>(
    store: &S,
    cluster: &ObjectKey,
    keys: &[&str],
    spec: &OpenViduClusterSpec,
    desired: &[Resource],
    memory: &mut Memory,
) -> Secrets {
    let generated = generated_name(&cluster.name);
    let mut secrets = Secrets {
        state: CredentialsState {
            secret: generated.clone(),
            known: true,
            ..CredentialsState::default()
        },
        ..Secrets::default()
    };
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for property in desired.iter().flat_map(|r| r.properties.values()) {
        if let Value::Secret { key, .. } = &property.value {
            wanted.entry(&key.secret).or_default().push(&key.key);
        }
    }
    // Without these nothing works, whether or not a resource of this backend carries them.
    for reference in spec.required_secrets() {
        wanted
            .entry(&reference.name)
            .or_default()
            .push(&reference.key);
    }
    let given = spec
        .credentials
        .as_ref()
        .map(|c| c.secret_ref.name.as_str());
    let mut names: Vec<&str> = wanted.keys().copied().collect();
    names.extend([generated.as_str()]);
    names.extend(given);
    names.sort_unstable();
    names.dedup();
    for name in names {
        match store
            .secret(&cluster.sibling(name), Freshness::Cached)
            .await
        {
            Ok(Some(secret)) => {
                secrets.values.insert(name.to_owned(), secret);
            }
            Ok(None) => {}
            Err(_) => secrets.state.known = false,
        }
    }
    // Keys that the user gave are theirs; the others are made once.
    let is_given = |key: &str| {
        given
            .and_then(|name| secrets.values.get(name))
            .is_some_and(|secret| secret.data.contains_key(key))
    };
    secrets.state.to_generate = keys
        .iter()
        .filter(|k| !is_given(k))
        .map(|k| (*k).to_owned())
        // The digests' own key is made even where the user gives all the rest: a rotation is seen by it.
        .chain([DIGEST_KEY.to_owned()])
        .collect();
    let hmac_key = secrets
        .values
        .get(&generated)
        .and_then(|s| s.data.get(DIGEST_KEY))
        .cloned();
    let version = |name: &str| {
        secrets
            .values
            .get(name)
            .and_then(|s| s.metadata.resource_version.clone())
            .unwrap_or_default()
    };
    let mut known = memory.digests.open();
    let before = known.len();
    known.retain(|name, _| secrets.values.contains_key(name));
    let mut changed = known.len() < before;
    for (name, secret) in &secrets.values {
        let versions = (version(name), version(&generated));
        let cache = known.entry(name.clone()).or_default();
        if cache.versions != versions || cache.digests.is_empty() {
            *cache = DigestCache {
                versions,
                digests: digests(secret, hmac_key.as_ref()),
            };
            changed = true;
        }
        if *name == generated {
            secrets.state.digests = cache.digests.clone();
            continue;
        }
        for key in wanted.get(name.as_str()).into_iter().flatten() {
            if let Some(found) = cache.digests.get(*key) {
                secrets.user.insert(
                    SecretKey {
                        secret: name.clone(),
                        key: (*key).to_owned(),
                    },
                    found.clone(),
                );
            }
        }
    }
    if changed {
        memory.digests = Small::keep(&known);
    }
    secrets
}

fn digests(secret: &SecretObject, key: Option<&SecretValue>) -> BTreeMap<String, SecretDigest> {
    secret
        .data
        .iter()
        .map(|(name, value)| {
            if name == DIGEST_KEY {
                return (name.clone(), SecretDigest("kept".to_owned()));
            }
            // Before the digest key exists nothing is built yet; that a key is there is all that counts.
            let text = key.map_or_else(
                || "present".to_owned(),
                |k| digest(k.expose(), value.expose()),
            );
            (name.clone(), SecretDigest(text))
        })
        .collect()
}

/// Fills the digests of what is there into the desired state, so that a snapshot says all that is wanted.
pub(crate) fn fill(desired: &mut [Resource], secrets: &Secrets) {
    for property in desired.iter_mut().flat_map(|r| r.properties.values_mut()) {
        if let Value::Secret { key, digest } = &mut property.value {
            let generated =
                (key.secret == secrets.state.secret).then(|| secrets.state.digests.get(&key.key));
            *digest = secrets.user.get(key).or(generated.flatten()).cloned();
        }
    }
}

/// Makes the missing keys, each once; what is there is left as it is.
pub(crate) async fn generate<S: Store>(
    store: &S,
    cluster: &ObjectKey,
    name: &str,
    keys: &[String],
) -> Result<(), StoreError> {
    let key = cluster.sibling(name);
    let old = store.secret(&key, Freshness::Live).await?;
    let mut secret = old
        .as_deref()
        .cloned()
        .unwrap_or_else(|| SecretObject::named(&key));
    let finalizers = secret.metadata.finalizers.get_or_insert_default();
    if !finalizers.iter().any(|f| f == IN_USE_FINALIZER) {
        finalizers.push(IN_USE_FINALIZER.to_owned());
    }
    if !secret.data.contains_key(DIGEST_KEY) {
        secret.data.insert(
            DIGEST_KEY.to_owned(),
            made(ovo_store::credentials::DIGEST_KEY_LENGTH)?,
        );
    }
    for key in keys.iter().filter(|k| *k != DIGEST_KEY) {
        if !secret.data.contains_key(key) {
            secret
                .data
                .insert(key.clone(), made(ovo_store::CREDENTIAL_LENGTH)?);
        }
    }
    match old {
        None => store.create_secret(secret).await.map(drop),
        Some(_) => store.update_secret(&secret).await.map(drop),
    }
}

fn made(length: usize) -> Result<SecretValue, StoreError> {
    let text = ovo_store::generate(&mut ovo_store::SystemRandomness, length).map_err(|e| {
        StoreError::Unavailable(format!("no randomness to make credentials with: {e}"))
    })?;
    Ok(SecretValue::from(&text))
}

/// Keys of the credentials that this profile needs and that are generated unless the user gives them.
pub(crate) fn keys(profile: &Profile) -> Vec<&'static str> {
    credential_keys(profile)
        .iter()
        .filter(|k| k.place == Place::Credentials && k.origin == Origin::Generated)
        .map(|k| k.name)
        .collect()
}
