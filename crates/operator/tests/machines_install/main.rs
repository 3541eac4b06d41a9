//! OpenVidu's installation on real machines (systemd, sshd, sudo: see `ovo-machines`) by the program itself, from a
//! stand-in for OpenVidu's installer (see `ovo-onprem`): preflight, installation, starts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

#[path = "../common/mod.rs"]
mod common;

mod bed;
mod install;
mod preflight;
