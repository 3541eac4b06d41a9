//! A cluster as it may be acted upon.

use std::collections::BTreeSet;
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::claims::{Claim, infrastructure_id, wanted};

/// The object with what it holds and nothing else: without machines of others, under its own id, with its own bucket.
pub fn restricted(cluster: &Arc<OpenViduCluster>, holds: &BTreeSet<Claim>) -> Arc<OpenViduCluster> {
    if wanted(cluster).keys().all(|claim| holds.contains(claim)) {
        return cluster.clone();
    }
    let mut copy = (**cluster).clone();
    let held = |text: &str| Claim::address(text).is_some_and(|claim| holds.contains(&claim));
    if let Some(on_prem) = &mut copy.spec.infrastructure.on_prem {
        on_prem.machines.retain(|machine| held(&machine.address));
    }
    if let Some(managed) = &mut copy.spec.load_balancer.managed {
        managed.virtual_ip.take_if(|address| !held(address));
    }
    let bucket = &mut copy.spec.storage.bucket.name;
    let named = bucket.clone().filter(|name| !name.is_empty());
    if named.is_some_and(|name| !holds.contains(&Claim::Bucket(name))) {
        *bucket = holds.iter().find_map(|claim| match claim {
            Claim::Bucket(name) => Some(name.clone()),
            _ => None,
        });
    }
    let id = held_id(holds);
    if id.is_some() && id != infrastructure_id(cluster) {
        let annotations = copy.metadata.annotations.get_or_insert_default();
        annotations.insert(
            INFRASTRUCTURE_ID.to_owned(),
            id.unwrap_or_default().to_owned(),
        );
    }
    Arc::new(copy)
}

/// The infrastructure id among what is held.
pub fn held_id<'h>(holds: impl IntoIterator<Item = &'h Claim>) -> Option<&'h str> {
    holds.into_iter().find_map(|claim| match claim {
        Claim::InfrastructureId(id) => Some(&**id),
        _ => None,
    })
}
