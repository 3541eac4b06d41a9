//! Clusters beside each other: what each may use, and whose it is.
//!
//! Pure, like the rest: the engine shows every cluster of its scope to the [`Ledger`] and acts on [`restricted`] copies of
//! the objects, which hold nothing that is somebody else's.

mod identity;
mod ledger;
mod restrict;

pub use identity::{ArnPattern, Identities, PatternError, Permits, external_id};
pub use ledger::{Dispute, Ledger, Verdict};
pub use restrict::{held_id, restricted};
