//! Bugs that tests plant to show that they would be found.
//!
//! Each is a mistake that a person could make. Without the feature `planted-bugs` none can be switched on and
//! the compiler removes them; no release is built with it.

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bug {
    /// S1: an empty node is ended without having been closed.
    EndWithoutClosing,
    /// S1: a closed node is ended although it is not empty.
    EndWhileOccupied,
    /// S1 (v2): the group is shrunk while an instance is in its launch hook.
    ShrinkWhilePending,
    /// S1: any value of the annotation forces, not only the node's own name.
    ForceUntyped,
    /// S2: a source that said nothing counts as zero.
    MissingIsZero,
    /// S2: a reading counts however old it is.
    StaleCounts,
    /// S3: masters are taken away two at a time.
    TwoMasters,
    /// S4: the record of the signal is lost.
    LostMarker,
    /// S5: a node that came a moment ago is taken for idle.
    NoGrace,
    /// S6: max and surge are forgotten when machines are started.
    NoLimit,
    /// S6: one too many.
    OffByOne,
    /// S7: everything unhealthy is replaced at once.
    NoRemediationCap,
    /// S8: the bucket goes with the cluster.
    DeletesBucket,
    /// S8: what carries somebody else's mark is changed.
    WrongOwner,
    /// S9: pause is forgotten.
    NoPause,
    /// S10: what is as it should be is written again.
    WritesAlways,
    /// S11: a new default changes a running cluster.
    ChangedDefault,
    /// S12: the balancer goes before the media nodes.
    BalancerFirst,
    /// S12: the cluster is let go while something is left.
    LeavesRest,
    /// S13: a configuration that drifted is repaired while people talk.
    CutsForDrift,
    /// S13: a step says that it cuts nothing.
    WrongCuts,
    /// Live read left out before a destructive step (engine).
    NoLiveRead,
    /// A deleted cluster is let go before the Secrets that were held for it (engine).
    ReleasesFirst,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::EndWithoutClosing,
        Self::EndWhileOccupied,
        Self::ShrinkWhilePending,
        Self::ForceUntyped,
        Self::MissingIsZero,
        Self::StaleCounts,
        Self::TwoMasters,
        Self::LostMarker,
        Self::NoGrace,
        Self::NoLimit,
        Self::OffByOne,
        Self::NoRemediationCap,
        Self::DeletesBucket,
        Self::WrongOwner,
        Self::NoPause,
        Self::WritesAlways,
        Self::ChangedDefault,
        Self::BalancerFirst,
        Self::LeavesRest,
        Self::CutsForDrift,
        Self::WrongCuts,
        Self::NoLiveRead,
        Self::ReleasesFirst,
    ];
}

/// The bugs that are planted: none, unless a test says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bugs(#[cfg(feature = "planted-bugs")] u32);

impl Bugs {
    /// None.
    pub const NONE: Self = Self(
        #[cfg(feature = "planted-bugs")]
        0,
    );

    /// This one.
    #[cfg(feature = "planted-bugs")]
    pub const fn only(bug: Bug) -> Self {
        Self(1 << bug as u8)
    }

    /// Whether this one is planted.
    #[cfg(feature = "planted-bugs")]
    pub const fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u8) != 0
    }

    /// Whether this one is planted: never, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    pub const fn has(self, _bug: Bug) -> bool {
        false
    }
}
