//! Who holds what.
//!
//! A claim is kept by whoever's status records it: first committed, not first created, because a tenant can change what
//! an old object names. Only among those that hold nothing yet the older object goes first, then the name.

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::OpenViduCluster;
use ovo_api::claims::{Claim, recorded, wanted};
use ovo_model::Wall;

use super::restrict::held_id;

/// `namespace/name`.
type Name = String;

/// What one cluster wants and holds.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// When its object was made, in milliseconds: only for an order.
    created: i64,
    wants: BTreeMap<Claim, String>,
    holds: BTreeSet<Claim>,
    may_take: bool,
}

/// Something that a cluster names and that is another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The field that names it.
    pub field: String,
    /// What it is.
    pub claim: Claim,
    /// Whose it is: `namespace/name`.
    pub owner: String,
}

/// How a cluster stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is its own.
    pub holds: BTreeSet<Claim>,
    /// What it names and is another's.
    pub disputes: Vec<Dispute>,
    /// The infrastructure id of its deployment, where the object names another one now.
    pub kept_id: Option<String>,
    /// Whether something stands in its status and in another's, and the other one goes on.
    pub lost: bool,
}

/// All clusters of one operator, and what each holds. Made anew by every leader from what status records.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    clusters: BTreeMap<Name, Entry>,
    /// Who wants or holds a claim.
    concerned: BTreeMap<Claim, BTreeSet<Name>>,
}

// === impl Dispute ===

impl Dispute {
    /// Field, value, owner and way out.
    pub fn message(&self) -> String {
        let way_out = match &self.claim {
            Claim::Address(_) | Claim::Other(_) => {
                "take it off this cluster, or off the other one first"
            }
            Claim::Bucket(_) => "name another bucket, or none, and one is made for this cluster",
            Claim::ClusterId { .. } => "give this cluster a clusterID of its own",
            Claim::InfrastructureId(_) => {
                "remove the annotation, and this cluster gets an id of its own; or delete the other object, \
                 with spec.deletion.policy Orphan, where this one is to take its deployment over"
            }
        };
        format!(
            "{}: {} belongs to OpenViduCluster {}; {way_out}",
            self.field,
            self.claim.words(),
            self.owner
        )
    }
}

// === impl Ledger ===

impl Ledger {
    /// Takes note of a cluster as its object is now.
    ///
    /// `may_take`: nothing else keeps it from being built. `in_use`: whether something of the cluster is still there under
    /// a claim that the object does not name any more, such as a machine that drains.
    pub fn note(
        &mut self,
        cluster: &OpenViduCluster,
        may_take: bool,
        in_use: impl Fn(&Claim) -> bool,
    ) {
        let name = name_of(cluster);
        let wants = wanted(cluster);
        let known = self.forget(&name);
        // What was given out is remembered here before status says it, and whoever else writes there gives nothing.
        let mut holds = known.map_or_else(|| held_at_first(cluster, &wants), |k| k.holds);
        if may_take {
            // A deployment keeps its id for as long as its object lives.
            holds.retain(|claim| {
                wants.contains_key(claim)
                    || matches!(claim, Claim::InfrastructureId(_) | Claim::Other(_))
                    || in_use(claim)
            });
        }
        let created = cluster.metadata.creation_timestamp.as_ref();
        for claim in wants.keys().chain(&holds) {
            let concerned = self.concerned.entry(claim.clone()).or_default();
            concerned.insert(name.clone());
        }
        self.clusters.insert(
            name,
            Entry {
                created: created.map_or(i64::MAX, |t| Wall::from_time(t).0),
                wants,
                holds,
                may_take,
            },
        );
    }

    /// Whether the object does not name a machine any more that it holds: then it matters what is still there.
    pub fn lets_go(&self, cluster: &OpenViduCluster) -> bool {
        let wants = wanted(cluster);
        let let_go =
            |claim: &Claim| matches!(claim, Claim::Address(_)) && !wants.contains_key(claim);
        match self.clusters.get(&name_of(cluster)) {
            Some(entry) => entry.holds.iter().any(let_go),
            None => recorded(cluster).any(|claim| let_go(&claim)),
        }
    }

