//! How OpenVidu is put on a machine: the flags of its installer, and the job that runs it.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

mod flags;
mod job;

pub use flags::{Credential, open_flags, secret_flags};
pub use job::{JOB_NAME, failure, job_id, script, source};
