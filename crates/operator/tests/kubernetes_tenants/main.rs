//! Namespaces that do not trust each other, on a real API server under one operator: what a hostile tenant writes gets it
//! nothing that is another's, and the other one notices nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
#[path = "../common/tenants.rs"]
mod tenants;

mod claims;
mod deletion;
mod existing;
mod identity;
mod says;
mod secrets;
mod targets;
