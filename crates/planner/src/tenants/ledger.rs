//! Who holds what.
//!
//! A claim is kept by whoever's status records it: first committed, not first created, because a tenant can change what
//! an old object names. Only among those that hold nothing yet the older object goes first, then the name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ovo_api::OpenViduCluster;
use ovo_api::claims::{Claim, recorded, wanted};
use ovo_model::Wall;

use super::restrict::held_id;

/// `namespace/name`; one text for all that is noted of a cluster.
type Name = Arc<str>;

/// What one cluster wants and holds.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// When its object was made, in milliseconds: only for an order.
    created: i64,
    /// In order, as all that follows: there are as many of these as machines, and a map's spare room costs more than
    /// what stands in it.
    wants: Box<[Claim]>,
    holds: Box<[Claim]>,
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
    /// Who wants or holds a claim: hardly ever more than one.
    concerned: BTreeMap<Claim, Vec<Name>>,
}

// === impl Entry ===

impl Entry {
    fn holds(&self, claim: &Claim) -> bool {
        self.holds.binary_search(claim).is_ok()
    }
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
        let wants: Box<[Claim]> = wanted(cluster).into_keys().collect();
        // What was given out is remembered here before status says it, and whoever else writes there gives nothing.
        let (name, holds) = match self.forget(&name) {
            Some((name, known)) => (name, known.holds),
            None => (Name::from(name), held_at_first(cluster, &wants)),
        };
        let mut holds = holds.into_vec();
        if may_take {
            // A deployment keeps its id for as long as its object lives.
            holds.retain(|claim| {
                wants.binary_search(claim).is_ok()
                    || matches!(claim, Claim::InfrastructureId(_) | Claim::Other(_))
                    || in_use(claim)
            });
        }
        let created = cluster.metadata.creation_timestamp.as_ref();
        let entry = Entry {
            created: created.map_or(i64::MAX, |t| Wall::from_time(t).0),
            wants,
            holds: holds.into_boxed_slice(),
            may_take,
        };
        self.concern(&name, entry.wants.iter().chain(&entry.holds));
        self.clusters.insert(name, entry);
    }

    /// Whether the object does not name a machine any more that it holds: then it matters what is still there.
    pub fn lets_go(&self, cluster: &OpenViduCluster) -> bool {
        let wants = wanted(cluster);
        let let_go =
            |claim: &Claim| matches!(claim, Claim::Address(_)) && !wants.contains_key(claim);
        match self.clusters.get(&*name_of(cluster)) {
            Some(entry) => entry.holds.iter().any(let_go),
            None => recorded(cluster).any(|claim| let_go(&claim)),
        }
    }

    /// Gives a cluster all that it wants, or nothing more than it holds if some of that is another's: who waits for the
    /// rest with half of it in hand would make others wait for nothing.
    pub fn take(&mut self, cluster: &OpenViduCluster) -> Verdict {
        let mut verdict = self.judge(cluster);
        if let Some(entry) = self.clusters.get_mut(&*name_of(cluster))
            && entry.may_take
            && verdict.disputes.is_empty()
            && verdict.kept_id.is_none()
        {
            verdict.holds.extend(entry.wants.iter().cloned());
            entry.holds = verdict.holds.iter().cloned().collect();
        }
        verdict
    }

    /// How a cluster stands; nothing changes.
    pub fn judge(&self, cluster: &OpenViduCluster) -> Verdict {
        let Some((name, entry)) = self.clusters.get_key_value(&*name_of(cluster)) else {
            return Verdict::default();
        };
        let wanted = wanted(cluster);
        let dispute = |claim: &Claim| {
            Some(Dispute {
                owner: self.owner(name, entry, claim)?.to_string(),
                field: wanted.get(claim)?.clone(),
                claim: claim.clone(),
            })
        };
        let disputes: Vec<Dispute> = entry.wants.iter().filter_map(dispute).collect();
        // Recorded by two: none but a person with rights on status can do that, and only one of them goes on.
        let undisputed = |claim: &&Claim| self.owner(name, entry, claim).is_none();
        let holds: BTreeSet<Claim> = entry.holds.iter().filter(undisputed).cloned().collect();
        let kept_id = held_id(&entry.holds)
            .filter(|id| {
                let held = Claim::InfrastructureId((*id).to_owned());
                entry.wants.binary_search(&held).is_err()
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

    fn concern<'c>(&mut self, name: &Name, claims: impl Iterator<Item = &'c Claim>) {
        for claim in claims {
            // Room for one.
            let concerned = self.concerned.entry(claim.clone());
            let concerned = concerned.or_insert_with(|| Vec::with_capacity(1));
            if let Err(place) = concerned.binary_search(name) {
                concerned.insert(place, name.clone());
            }
        }
    }

    fn forget(&mut self, name: &str) -> Option<(Name, Entry)> {
        let (name, entry) = self.clusters.remove_entry(name)?;
        for claim in entry.wants.iter().chain(&entry.holds) {
            if let Some(concerned) = self.concerned.get_mut(claim) {
                concerned.retain(|other| *other != name);
                if concerned.is_empty() {
                    self.concerned.remove(claim);
                }
            }
        }
        Some((name, entry))
    }

    /// Whose a claim is, if it is another's.
    fn owner<'l>(&'l self, name: &'l Name, entry: &Entry, claim: &Claim) -> Option<&'l Name> {
        let holds = entry.holds(claim);
        let others = || {
            let concerned = self.concerned.get(claim).into_iter().flatten();
            concerned
                .filter(move |other| *other != name)
                .filter_map(|other| Some((other, self.clusters.get(other)?)))
        };
        let before = |other: &Name, its: &Entry| (its.created, other) < (entry.created, name);
        let holder = others()
            .filter(|(_, its)| its.holds(claim))
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
            && entry.wants.iter().all(|claim| {
                let mut concerned = self.concerned.get(claim).into_iter().flatten();
                !concerned.any(|other| {
                    other != name && self.clusters.get(other).is_some_and(|its| its.holds(claim))
                })
            })
    }
}

/// What a cluster holds that nobody has met yet: what status records. A release that recorded no claims built what the
/// object says.
fn held_at_first(cluster: &OpenViduCluster, wants: &[Claim]) -> Box<[Claim]> {
    let recorded: BTreeSet<Claim> = recorded(cluster).collect();
    let built = cluster
        .status
        .as_ref()
        .is_some_and(|s| s.credentials.is_some() || !s.applied.is_empty());
    if recorded.is_empty() && built {
        return wants.into();
    }
    recorded.into_iter().collect()
}

/// `namespace/name`.
fn name_of(cluster: &OpenViduCluster) -> String {
    let metadata = &cluster.metadata;
    format!(
        "{}/{}",
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default()
    )
}
