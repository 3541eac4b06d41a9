//! What the cache of a kind says when it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::ahead::{Known, What};
use super::cache::Cache;
use super::kind::Kind;
use super::tolerant::Malformed;
use crate::error::StoreError;
use crate::key::ObjectKey;

/// What the cache says.
#[derive(Debug)]
pub(crate) enum Lookup<T> {
    /// This.
    Found(T),
    /// It does not know.
    AskServer,
}

impl<K: Kind> Cache<K> {
    /// An object as it is known here.
    pub(crate) fn object(
        &self,
        key: &ObjectKey,
        now: Instant,
    ) -> Result<Lookup<Option<Arc<K>>>, StoreError> {
        match self.ahead.get(key, now, self.catch_up) {
            Known::What(What::There(object)) => {
                return Ok(self.unless_doubted(&object.cluster(), Some(object.clone())));
            }
            Known::What(What::Gone { .. }) => return Ok(Lookup::Found(None)),
            Known::AskServer => return Ok(Lookup::AskServer),
            Known::Nothing => {}
        }
        if let Some(malformed) = self.malformed.get(key) {
            return Err(malformed.error());
        }
        let Some(packed) = self.objects.get(key) else {
            return Ok(self.unless_doubted(key, None));
        };
        Ok(self.unless_doubted(&packed.cluster(key), Some(packed.unpack(key)?)))
    }

    /// The objects of a cluster, by name. One that cannot be read makes the whole answer unknown: a node left out is
    /// a node that the engine would make anew.
    pub(crate) fn members(
        &self,
        cluster: &ObjectKey,
        now: Instant,
    ) -> Result<Lookup<Vec<Arc<K>>>, StoreError> {
        self.readable(cluster)?;
        let ahead = self.ahead.there();
        let ahead = ahead.filter(|(_, object)| object.cluster() == *cluster);
        let keys: BTreeSet<&ObjectKey> = self
            .members
            .get(cluster)
            .into_iter()
            .flatten()
            .chain(ahead.map(|(key, _)| key))
            .collect();
        let mut members = Vec::with_capacity(keys.len());
        for key in keys {
            match self.object(key, now)? {
                Lookup::Found(object) => members.extend(object),
                Lookup::AskServer => return Ok(Lookup::AskServer),
            }
        }
        members.retain(|member| member.cluster() == *cluster);
        Ok(self.unless_doubted(cluster, members))
    }

    /// Whether no node of this cluster is hidden by being unreadable. A node is named `<cluster>-<machine>`.
    pub(crate) fn readable(&self, cluster: &ObjectKey) -> Result<(), StoreError> {
        let prefix = format!("{}-", cluster.name);
        let mut malformed = self.malformed.iter();
        match malformed
            .find(|(key, _)| key.namespace == cluster.namespace && key.name.starts_with(&prefix))
        {
            Some((_, malformed)) => Err(malformed.error()),
            None => Ok(()),
        }
    }

    fn unless_doubted<T>(&self, cluster: &ObjectKey, found: T) -> Lookup<T> {
        if self.doubted.contains(cluster) {
            Lookup::AskServer
        } else {
            Lookup::Found(found)
        }
    }

    /// The keys of all objects, those that cannot be read among them.
    pub(crate) fn keys(&self) -> BTreeSet<ObjectKey> {
        let ahead = self.ahead.there().map(|(key, _)| key);
        let reflected = self.objects.keys().chain(self.malformed.keys());
        reflected
            .filter(|key| !self.ahead.is_gone(key))
            .chain(ahead)
            .cloned()
            .collect()
    }

    /// The object in exactly this version, if it is known here.
    pub(crate) fn in_version(&self, key: &ObjectKey, version: &str) -> Option<Arc<K>> {
        let ahead = self.ahead.at(key);
        let ahead = ahead.filter(|o| o.meta().resource_version.as_deref() == Some(version));
        ahead.cloned().or_else(|| {
            let reflected = self.objects.get(key);
            reflected
                .filter(|o| o.version() == Some(version))?
                .unpack(key)
                .ok()
        })
    }

    /// An object as it was last seen, however old that is.
    pub(crate) fn last_seen(&self, key: &ObjectKey) -> Option<Arc<K>> {
        let ahead = self.ahead.at(key).cloned();
        ahead.or_else(|| self.objects.get(key)?.unpack(key).ok())
    }

    /// The objects of a cluster as they were last seen, however old that is.
    pub(crate) fn members_last_seen(&self, cluster: &ObjectKey) -> BTreeMap<ObjectKey, Arc<K>> {
        let reflected = self.members.get(cluster).into_iter().flatten();
        let reflected = reflected
            .filter_map(|key| Some((key.clone(), self.objects.get(key)?.unpack(key).ok()?)));
        let ahead = self.ahead.there();
        let ahead = ahead.filter(|(_, object)| object.cluster() == *cluster);
        let ahead = ahead.map(|(key, object)| (key.clone(), object.clone()));
        reflected.chain(ahead).collect()
    }

    /// Objects that cannot be read.
    pub(crate) fn malformed(&self) -> Vec<Malformed> {
        self.malformed.values().cloned().collect()
    }
}
