//! A real Kubernetes API server for tests: etcd, kube-apiserver and, when asked for, kube-controller-manager, on
//! loopback, with a kubectl of the same release.
//!
//! An [`ApiServer`] is ready in about four seconds. Its state is in a folder of its own; processes and folder go when the
//! value is dropped, and also when the process that holds it is killed. Nothing here is a model. What is missing beside a
//! whole Kubernetes: nodes, pods, and all controllers but those for garbage, namespaces and service accounts.
//!
//! `scripts/install-kube` builds the programs once, which takes some minutes; needs Go.
//!
//! This crate only runs processes. It knows no client of Kubernetes; [`ApiServer::request`] is for what no client would say.

mod audit;
mod client;
mod controllers;
mod crds;
mod daemon;
mod etcd;
mod faults;
mod flags;
mod ports;
mod programs;
mod server;
mod user;

pub use audit::Audited;
pub use client::Answer;
pub use faults::Part;
pub use server::{ApiServer, Builder};
pub use user::ADMIN;
