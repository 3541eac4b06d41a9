//! What nobody should do to objects, and what API servers do: nothing is lost, nothing half done, and it is said.
//!
//! A namespace that is deleted while its nodes drain is in `kubernetes_deletion`, a paused and a killed API server and
//! broken watches are in the store's tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
#[path = "../common/tenants.rs"]
mod tenants;

mod away;
mod by_hand;
mod clocks;
mod full;
mod scene;
mod unchecked;
