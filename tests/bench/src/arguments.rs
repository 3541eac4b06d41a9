//! What is asked for.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "usage: bench-kubernetes [--clusters N] [--rest SECONDS] [--operator FILE]";

/// What to do.
pub(crate) enum Work {
    /// The whole run.
    Bench,
    /// Say how much memory the simulated world in this file takes: a process of its own.
    World(PathBuf),
}

/// What is asked for.
pub(crate) struct Arguments {
    pub(crate) work: Work,
    /// How many clusters. 1,000.
    pub(crate) clusters: usize,
    /// How long they are watched at rest. 600 s.
    pub(crate) rest: Duration,
    /// The operator's program; else the one that was built beside this one.
    pub(crate) operator: Option<PathBuf>,
}

impl Arguments {
    /// # Errors
    /// What is not understood, and the usage.
    pub(crate) fn parse(given: &[String]) -> Result<Self, String> {
        let mut arguments = Self {
            work: Work::Bench,
            clusters: 1000,
            rest: Duration::from_mins(10),
            operator: None,
        };
        let mut given = given.iter();
        while let Some(flag) = given.next() {
            let value = given
                .next()
                .ok_or_else(|| format!("{flag} needs a value; {USAGE}"))?;
            let number = || {
                let number = value.parse::<u16>().ok().filter(|n| *n > 0);
                number.ok_or_else(|| format!("{flag}: {value} is no number from 1; {USAGE}"))
            };
            match flag.as_str() {
                "--clusters" => arguments.clusters = usize::from(number()?),
                "--rest" => arguments.rest = Duration::from_secs(number()?.into()),
                "--operator" => arguments.operator = Some(value.into()),
                "--world" => arguments.work = Work::World(value.into()),
                _ => return Err(format!("{flag} is not known; {USAGE}")),
            }
        }
        Ok(arguments)
    }
}
