//! The lines, and where they go.

use std::fmt::{Display, Write as _};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::bed::root;

/// The figures so far.
pub(crate) struct Report {
    text: String,
}

impl Report {
    /// A report with nothing but its header.
    pub(crate) fn begin(arguments: &[String]) -> Self {
        let mut report = Self {
            text: String::new(),
        };
        report.comment(format_args!("k8s: commit {}", commit()));
        let command = format!("bench-kubernetes {}", arguments.join(" "));
        report.comment(format_args!("k8s: command {}", command.trim_end()));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let build = if cfg!(debug_assertions) {
            "debug: its timings say nothing"
        } else {
            "release"
        };
        report.comment(format_args!("k8s: build {build}, {cores} cores"));
        report
    }

    /// A line for people.
    pub(crate) fn comment(&mut self, words: impl Display) {
        eprintln!("# {words}");
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# {words}");
    }

    /// A figure.
    pub(crate) fn figure(&mut self, name: &str, value: impl Display) {
        eprintln!("k8s.{name} {value}");
        let _ = writeln!(self.text, "k8s.{name} {value}");
    }

    /// Writes `target/figures-k8s.txt`, and its lines in place of older ones into `target/figures.txt`.
    ///
    /// # Errors
    /// Names the file that could not be written.
    pub(crate) fn write(&self) -> Result<PathBuf, String> {
        let folder = root().join("target");
        let path = folder.join("figures-k8s.txt");
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::write(&path, &self.text).map_err(failed)?;
        let all = folder.join("figures.txt");
        let mut text = String::new();
        let there = fs::read_to_string(&all).unwrap_or_default();
        let others = there
            .lines()
            // Those of whoever else counts on an API server stay: only what is written here is written anew.
            .filter(|line| !line.starts_with("# k8s: ") && !self.has(line));
        for line in others {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&self.text);
        fs::write(&all, text).map_err(|e| format!("{}: {e}", all.display()))?;
        Ok(path)
    }

    /// Whether a figure of this line's name stands here.
    fn has(&self, line: &str) -> bool {
        let name = |line: &str| line.split(' ').next().map(str::to_owned);
        line.starts_with("k8s.") && self.text.lines().any(|mine| name(mine) == name(line))
    }
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
