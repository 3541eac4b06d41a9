//! The operator's media client, asked about a deployment of models with four real Redis and their sentinels.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

#[path = "../common/mod.rs"]
mod common;

mod bed;
mod faults;
mod reads;
mod trial;
mod wire;
