//! What whoever knows other operators expects of one, each on a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
#[path = "../common/tenants.rs"]
mod tenants;

mod definitions;
mod drift;
mod looks;
mod pause;
mod scene;
mod tags;
mod told;
