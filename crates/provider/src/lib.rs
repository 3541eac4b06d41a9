//! The traits behind which every backend lives, and the kit that tests them.
//!
//! A backend has two halves. [`Provider::desired`] is pure: from a cluster to the resources that it should
//! have. [`Provider::observe`] and [`Provider::execute`] are its effects. Nothing here decides anything: the
//! planner does, and a step tells all that is to be done.

#[cfg(feature = "conformance")]
pub mod conformance;
mod dial;
mod media;
mod provider;
mod secrets;
mod shared;

pub use dial::{ByteStream, Dial, Dialled};
pub use media::{Answers, Media, NodeAnswers, SourceAnswer};
pub use provider::{Call, Provider, ScopeChoice, Target};
pub use secrets::{NoSecrets, SecretSource};
