//! What can be set.

use ovo_api::targets::Loopback;
use ovo_model::Millis;
use ovo_planner::bugs::Bugs;
use ovo_planner::tenants::Identities;

/// Whether plans are checked. Always, but in the tests that show what would happen otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checking {
    /// Every plan, and every destructive step again just before it runs.
    #[default]
    On,
    /// Never: for tests that plant a bug and look for its harm.
    #[cfg(feature = "planted-bugs")]
    Off,
}

/// What clusters may name.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether a machine may be the operator's own.
    pub loopback: Loopback,
    /// Who may be acted as in AWS.
    pub identities: Identities,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clusters that are worked on at once.
    pub concurrency: usize,
    /// First pause after an error that may pass, in milliseconds.
    pub retry_first: Millis,
    /// Longest pause after errors, in milliseconds.
    pub retry_longest: Millis,
    /// Seed of infrastructure ids and jitter.
    pub seed: u64,
    /// Whether this serves the simulator: said in status.
    pub simulated: bool,
    /// Which targets and identities clusters may name.
    pub policy: Policy,
    /// Planted bugs: none outside of tests.
    pub bugs: Bugs,
    /// Whether plans are checked.
    pub checking: Checking,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 8,
            retry_first: 1_000,
            retry_longest: 300_000,
            seed: 0,
            simulated: false,
            policy: Policy::default(),
            bugs: Bugs::NONE,
            checking: Checking::On,
        }
    }
}
