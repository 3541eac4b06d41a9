//! The `openvidu-operator` program: flags, wiring, commands.
//!
//! Decisions are made elsewhere (`ovo-planner`), effects too (`ovo-engine`, the providers, the store). Here the
//! parts are put together, and what they do is shown to people.

pub mod cli;
mod commands;
mod demo;
mod failure;
mod http;
pub mod local;
mod logs;
mod metrics;
#[doc(hidden)]
pub mod probe;
#[cfg(feature = "kubernetes")]
mod remote;
#[cfg(feature = "kubernetes")]
mod tenancy;
#[cfg(feature = "otlp")]
mod traces;
mod view;

pub use commands::{run, run_probed};
pub use failure::Failure;
