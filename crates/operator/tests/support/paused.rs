//! The operator, for the tests: stopped in its tracks where it asks for the n-th time whether it may begin to change something.
//!
//! `OVO_PAUSE_AT` is n; without it nothing stops. It goes on where SIGCONT comes and the file `OVO_PAUSE_END` is there. Into the
//! file `OVO_PAUSE_LOG` goes a line for each question, with the time in microseconds: `asked`, and `yes` or `no` for its answer.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use openvidu_operator::cli::Cli;
use openvidu_operator::probe::Probe;
use rustix::process::{Signal, getpid, kill_process};

struct Pause {
    at: Option<u64>,
    end: PathBuf,
    asked: AtomicU64,
    log: Mutex<File>,
}

impl Pause {
    fn note(&self, word: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // Written at once: the process may be stopped next.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_micros());
        if let Err(error) = writeln!(log, "{word} {now}") {
            eprintln!("error: the log of pauses: {error}");
            std::process::abort();
        }
    }
}

impl Probe for Pause {
    fn asked(&self) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.note("asked");
        if self.at == Some(number) {
            if let Err(error) = kill_process(getpid(), Signal::STOP) {
                eprintln!("error: this process cannot stop itself: {error}");
                std::process::abort();
            }
            // The signal is the process's: this thread may run on for a moment before it takes effect.
            while !self.end.exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn answered(&self, may_begin: bool) {
        self.note(if may_begin { "yes" } else { "no" });
    }
}

fn main() -> ExitCode {
    let variable = |name| std::env::var(name).ok();
    let Some(log) = variable("OVO_PAUSE_LOG") else {
        eprintln!("error: OVO_PAUSE_LOG names no file");
        return ExitCode::from(2);
    };
    let log = match File::options().create(true).append(true).open(&log) {
        Ok(file) => Mutex::new(file),
        Err(error) => {
            eprintln!("error: {log}: {error}");
            return ExitCode::from(2);
        }
    };
    let pause = Pause {
        end: variable("OVO_PAUSE_END").unwrap_or_default().into(),
        at: variable("OVO_PAUSE_AT").and_then(|at| at.parse().ok()),
        asked: AtomicU64::new(0),
        log,
    };
    match openvidu_operator::run_probed(Cli::parse(), Arc::new(pause)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
