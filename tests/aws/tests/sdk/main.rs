//! AWS's own SDKs against the simulated account. What they send is what they send to AWS, and what they read is read
//! by their own parsers. How the account behaves is a model, written from AWS's documentation.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod balancers;
mod caches;
mod common;
mod groups;
mod hooks;
mod images;
mod network;
mod templates;
mod troubles;
mod whole;
