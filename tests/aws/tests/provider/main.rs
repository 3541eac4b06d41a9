//! The AWS provider over the simulated account. The provider is the one that ships, and so are planner, checker, engine
//! and store; the account is a model, and so is what OpenVidu's masters say.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod conformance;
mod drift;
mod foreign;
mod gate;
mod hands;
mod life;
mod members;
mod reads;
mod site;
mod troubles;
