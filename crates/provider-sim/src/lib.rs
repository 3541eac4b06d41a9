//! Provider and Media in process, over the simulated world.
//!
//! [`SimProvider`] and [`SimMedia`] are two doors to one [`ovo_world::World`], which is a model and says so.
//! Every call is over at once. What can go wrong on the way to a real backend is injected by an
//! [`Interceptor`]: failures, answers lost after their effect, calls that die half-way, stale, partial, empty
//! and lying reads. A [`SimJournal`] keeps the world on disk, so that meetings go on while the operator is
//! dead.

mod demo;
mod desired;
mod door;
mod faults;
mod interceptor;
mod journal;
mod media;
mod provider;
mod sight;

pub use demo::{DemoHand, demo_world, served_world};
pub use desired::desired;
pub use door::{Clock, SimDoor};
pub use faults::{FaultPermille, RandomFaults};
pub use interceptor::{CallInfo, CallKind, Interceptor, Lie, Moment, Verdict};
pub use journal::{JournalError, SimJournal};
pub use media::SimMedia;
pub use provider::SimProvider;
