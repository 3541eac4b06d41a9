//! OpenVidu 3 on real machines, for tests: a stand-in for its installer, and a deployment of real and modelled parts.
//!
//! OpenVidu's own installer and images are closed and are fetched from the internet. [`InstallerServer`] serves a
//! stand-in, which is called one wherever it appears: see the head of `scripts/install.sh` for what it does. A [`Bed`]
//! is six machines on which it can run. What runs in its containers: real Redis, Sentinel and Caddy on the masters; on
//! the media nodes models of LiveKit's server, egress and ingress; `scripts/containers.sh` lists all of them.

mod bed;
mod image;
mod installer;

pub use bed::{Bed, until};
pub use installer::{InstallerServer, Order, Point};
