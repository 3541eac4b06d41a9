//! Bugs of this adapter that tests plant to show that they would be found.
//!
//! Each is a mistake that a person could make here. Without the feature `planted-bugs` none can be switched on and the
//! compiler removes them; no release is built with it.

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bug {
    /// No answer is taken for a failure: a Secret is made again, under a name that is sure to be free.
    AnotherName,
    /// The cache is believed also where nobody knows what a write did.
    LateCacheTrusted,
}

/// The bugs that are planted: none, unless a test says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bugs(#[cfg(feature = "planted-bugs")] u8);

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
    pub(crate) const fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u8) != 0
    }

    /// Whether this one is planted: never, in this build.
    #[cfg(not(feature = "planted-bugs"))]
    pub(crate) const fn has(self, _bug: Bug) -> bool {
        let Self() = self;
        false
    }
}
