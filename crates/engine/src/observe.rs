//! From the store, the provider and the media to one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ovo_api::act::Role;
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_model::{
    Millis, NodeName, NodeReadings, Observation, ObservedNode, Presence, Resource, Scope, Snapshot,
};
use ovo_planner::tenants::restricted;
use ovo_provider::{Media, NodeAnswers, Provider, ScopeChoice, Target};

use crate::clock::Clock;
use crate::readings::Merge;
use crate::secrets::Secrets;
use crate::tenants::Standing;

/// Node records by the machine or instance that they are about.
pub(crate) fn by_machine(records: Vec<Arc<OpenViduNode>>) -> BTreeMap<NodeName, Arc<OpenViduNode>> {
    records
        .into_iter()
        .map(|n| (NodeName::from(n.spec.machine.as_str()), n))
        .collect()
}

/// The world as one read saw it.
pub(crate) struct Seen {
    pub(crate) observed: BTreeMap<Scope, Observation>,
    pub(crate) readings: BTreeMap<NodeName, NodeReadings>,
}

/// Reads everything.
pub(crate) async fn everything<P: Provider, M: Media, C: Clock>(
    (provider, media, clock): (&P, &M, &C),
    target: &Target,
    readings: BTreeMap<NodeName, NodeReadings>,
) -> Seen {
    let observed = provider.observe(target, &ScopeChoice::All).await;
    let readings = ask((media, clock), target, &observed, true, readings).await;
    Seen { observed, readings }
}

/// Reads some scopes afresh and keeps the others as they were seen.
pub(crate) async fn afresh<P: Provider, M: Media, C: Clock>(
    (provider, media, clock): (&P, &M, &C),
    target: &Target,
    scopes: BTreeSet<Scope>,
    before: &Snapshot,
) -> Seen {
    let mut fresh = provider
        .observe(target, &ScopeChoice::Only(scopes.clone()))
        .await;
    for scope in scopes {
        fresh
            .entry(scope)
            .or_insert_with(|| Observation::unknown("it was not in the answer"));
    }
    let readings = ask(
        (media, clock),
        target,
        &fresh,
        false,
        (*before.readings).clone(),
    )
    .await;
    let mut observed = before.observed.clone();
    observed.append(&mut fresh);
    Seen { observed, readings }
}

async fn ask<M: Media, C: Clock>(
    (media, clock): (&M, &C),
    target: &Target,
    observed: &BTreeMap<Scope, Observation>,
    whole: bool,
    old: BTreeMap<NodeName, NodeReadings>,
) -> BTreeMap<NodeName, NodeReadings> {
    let nodes: Vec<&ObservedNode> = observed
        .values()
        .filter_map(|o| match o {
            Observation::Known { nodes, .. } => Some(nodes.values()),
            Observation::Unknown { .. } => None,
        })
        .flatten()
        .filter(|n| n.role == Role::Media && may_hold(n))
        .collect();
    let asked = clock.now().mono;
    let answers: BTreeMap<NodeName, NodeAnswers> = if nodes.is_empty() {
        BTreeMap::new()
    } else {
        media.read(target, &nodes).await
    };
    let autoscaling = &target.cluster.spec.media.autoscaling;
    let merge = Merge {
        profile: target.profile,
        asked,
        interval: autoscaling.reading_interval().as_millis(),
        keep: window(
            autoscaling.scale_up.readings(),
            autoscaling.scale_down.readings(),
        ),
        observed,
        whole,
        answers: &answers,
    };
    merge.apply(old)
}

fn may_hold(node: &ObservedNode) -> bool {
    node.presence != Presence::Gone
        && node
            .running_drained()
            .is_none_or(|mut running| running.next().is_some())
}

/// The largest number of readings that a decision asks for, and one more.
fn window(up: i32, down: i32) -> usize {
    usize::try_from(up.max(down)).unwrap_or(0) + 1
}

/// Everything that one round knows.
pub(crate) struct Ground {
    /// Without what belongs to others.
    pub(crate) cluster: Arc<OpenViduCluster>,
    pub(crate) records: BTreeMap<NodeName, Arc<OpenViduNode>>,
    pub(crate) target: Target,
    pub(crate) desired: Arc<Vec<Resource>>,
    pub(crate) secrets: Secrets,
    pub(crate) standing: Standing,
}

impl Ground {
    /// Goes on with this version of the object.
    pub(crate) fn renew(&mut self, cluster: &Arc<OpenViduCluster>) {
        self.cluster = restricted(cluster, &self.standing.holds);
        self.target.cluster = self.cluster.clone();
    }

    pub(crate) fn snapshot<C: Clock>(&self, clock: &C, seen: Seen, simulated: bool) -> Snapshot {
        Snapshot {
            now: clock.now(),
            cluster: self.cluster.clone(),
            profile: self.target.profile,
            nodes: self.records.clone(),
            secrets: self.secrets.user.clone(),
            credentials: self.secrets.state.clone(),
            desired: self.desired.clone(),
            observed: seen.observed,
            readings: Arc::new(seen.readings),
            tenancy: self.standing.tenancy.clone(),
            simulated,
        }
    }
}

/// A round that found nothing to do for this long is still repeated, in milliseconds.
pub(crate) const IDLE_LOOK_MS: Millis = 60_000;
