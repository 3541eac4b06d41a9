//! Secrets: got when they are needed, written with compare-and-swap.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use kube::api::{GetParams, Patch, PatchParams, PostParams};
use kube::core::{PartialObjectMeta, Request};
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use tokio::time::Instant;

use super::bugs::{Bug, Bugs};
use super::call::Built;
use super::health::WatchHealth;
use super::options::{FIELD_MANAGER, KubernetesOptions};
use super::secret_cache::{Holds, SecretCache};
use super::secret_wire::{self, Wire};
use super::subject::Subject;
use super::transport::Transport;
use crate::embedded::object::{check_uid, check_version, describe};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::Freshness;
use crate::secret::SecretObject;

const KIND: &str = "Secret";

/// Reads and writes Secrets.
pub(crate) struct Secrets {
    transport: Arc<Transport>,
    cache: Mutex<SecretCache>,
    /// The watch of the versions, where there is one.
    watch: Option<Arc<WatchHealth>>,
    listing: Mutex<Option<BTreeSet<ObjectKey>>>,
    bugs: Bugs,
}

// === impl Secrets ===

impl Secrets {
    pub(crate) fn new(
        transport: Arc<Transport>,
        options: &KubernetesOptions,
        watch: Option<Arc<WatchHealth>>,
    ) -> Self {
        Self {
            transport,
            cache: Mutex::new(SecretCache::new(options.secret_max_age)),
            watch,
            listing: Mutex::default(),
            bugs: options.bugs,
        }
    }

    /// A Secret with its values.
    pub(crate) async fn get(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<SecretObject>>, StoreError> {
        let told = self
            .watch
            .as_ref()
            .is_some_and(|watch| watch.state().is_well());
        if freshness == Freshness::Cached
            && let Holds::Yes(held) = self.cache().get(key, told, Instant::now())
        {
            return Ok(held);
        }
        self.live(key).await
    }

    async fn live(&self, key: &ObjectKey) -> Result<Option<Arc<SecretObject>>, StoreError> {
        key.check(KIND)?;
        let subject = Subject::object::<Secret>("get", key);
        let request = at(key).get(&key.name, &GetParams::default());
        let found = self.transport.find::<Wire>(&subject, request).await?;
        let found = found.map(|wire| Arc::new(SecretObject::from(wire)));
        self.cache().put(key, found.clone(), Instant::now());
        Ok(found)
    }

    async fn stored(&self, key: &ObjectKey) -> Result<Arc<SecretObject>, StoreError> {
        let live = self.live(key).await?;
        live.ok_or_else(|| StoreError::NotFound(describe(KIND, key)))
    }

    /// Makes one.
    pub(crate) async fn create(
        &self,
        secret: SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        let key = secret.key();
        key.check(KIND)?;
        let subject = Subject::object::<Secret>("create", &key);
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let again = self.bugs.has(Bug::AnotherName).then(|| secret.clone());
        let request = match serde_json::to_vec(&secret_wire::new(secret)) {
            Ok(body) => at(&key).create(&params, body),
            Err(error) => {
                return Err(StoreError::invalid(
                    describe(KIND, &key),
                    "data",
                    error.to_string(),
                ));
            }
        };
        match (self.write(&key, &subject, request).await, again) {
            (Err(StoreError::Unavailable(_)), Some(mut again)) => {
                again.metadata.name = Some(format!("{}-again", key.name));
                Box::pin(self.create(again)).await
            }
            (made, _) => made,
        }
    }

    /// Writes values, labels, annotations and finalizers: those that differ.
    pub(crate) async fn update(
        &self,
        next: &SecretObject,
    ) -> Result<Arc<SecretObject>, StoreError> {
        let key = next.key();
        let (version, uid) = (&next.metadata.resource_version, &next.metadata.uid);
        let known = version
            .as_ref()
            .and_then(|version| self.cache().in_version(&key, version));
        let base = if let Some(known) = known {
            known
        } else {
            self.stored(&key).await?
        };
        let check = |stored: &SecretObject| {
            check_uid(KIND, &key, &stored.metadata, uid.as_deref())?;
            check_version(KIND, &key, &stored.metadata, version.as_deref())
        };
        check(&base)?;
        let Some(patch) = secret_wire::patch(&base, next) else {
            // No write, and a conflict all the same where another version is stored.
            let live = self.stored(&key).await?;
            check(&live)?;
            return Ok(live);
        };
        let subject = Subject::object::<Secret>("patch", &key).at(version.as_deref());
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let request = at(&key).patch(&key.name, &params, &Patch::Merge(patch));
        self.write(&key, &subject, request).await
    }

    async fn write(
        &self,
        key: &ObjectKey,
        subject: &Subject,
        request: Built,
    ) -> Result<Arc<SecretObject>, StoreError> {
        match self.transport.change::<Wire>(subject, request).await {
            Ok(wire) => {
                let secret = Arc::new(SecretObject::from(wire));
                self.cache().put(key, Some(secret.clone()), Instant::now());
                Ok(secret)
            }
            Err(error) => {
                self.cache().forget(key);
                Err(error)
            }
        }
    }

    /// The watch delivered something. Returns the Secrets that may have changed.
    pub(crate) fn take(&self, event: Event<PartialObjectMeta<Secret>>) -> BTreeSet<ObjectKey> {
        let mut listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cache = self.cache();
        let mut changed = BTreeSet::new();
        match event {
            Event::Init => *listing = Some(BTreeSet::new()),
            Event::InitApply(meta) | Event::Apply(meta) => {
                let key = ObjectKey::of(&meta);
                if let Some(seen) = &mut *listing {
                    seen.insert(key.clone());
                }
                if cache.told(key.clone(), meta.resource_version().unwrap_or_default()) {
                    changed.insert(key);
                }
            }
            Event::Delete(meta) => {
                let key = ObjectKey::of(&meta);
                if cache.told_gone(&key) {
                    changed.insert(key);
                }
            }
            Event::InitDone => {
                let seen = listing.take().unwrap_or_default();
                let gone: Vec<_> = cache
                    .known()
                    .filter(|key| !seen.contains(*key))
                    .cloned()
                    .collect();
                for key in gone {
                    cache.told_gone(&key);
                    changed.insert(key);
                }
            }
        }
        changed
    }

    fn cache(&self) -> MutexGuard<'_, SecretCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests about Secrets in the namespace of this key.
fn at(key: &ObjectKey) -> Request {
    Request::new(Secret::url_path(&(), Some(&key.namespace)))
}
