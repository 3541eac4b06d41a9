//! The oracle: what the operator did, counted, and the harm it did, in words.

use ovo_model::{ResourceId, Wall};
use serde::{Deserialize, Serialize};

/// A kind of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Harm {
    /// A room with somebody in it was ended by the operator's act or by what followed from it.
    Cut,
    /// The same, of a recording or a stream.
    JobCut,
    /// A container got a second drain signal.
    SecondSignal,
    /// More nodes than `max` and the surge.
    OverLimit,
    /// Fewer masters than the quorum, by our act.
    BelowQuorum,
    /// An act on what is not ours.
    ForeignTouched,
    /// A bucket is gone.
    BucketDeleted,
    /// More members than the group was told to have.
    Duplicate,
}

/// One harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// When.
    pub at: Wall,
    /// Infrastructure id of the deployment.
    pub deployment: String,
    /// What kind.
    pub harm: Harm,
    /// In words for people.
    pub words: String,
}

/// What the operator did, and what harm came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Steps carried out, whatever came of them.
    pub executed: u64,
    /// Media nodes that were closed to new sessions on our behalf.
    pub drains_begun: u64,
    /// Media nodes that were stopped or ended by us, or by the masters after our shrinking.
    pub nodes_ended: u64,
    /// Closings before whose effect, and after our last look, a room was opened on the node.
    pub closings_raced: u64,
    /// Rooms with somebody in them that ended by our act, Force and what the user allowed excepted.
    pub conversations_cut: u64,
    /// The same, of recordings and streams.
    pub jobs_cut: u64,
    /// Rooms that ended by force, or where the user allowed it.
    pub cut_as_allowed: u64,
    /// Second drain signals.
    pub second_signals: u64,
    /// Rooms that ended by a fault.
    pub faults: u64,
    /// Most media nodes that were up at once, of any deployment.
    pub most_nodes: u32,
    /// Rooms, joiners, restarts and revivals by the adversary.
    pub adversary_acts: u64,
    /// Faults that befell the world by themselves.
    pub befell: u64,
    /// The harm. Only the first 1,000 are kept.
    pub violations: Vec<Violation>,
    /// All harm, also what is not kept.
    pub harms: u64,
}

impl Ledger {
    pub(crate) fn harm(&mut self, at: Wall, deployment: &str, harm: Harm, words: String) {
        self.harms += 1;
        if self.violations.len() < 1000 {
            self.violations.push(Violation {
                at,
                deployment: deployment.to_owned(),
                harm,
                words,
            });
        }
    }
}

/// Whom a consequence is laid to: one step of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blame {
    /// The step's id.
    pub(crate) step: String,
    /// A person typed a name, or the user allowed this kind of act to cut.
    pub(crate) allowed: bool,
    /// The operator's last look before it: the count of placed rooms then.
    pub(crate) looked: u64,
}

/// The words of a touched thing that is not ours.
pub(crate) fn not_ours(resource: &ResourceId, step: &str) -> String {
    format!("{step}: {resource} is not ours")
}
