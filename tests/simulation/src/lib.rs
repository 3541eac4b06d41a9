//! Simulated days, enumerated crash points and planted bugs.
//!
//! The engine, the planner and the checker here are those of the operator. The store is its embedded store in
//! memory. The world is a **model** of machines, groups, masters and rooms; the clock jumps from event to event.
//! What is not modelled, no test here can find.

pub mod bed;
pub mod clock;
pub mod crash;
pub mod fixtures;
pub mod gate;
pub mod history;
pub mod home;
pub mod manifests;
pub mod parallel;
pub mod planted;
pub mod scenario;
pub mod store;
