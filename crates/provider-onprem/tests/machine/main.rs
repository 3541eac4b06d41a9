//! The provider on a real machine: systemd, sshd, sudo (see `ovo-machines`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod conformance;
mod crash;
mod dial;
mod leave;
mod link;
mod provider;
