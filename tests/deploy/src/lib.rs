//! What is under `deploy/`, rendered by the tools that users render it with.
//!
//! kubectl and helm are the real ones, built from pinned modules, and so is the API server that they speak to. There is no
//! kubelet: pods are admitted, never run.

mod bed;
mod rendered;

pub use bed::Bed;
pub use rendered::{Rendered, difference, objects};
