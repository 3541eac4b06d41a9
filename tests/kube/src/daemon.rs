//! One process of a server, which does not outlive us.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const KEEP: &str = include_str!("../scripts/keep.sh");

/// Etcd and the API server end within three seconds of a SIGTERM; on a busy host it may take much longer.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// How often a condition is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    /// The program itself. Its guard reads from the other end of its standard input.
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program of the given folder. What it says goes to `<state>/<name>.log`.
    pub(crate) fn spawn<A: AsRef<OsStr>>(
        name: &'static str,
        programs: &Path,
        state: &Path,
        arguments: &[A],
    ) -> io::Result<Self> {
        let log = state.join(format!("{name}.log"));
        let said = File::options().create(true).append(true).open(&log)?;
        let child = Command::new("bash")
            .args(["-c", KEEP, "keep"])
            .arg(state)
            .arg(programs.join(name))
            .args(arguments)
            // Etcd takes its flags from the environment too, and Go its proxies.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            // Not in our group: who interrupts us shall not end the guard.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("bash, to run {name}: {error}"))
            })?;
        Ok(Self { name, child, log })
    }

    /// An error with what it said last, if it has ended.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(self.ended(status)),
            None => Ok(()),
        }
    }

    /// Waits until something holds. Fails when it takes longer than `limit`, and at once when the process ends before.
    pub(crate) fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut holds: impl FnMut() -> bool,
    ) -> io::Result<()> {
        let began = Instant::now();
        while !holds() {
            self.check()?;
            if began.elapsed() > limit {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "{}: not {what} within {limit:?}: {}",
                        self.name,
                        self.last()
                    ),
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Stops it, and waits until each of its threads has stopped: on a busy computer one may answer somebody still.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        let threads = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        let began = Instant::now();
        while !all_stopped(&threads)? {
            if began.elapsed() > STOP_LIMIT {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{} does not stop within {STOP_LIMIT:?}", self.name),
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Sends a signal that ends it, and waits until it has ended.
    pub(crate) fn stop(mut self, signal: Signal) -> io::Result<()> {
        self.signal(signal)?;
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if began.elapsed() > STOP_LIMIT {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "{} still runs after {STOP_LIMIT:?}: {}",
                        self.name,
                        self.last()
                    ),
                ));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn ended(&self, status: ExitStatus) -> io::Error {
        let last = self.last();
        let kind = if last.contains("address already in use") {
            io::ErrorKind::AddrInUse
        } else {
            io::ErrorKind::Other
        };
        io::Error::new(kind, format!("{}: {status}: {last}", self.name))
    }

    /// The last lines that it said.
    fn last(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        // Only now: until here the guard would have ended it in our stead.
        if let Some(mut guard) = self.child.stdin.take() {
            let _ = guard.write_all(b"\n");
        }
        let _ = self.child.wait();
    }
}

/// Whether every thread in this folder of `/proc` is stopped (state `T`, the field after the name in brackets).
fn all_stopped(threads: &Path) -> io::Result<bool> {
    for thread in fs::read_dir(threads)? {
        let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else {
            // A thread that has ended meanwhile.
            continue;
        };
        let state = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.trim().chars().next());
        if state != Some('T') {
            return Ok(false);
        }
    }
    Ok(true)
}
