//! A **model** of LiveKit's server as OpenVidu's media nodes run it, of its egress and ingress, and of ports that answer.
//!
//! It is a model and no LiveKit: no media flows. What it models is what an operator of nodes sees and does: signals,
//! records in Redis, health, metrics, tokens, rooms and who is in them. Where that comes from and what is left out:
//! see the README beside this crate. [`conformance`] is what the model and the real server have to agree on; it knows
//! neither, only addresses and a way to send signals.

mod args;
pub mod client;
pub mod conformance;
mod door;
mod operator;
mod registry;
mod selection;
mod server;
mod signals;
mod token;
mod worker;

pub use args::{Command, Defect, run};
pub use token::{admin, guest};
