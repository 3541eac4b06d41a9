//! One kind in the API server, read from the cache or live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::{GetParams, ListParams};
use kube::core::{ObjectList, Request};
use tokio::time::Instant;

use super::bugs::Bugs;
use super::cache::Cache;
use super::kind::Kind;
use super::lookup::Lookup;
use super::options::KubernetesOptions;
use super::subject::Subject;
use super::synced::Synced;
use super::tolerant::Tolerant;
use super::transport::Transport;
use crate::embedded::object::{check_uid, check_version, describe};
use crate::error::StoreError;
use crate::key::ObjectKey;
use crate::port::Freshness;

/// Reads and writes the objects of one kind.
pub(crate) struct Objects<K> {
    pub(crate) transport: Arc<Transport>,
    cache: Mutex<Cache<K>>,
    pub(crate) synced: Synced,
    pub(super) bugs: Bugs,
}

// === impl Objects ===

impl<K: Kind> Objects<K> {
    pub(crate) fn new(transport: Arc<Transport>, options: &KubernetesOptions) -> Self {
        Self {
            transport,
            cache: Mutex::new(Cache::new(options.catch_up)),
            synced: Synced::new(options.call_timeout),
            bugs: options.bugs,
        }
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache<K>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object.
    pub(crate) async fn get(
        &self,
        key: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Option<Arc<K>>, StoreError> {
        if freshness == Freshness::Cached {
            self.synced.wait().await?;
            if let Lookup::Found(object) = self.cache().object(key, Instant::now())? {
                return Ok(object);
            }
        }
        self.live(key).await
    }

    /// The objects of a cluster, by name.
    pub(crate) async fn members(
        &self,
        cluster: &ObjectKey,
        freshness: Freshness,
    ) -> Result<Vec<Arc<K>>, StoreError> {
        if freshness == Freshness::Cached {
            self.synced.wait().await?;
            if let Lookup::Found(members) = self.cache().members(cluster, Instant::now())? {
                return Ok(members);
            }
        }
        self.live_members(cluster).await
    }

    pub(super) async fn live(&self, key: &ObjectKey) -> Result<Option<Arc<K>>, StoreError> {
        let before = (Instant::now(), self.cache().last_seen(key));
        let subject = Subject::object::<K>("get", key);
        let request = at_path::<K>(key).get(&key.name, &GetParams::default());
        let found = self
            .transport
            .find::<Tolerant<K>>(&subject, request)
            .await?;
        let found = found.map(Tolerant::sound).transpose()?.map(Arc::new);
        let mut cache = self.cache();
        cache.asked(key, before, found.as_ref(), Instant::now());
        // Only a cluster is its own: of a node this says nothing about the others.
        cache.settled(key);
        Ok(found)
    }

    async fn live_members(&self, cluster: &ObjectKey) -> Result<Vec<Arc<K>>, StoreError> {
        let begun = Instant::now();
        let before = self.cache().members_last_seen(cluster);
        let subject = Subject::all::<K>("list", Some(cluster.namespace.clone()));
        let params = ListParams::default().fields(&format!("spec.cluster={}", cluster.name));
        let list: ObjectList<Tolerant<K>> = self
            .transport
            .read(&subject, at_path::<K>(cluster).list(&params))
            .await?;
        let found = list.items.into_iter().map(Tolerant::sound);
        let mut found: Vec<Arc<K>> = found
            .map(|node| node.map(Arc::new))
            .collect::<Result<_, _>>()?;
        found.sort_by_key(|node| ObjectKey::of(&**node));
        let mut cache = self.cache();
        // One whose spec cannot be read is not in the answer.
        cache.readable(cluster)?;
        let now = Instant::now();
        for node in &found {
            cache.asked(&ObjectKey::of(&**node), (begun, None), Some(node), now);
        }
        for (key, old) in before {
            if !found.iter().any(|node| ObjectKey::of(&**node) == key) {
                cache.asked(&key, (begun, Some(old)), None, now);
            }
        }
        cache.settled(cluster);
        Ok(found)
    }

    /// What is known, or else what is stored.
    pub(super) async fn or_live(
        &self,
        known: Option<Arc<K>>,
        key: &ObjectKey,
    ) -> Result<Arc<K>, StoreError> {
        if let Some(known) = known {
            return Ok(known);
        }
        let live = self.live(key).await?;
        live.ok_or_else(|| StoreError::NotFound(describe(K::KIND, key)))
    }

    /// The stored object that a write with this version is about; the write is a conflict where another is stored.
    pub(crate) async fn base(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        uid: Option<&str>,
    ) -> Result<Arc<K>, StoreError> {
        key.check(K::KIND)?;
        let known = version.and_then(|version| self.cache().in_version(key, version));
        let base = self.or_live(known, key).await?;
        check_uid(K::KIND, key, base.meta(), uid)?;
        check_version(K::KIND, key, base.meta(), version)?;
        Ok(base)
    }

    /// Ends a write that changes nothing of `base`: with a read, because it is a conflict all the same where another
    /// version is stored.
    pub(crate) async fn unchanged(&self, base: &K) -> Result<Arc<K>, StoreError> {
        let (key, meta) = (ObjectKey::of(base), base.meta());
        let live = self.or_live(None, &key).await?;
        check_uid(K::KIND, &key, live.meta(), meta.uid.as_deref())?;
        check_version(K::KIND, &key, live.meta(), meta.resource_version.as_deref())?;
        Ok(live)
    }
}

/// Requests about objects in the namespace of this key.
pub(crate) fn at_path<K: Kind>(key: &ObjectKey) -> Request {
    Request::new(K::url_path(&(), Some(&key.namespace)))
}
