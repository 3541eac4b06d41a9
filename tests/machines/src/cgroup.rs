//! The cgroups of a lab: named after the process that made it, so that anybody can tell when they are left over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::proc;

const ROOT: &str = "/sys/fs/cgroup";
const PREFIX: &str = "ovo-machines-";

/// A name for this process's cgroups that no later process has: a process id comes back, its start time does not.
pub(crate) fn name(serial: usize) -> io::Result<String> {
    let pid = std::process::id();
    let started =
        proc::started(pid).ok_or_else(|| io::Error::other("cannot read /proc/self/stat"))?;
    Ok(format!("{PREFIX}{pid}-{started}-{serial}"))
}

/// Removes the cgroup of this name in every hierarchy, with all below it. Those in use stay.
pub(crate) fn remove(name: &str) {
    for hierarchy in hierarchies() {
        remove_tree(&hierarchy.join(name));
    }
}

/// Whether a cgroup of this name is left in any hierarchy.
pub(crate) fn exists(name: &str) -> bool {
    hierarchies()
        .iter()
        .any(|hierarchy| hierarchy.join(name).exists())
}

/// Removes what labs of processes that are gone left behind: cgroups, and folders of the same name for their files.
pub(crate) fn remove_stale() {
    let mut places = hierarchies();
    places.push(std::env::temp_dir());
    for place in places {
        let Ok(entries) = fs::read_dir(&place) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_str().is_some_and(is_stale) {
                if place.starts_with(ROOT) {
                    remove_tree(&entry.path());
                } else {
                    let _ = fs::remove_dir_all(entry.path());
                }
            }
        }
    }
}

fn is_stale(name: &str) -> bool {
    let Some(owner) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let mut parts = owner.split('-');
    let (Some(pid), Some(started)) = (parts.next(), parts.next()) else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    proc::started(pid).is_none_or(|now| now != started)
}

fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// A cgroup has no files to remove, only folders; one that is in use refuses, and so do those above it.
fn remove_tree(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_of_dead_processes_are_stale() {
        let own = name(0).unwrap();
        assert!(!is_stale(&own));
        // The same process id, started at another time, is another process.
        assert!(is_stale(&format!("{PREFIX}{}-1-0", std::process::id())));
        assert!(!is_stale("user.slice"));
        assert!(!is_stale(PREFIX));
    }
}
