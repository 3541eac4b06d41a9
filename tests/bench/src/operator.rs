//! The operator's process, and what the system says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::bed::{Bed, NAMESPACE};

/// An operator that runs; killed when this is dropped.
pub(crate) struct Operator {
    child: Child,
    said: PathBuf,
}

/// What the system says of a process's memory.
pub(crate) struct Memory {
    pub(crate) peak_kib: u64,
    pub(crate) now_kib: u64,
}

impl Operator {
    /// Starts this program with the rights that we ship, over a world in which nothing takes time.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(program: &Path, bed: &Bed) -> Result<Self, String> {
        let said = bed.dir().join("operator.log");
        let out = fs::File::create(&said).map_err(|e| format!("{}: {e}", said.display()))?;
        let err = out.try_clone().map_err(|e| e.to_string())?;
        let child = Command::new(program)
            .args(["serve", "--simulate", "--namespace", NAMESPACE])
            .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--simulate-dir")
            .arg(bed.world())
            .arg("--simulate-world")
            .arg(bed.world_config()?)
            .env("KUBECONFIG", bed.kubeconfig()?)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Self { child, said })
    }

    pub(crate) fn memory(&self) -> Result<Memory, String> {
        memory(self.child.id())
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // The name in brackets may hold anything: what follows it is numbers. utime and stime are fields 14 and 15.
        let after = text.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks: u32 = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u32>().ok())
            .sum();
        // USER_HZ is 100 on Linux, whatever the kernel's own rate.
        Ok(f64::from(ticks) / 100.0)
    }

    /// # Errors
    /// When it has ended, with its last words.
    pub(crate) fn alive(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            ended => {
                let said = fs::read_to_string(&self.said).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(5).collect();
                Err(format!("the operator ended: {ended:?}: {last:?}"))
            }
        }
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| error.to_string())?;
        self.child.wait().map(drop).map_err(|e| e.to_string())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process.
///
/// # Errors
/// When there is no such process.
pub(crate) fn memory(pid: u32) -> Result<Memory, String> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok())
            .ok_or_else(|| format!("{path} has no {name}"))
    };
    Ok(Memory {
        peak_kib: field("VmHWM:")?,
        now_kib: field("VmRSS:")?,
    })
}