    /// Gives a cluster all that it wants, or nothing more than it holds if some of that is another's: who waits for the
    /// rest with half of it in hand would make others wait for nothing.
    pub fn take(&mut self, cluster: &OpenViduCluster) -> Verdict {
        let mut verdict = self.judge(cluster);
        if let Some(entry) = self.clusters.get_mut(&name_of(cluster))
            && entry.may_take
            && verdict.disputes.is_empty()
            && verdict.kept_id.is_none()
        {
            verdict.holds.extend(entry.wants.keys().cloned());
            entry.holds.clone_from(&verdict.holds);
        }
        verdict
    }

    /// How a cluster stands; nothing changes.
    pub fn judge(&self, cluster: &OpenViduCluster) -> Verdict {
        let name = name_of(cluster);
        let Some(entry) = self.clusters.get(&name) else {
            return Verdict::default();
        };
        let dispute = |(claim, field): (&Claim, &String)| {
            self.owner(&name, entry, claim).map(|owner| Dispute {
                field: field.clone(),
                claim: claim.clone(),
                owner: owner.clone(),
            })
        };
        let disputes: Vec<Dispute> = entry.wants.iter().filter_map(dispute).collect();
        let mut holds = entry.holds.clone();
        // Recorded by two: none but a person with rights on status can do that, and only one of them goes on.
        holds.retain(|claim| self.owner(&name, entry, claim).is_none());
        let kept_id = held_id(&entry.holds)
            .filter(|id| {
                let held = Claim::InfrastructureId((*id).to_owned());
                !entry.wants.contains_key(&held)
            })
            .map(str::to_owned);
        Verdict {
            lost: holds.len() < entry.holds.len(),
            holds,
            disputes,
            kept_id,
        }
    }

    /// The object is gone, and what it held is free.
    pub fn gone(&mut self, namespace: &str, name: &str) {
        self.forget(&format!("{namespace}/{name}"));
    }

    fn forget(&mut self, name: &Name) -> Option<Entry> {
        let entry = self.clusters.remove(name)?;
        for claim in entry.wants.keys().chain(&entry.holds) {
            if let Some(concerned) = self.concerned.get_mut(claim) {
                concerned.remove(name);
                if concerned.is_empty() {
                    self.concerned.remove(claim);
                }
            }
        }
        Some(entry)
    }

    /// Whose a claim is, if it is another's.
    fn owner<'l>(&'l self, name: &'l Name, entry: &Entry, claim: &Claim) -> Option<&'l Name> {
        let holds = entry.holds.contains(claim);
        let others = || {
            let concerned = self.concerned.get(claim).into_iter().flatten();
            concerned
                .filter(move |other| *other != name)
                .filter_map(|other| Some((other, self.clusters.get(other)?)))
        };
        let before = |other: &Name, its: &Entry| (its.created, other) < (entry.created, name);
        let holder = others()
            .filter(|(_, its)| its.holds.contains(claim))
            .find(|(other, its)| !holds || before(other, its));
        if let Some((other, _)) = holder {
            return Some(other);
        }
        if holds {
            return None;
        }
        others()
            .find(|(other, its)| before(other, its) && self.could_take(other, its))
            .map(|(other, _)| other)
    }

    /// Whether nobody holds what this cluster still wants.
    fn could_take(&self, name: &Name, entry: &Entry) -> bool {
        entry.may_take
            && entry.wants.keys().all(|claim| {
                let mut concerned = self.concerned.get(claim).into_iter().flatten();
                !concerned.any(|other| {
                    other != name
                        && self
                            .clusters
                            .get(other)
                            .is_some_and(|its| its.holds.contains(claim))
                })
            })
    }
}

/// What a cluster holds that nobody has met yet: what status records. A release that recorded no claims built what the
/// object says.
fn held_at_first(cluster: &OpenViduCluster, wants: &BTreeMap<Claim, String>) -> BTreeSet<Claim> {
    let recorded: BTreeSet<Claim> = recorded(cluster).collect();
    let built = cluster
        .status
        .as_ref()
        .is_some_and(|s| s.credentials.is_some() || !s.applied.is_empty());
    if recorded.is_empty() && built {
        return wants.keys().cloned().collect();
    }
    recorded
}

fn name_of(cluster: &OpenViduCluster) -> Name {
    let metadata = &cluster.metadata;
    format!(
        "{}/{}",
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default()
    )
}
