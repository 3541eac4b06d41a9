//! The points at which an operator over a real API server can die, or one of its requests can go wrong.
//!
//! What runs is in `tests/kubernetes_faults`: the API server is real, and so are the store and its client. The engine, the
//! scenarios and the simulated world, which is a **model**, are those of `ovo-simulation`.

mod points;

pub use points::{Fault, Point, named};
