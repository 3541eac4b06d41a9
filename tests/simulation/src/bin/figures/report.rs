//! The lines, and where they go.

use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// The figures so far.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    failures: usize,
}

impl Report {
    /// A report with nothing but its header: commit, command, seeds, and how this was built.
    pub(crate) fn begin(arguments: &[String], seeds: &[u64]) -> Self {
        let mut report = Self {
            text: String::new(),
            failures: 0,
        };
        report.comment(format_args!("commit {}", commit()));
        let mut command = "cargo run --release --package ovo-simulation --bin figures".to_owned();
        if !arguments.is_empty() {
            command = format!("{command} -- {}", arguments.join(" "));
        }
        report.comment(format_args!("command {command}"));
        report.comment(match seeds {
            [] => "seed none".to_owned(),
            [seed] => format!("seed {seed}"),
            [first, .., last] => format!("seed {first} to {last}, {} in all", seeds.len()),
        });
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let build = if cfg!(debug_assertions) {
            "debug: its timings say nothing"
        } else {
            "release"
        };
        report.comment(format_args!("build {build}, {cores} cores"));
        report
    }

    /// A line for people.
    pub(crate) fn comment(&mut self, words: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# {words}");
    }

    /// A figure of this stage of the project.
    pub(crate) fn figure(&mut self, name: &str, value: impl Display) {
        self.figure_of(&format!("foundation.{name}"), value);
    }

    /// A figure under its whole name.
    pub(crate) fn figure_of(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.text, "{name} {value}");
    }

    /// A figure of another stage, by its whole name.
    pub(crate) fn other(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.text, "{name} {value}");
    }

    /// Something failed: says so at once, and remembers that there was something.
    pub(crate) fn failure(&mut self, words: impl Display) {
        self.failures += 1;
        eprintln!("---- {words}\n");
    }

    /// How many things failed.
    pub(crate) const fn failures(&self) -> usize {
        self.failures
    }

    /// All lines.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Writes `target/figures.txt`, whole or not at all.
    ///
    /// # Errors
    /// Names the file that could not be written.
    pub(crate) fn write(&self) -> Result<PathBuf, String> {
        let folder = root().join("target");
        let path = folder.join("figures.txt");
        let part = folder.join("figures.txt.part");
        let written = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            fs::write(&part, &self.text)?;
            fs::rename(&part, &path)
        };
        written()
            .map(|()| path.clone())
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The root of the workspace, from which this was built.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The commit that is checked out, `-dirty` when files differ from it.
fn commit() -> String {
    let Some(commit) = git(&["rev-parse", "HEAD"]) else {
        return "unknown".to_owned();
    };
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit}-dirty"),
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root())
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
