//! The loop: observe, plan, check, commit intent, execute, report.
//!
//! [`Engine::reconcile`] is one round for one cluster. It makes no choice of its own: what is done follows from
//! the plan, whether it may be done from the checker, and how often it is tried from the answers' classes.
//! [`Runner`] decides when a round is due, for many clusters at once.

mod admission;
mod backoff;
mod clock;
mod commit;
mod execute;
mod hold;
mod in_use;
mod memory;
mod observe;
mod options;
mod readings;
mod reconcile;
mod report;
mod runner;
mod secrets;
mod small;
mod teardown;
mod tenants;
mod trial;

pub use clock::{Clock, SystemClock};
pub use options::{Checking, Options, Policy};
pub use reconcile::Engine;
pub use report::{EngineError, Executed, Report, StepResult};
pub use runner::{Observer, Runner};
