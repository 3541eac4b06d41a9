//! Real machines for tests: systemd as PID 1, sshd, sudo, a disk that outlives a power cut, an address of its own.
//!
//! A [`Lab`] is one set of Linux namespaces (mounts, network, processes) with a bridge on 192.0.2.0/24 and no way
//! out. [`Machine`]s are booted in it by `systemd-nspawn` over this host's own root file system, which they see as
//! it is and cannot change. Nothing of a lab can be seen from the host's network, mounts or `/run`, and all of it
//! goes when the process that made it ends, however it ends: the kernel sees to that, not a destructor.
//! What stays is an empty cgroup, removed by whoever makes the next lab.
//!
//! Needs root, `systemd-nspawn`, `ip`, `sshd`, `sudo`, `ssh-keygen` and, for [`Equipment::Docker`], `dockerd`: `scripts/install-packages` brings them.
//!
//! What is real: the kernel, systemd, sshd, sudo, the file system's behaviour in the page cache. What is not: a power
//! cut loses nothing that was written, synced or not, since the host's kernel goes on.

mod cgroup;
mod lab;
mod machine;
mod proc;

pub use lab::Lab;
pub use machine::{Equipment, Machine};
