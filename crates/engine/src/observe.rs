//! From the store, the provider and the media to one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ovo_api::act::Role;
use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_model::{
    MediaState, Millis, NodeName, NodeReadings, Observation, ObservedNode, Presence, Resource,
    Scope, SharedStore, Snapshot, Trial,
};
use ovo_planner::tenants::restricted;
use ovo_provider::{Answers, Media, Provider, ScopeChoice, Target};

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
    pub(crate) shared_store: Option<SharedStore>,
}

/// Whom to ask, and about what.
pub(crate) struct Asking<'a, P, M, C> {
    pub(crate) provider: &'a P,
    pub(crate) media: &'a M,
    pub(crate) clock: &'a C,
    pub(crate) target: &'a Target,
    pub(crate) secrets: &'a Secrets,
}

impl<P: Provider, M: Media, C: Clock> Asking<'_, P, M, C> {
    /// Reads everything.
    pub(crate) async fn everything(&self, readings: BTreeMap<NodeName, NodeReadings>) -> Seen {
        let observed = self.provider.observe(self.target, &ScopeChoice::All).await;
        self.ask(observed, true, readings).await
    }

    /// Reads some scopes afresh and keeps the others as they were seen.
    pub(crate) async fn afresh(&self, scopes: BTreeSet<Scope>, before: &Snapshot) -> Seen {
        let choice = ScopeChoice::Only(scopes.clone());
        let mut fresh = self.provider.observe(self.target, &choice).await;
        for scope in scopes {
            fresh
                .entry(scope)
                .or_insert_with(|| Observation::unknown("it was not in the answer"));
        }
        let mut seen = self.ask(fresh, false, (*before.readings).clone()).await;
        let mut observed = before.observed.clone();
        observed.append(&mut seen.observed);
        Seen {
            observed,
            readings: seen.readings,
            shared_store: seen.shared_store.or_else(|| before.shared_store.clone()),
        }
    }

    /// Asks OpenVidu about the media nodes that were seen.
    async fn ask(
        &self,
        mut observed: BTreeMap<Scope, Observation>,
        whole: bool,
        old: BTreeMap<NodeName, NodeReadings>,
    ) -> Seen {
        let nodes: Vec<&ObservedNode> = observed
            .values()
            .filter_map(|o| match o {
                Observation::Known { nodes, .. } => Some(nodes.values()),
                Observation::Unknown { .. } => None,
            })
            .flatten()
            .filter(|n| n.role == Role::Media && may_hold(n))
            .collect();
        let asked = self.clock.now().mono;
        let answers = if nodes.is_empty() {
            Answers::default()
        } else {
            self.media.read(self.target, &nodes, self.secrets).await
        };
        tell_unread(&answers);
        place(&mut observed, &answers.states);
        let autoscaling = &self.target.cluster.spec.media.autoscaling;
        let merge = Merge {
            profile: self.target.profile,
            asked,
            interval: autoscaling.reading_interval().as_millis(),
            keep: window(
                autoscaling.scale_up.readings(),
                autoscaling.scale_down.readings(),
            ),
            observed: &observed,
            whole,
            answers: &answers.nodes,
        };
        let readings = merge.apply(old);
        Seen {
            observed,
            readings,
            shared_store: answers.shared_store,
        }
    }
}

/// Why nodes count as busy of which a source said nothing.
fn tell_unread(answers: &Answers) {
    for (node, said) in &answers.nodes {
        for (source, answer) in said {
            if let Err(error) = answer {
                tracing::debug!(%node, ?source, %error, "not read");
            }
        }
    }
}

/// Where nodes stand in the cluster, by OpenVidu's own word where it gives one.
fn place(observed: &mut BTreeMap<Scope, Observation>, states: &BTreeMap<NodeName, MediaState>) {
    for observation in observed.values_mut() {
        if let Observation::Known { nodes, .. } = observation {
            for (name, node) in nodes {
                if let Some(state) = states.get(name) {
                    node.media = *state;
                }
            }
        }
    }
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

    pub(crate) fn snapshot<C: Clock>(
        &self,
        clock: &C,
        seen: Seen,
        trial: Trial,
        simulated: bool,
    ) -> Snapshot {
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
            shared_store: seen.shared_store,
            trial,
            tenancy: self.standing.tenancy.clone(),
            simulated,
        }
    }
}

/// A round that found nothing to do for this long is still repeated, in milliseconds.
pub(crate) const IDLE_LOOK_MS: Millis = 60_000;
