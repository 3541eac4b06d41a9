//! OpenVidu 3 on real machines, for tests: a stand-in for its installer, and a deployment of real and modelled parts.
//!
//! OpenVidu's own installer and images are closed and are fetched from the internet. [`InstallerServer`] serves a
//! stand-in, which is called one wherever it appears: see the head of `scripts/install.sh` for what it does.

mod installer;

pub use installer::{InstallerServer, Order, Point};
