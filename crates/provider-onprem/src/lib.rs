//! Machines reached by SSH.
//!
//! In layers: [`ssh`] runs one command on one machine, in bounded time, over a connection that is kept; [`machine`]
//! does what a machine can do with a file, a unit, a job and our records, each as one script that runs to its end or
//! has no effect; [`OnPrem`] puts both behind the [`Provider`](ovo_provider::Provider) trait for the contents of one
//! machine, [`Fleet`] for a whole cluster of OpenVidu. [`desired`] and [`install`] are the pure halves; [`preflight`] is
//! what is asked before anything is changed.

pub mod desired;
mod fleet;
pub mod install;
pub mod machine;
pub mod preflight;
mod provider;
pub mod ssh;

pub use fleet::{Fleet, KeyAnswer, Keys, Records, RecordsAnswer};
pub use provider::OnPrem;
