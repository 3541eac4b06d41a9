//! What `/proc` tells about processes in machines.

use std::fs;

use rustix::process::Pid;

/// When a process started, in the kernel's own ticks since boot; `None` when there is none.
pub(crate) fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold anything; the start time is field 22.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

/// One process of a machine, as the host numbers it.
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) command: String,
    /// Its number in the innermost namespace that it is in; 1 is systemd, or the first process of a container.
    pub(crate) inner: u32,
    /// How many namespaces of processes it is in: one more in a container than in the machine itself.
    pub(crate) depth: usize,
}

/// The processes under a cgroup of this path, in whichever hierarchy.
pub(crate) fn under(cgroup: &str) -> Vec<Process> {
    let inside = format!("/{cgroup}/");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|pid| {
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
            // systemd moves everything, itself too, into groups below the machine's own.
            groups
                .lines()
                .any(|line| line.contains(&inside))
                .then_some(pid)
        })
        .filter_map(read)
        .collect()
}

fn read(pid: i32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    };
    let numbers: Vec<_> = line("NSpid:")?.split_whitespace().collect();
    Some(Process {
        pid: Pid::from_raw(pid)?,
        command: line("Name:")?.to_owned(),
        inner: numbers.last()?.parse().ok()?,
        depth: numbers.len(),
    })
}
