//! Secrets that deletion needs: held by our finalizer from before the first use until nothing needs them.
//!
//! Whoever deletes a namespace deletes its Secrets in the same moment. Without the key to the machines nothing could be
//! taken away any more, and without OpenVidu's own credentials nobody could say who still talks.

use std::collections::BTreeSet;

use ovo_api::annotations::IN_USE_FINALIZER;
use ovo_api::{OpenViduCluster, OpenViduClusterSpec};
use ovo_store::{Freshness, ObjectKey, SecretObject, Store, StoreError};

use crate::secrets::generated_name;

/// The user's Secrets without which a cluster cannot be taken away.
fn needed(spec: &OpenViduClusterSpec) -> BTreeSet<&str> {
    let given = spec.credentials.iter().map(|c| &*c.secret_ref.name);
    let on_prem = spec.infrastructure.on_prem.iter();
    let ssh = on_prem.map(|o| &*o.ssh.private_key.secret_key_ref.name);
    given.chain(ssh).collect()
}

/// All that this cluster ever used: what status remembers of an earlier spec is among it.
fn ever_used(cluster: &OpenViduCluster) -> BTreeSet<&str> {
    let remembered = cluster
        .status
        .iter()
        .filter_map(|s| s.credentials.as_ref())
        .flat_map(|c| c.digests.keys())
        .filter_map(|key| Some(key.split_once('/')?.0));
    needed(&cluster.spec)
        .into_iter()
        .chain(remembered)
        .collect()
}

fn held(secret: &SecretObject) -> bool {
    let mut finalizers = secret.metadata.finalizers.iter().flatten();
    finalizers.any(|f| f == IN_USE_FINALIZER)
}

/// Where clusters wait for each other before they write to a Secret that several of them need: at once, all writes but
/// one would be conflicts.
pub(crate) type Turn = tokio::sync::Mutex<()>;

/// Holds what is needed, and lets go of what an earlier spec needed. What could not be written is tried again in the
/// next round.
pub(crate) async fn hold<S: Store>(store: &S, cluster: &OpenViduCluster, turn: &Turn) {
    let key = ObjectKey::of(cluster);
    let needed = needed(&cluster.spec);
    for name in ever_used(cluster) {
        let done = if needed.contains(name) {
            take(store, &key.sibling(name), turn).await
        } else {
            let_go(store, &key, name, Freshness::Cached).await
        };
        match done {
            // Somebody else wrote to it just now.
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(cluster = %key, secret = name, %error, "Secret cannot be held against its deletion");
            }
        }
    }
}

async fn take<S: Store>(store: &S, key: &ObjectKey, turn: &Turn) -> Result<(), StoreError> {
    // Nobody can hold what is going already.
    let to_take =
        |secret: &SecretObject| !held(secret) && secret.metadata.deletion_timestamp.is_none();
    let secret = store.secret(key, Freshness::Cached).await?;
    if !secret.is_some_and(|secret| to_take(&secret)) {
        return Ok(());
    }
    let _turn = turn.lock().await;
    let secret = store.secret(key, Freshness::Cached).await?;
    let Some(secret) = secret.filter(|secret| to_take(secret)) else {
        return Ok(());
    };
    let mut secret = (*secret).clone();
    let finalizers = secret.metadata.finalizers.get_or_insert_default();
    finalizers.push(IN_USE_FINALIZER.to_owned());
    store.update_secret(&secret).await.map(drop)
}

/// Lets all Secrets of a cluster go, the generated one among them, when the cluster does.
pub(crate) async fn release<S: Store>(
    store: &S,
    key: &ObjectKey,
    cluster: Option<&OpenViduCluster>,
) -> Result<(), StoreError> {
    let generated = generated_name(&key.name);
    let mut names = cluster.map(ever_used).unwrap_or_default();
    names.insert(&generated);
    for name in names {
        let_go(store, key, name, Freshness::Live).await?;
    }
    Ok(())
}

async fn let_go<S: Store>(
    store: &S,
    cluster: &ObjectKey,
    name: &str,
    freshness: Freshness,
) -> Result<(), StoreError> {
    let Some(secret) = store.secret(&cluster.sibling(name), freshness).await? else {
        return Ok(());
    };
    if !held(&secret) || others_need(store, cluster, name).await? {
        return Ok(());
    }
    let mut secret = (*secret).clone();
    let finalizers = secret.metadata.finalizers.get_or_insert_default();
    finalizers.retain(|f| f != IN_USE_FINALIZER);
    store.update_secret(&secret).await.map(drop)
}

/// Whether another cluster of the namespace needs this Secret.
async fn others_need<S: Store>(
    store: &S,
    cluster: &ObjectKey,
    name: &str,
) -> Result<bool, StoreError> {
    let keys = store.clusters().await?.into_iter();
    for key in keys.filter(|k| k.namespace == cluster.namespace && k != cluster) {
        if generated_name(&key.name) == name {
            return Ok(true);
        }
        // One that cannot be read may need it.
        match store.cluster(&key, Freshness::Cached).await {
            Ok(Some(other)) if needed(&other.spec).contains(name) => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ovo_store::Embedded;

    use super::*;

    #[tokio::test]
    async fn several_who_need_one_secret_write_to_it_once() {
        let store = Embedded::in_memory(|| 0, 1);
        let key = ObjectKey::new("video", "ssh");
        let turn = Turn::default();
        let secret = SecretObject::named(&key);
        store.create_secret(secret).await.unwrap();
        let before = store.writes();
        let first = turn.lock().await;
        let mut takes = [(); 3].map(|()| Box::pin(take(&store, &key, &turn)));
        // All of them have seen that it is to be written, before any of them has.
        for take in &mut takes {
            assert!(futures::poll!(take).is_pending());
        }
        drop(first);
        for take in takes {
            take.await.unwrap();
        }
        assert_eq!(store.writes(), before + 1);
        let secret = store.secret(&key, Freshness::Live).await.unwrap();
        assert!(held(&secret.unwrap()));
    }
}
