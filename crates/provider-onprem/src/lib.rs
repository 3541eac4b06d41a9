//! Machines reached by SSH.
//!
//! In layers: [`ssh`] runs one command on one machine, in bounded time, over a connection that is kept; [`machine`]
//! does what a machine can do with a file, a unit, a job and our records, each as one script that runs to its end or
//! has no effect; [`OnPrem`] puts both behind the [`Provider`](ovo_provider::Provider) trait. [`desired`] is the pure half.

pub mod desired;
pub mod machine;
mod provider;
pub mod ssh;

pub use provider::OnPrem;
