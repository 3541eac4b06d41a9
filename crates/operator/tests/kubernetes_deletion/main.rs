//! Every way in which a cluster is deleted, on a real API server with its garbage collector and namespace controller.
//! People talk while it happens; nobody is cut, and nothing is left that costs money.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
mod kube;
#[path = "../common/tenants.rs"]
mod tenants;

mod after;
mod cascades;
mod crds;
mod records;
mod restored;
mod waits;
