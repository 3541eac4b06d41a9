//! The Kubernetes adapter over a real API server.
//!
//! A server costs five seconds of a core, so cases share one, each in a namespace of its own; all are run, and those
//! that fail are named together.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod bed;
mod cases;
mod conformance;
mod denied;
mod events;
mod faults;
mod gate;
mod lag;
mod limits;
mod malformed;
mod people;
mod quiet;
mod rights;
mod rotation;
mod scope;
mod server;
mod wire;
mod writes;
