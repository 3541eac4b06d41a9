//! Figures for `make`.

use std::fmt::Display;
use std::fs;

/// Prints a figure, and writes it in place of an older one of this name where `OVO_FIGURES` says where.
pub fn figure(name: &str, value: impl Display) {
    let line = format!("{name} {value}");
    println!("{line}");
    let Some(path) = std::env::var_os("OVO_FIGURES") else {
        return;
    };
    let text = fs::read_to_string(&path).unwrap_or_default();
    let is_older = |line: &&str| line.split_once(' ').is_some_and(|(other, _)| other == name);
    let mut lines: Vec<&str> = text.lines().filter(|line| !is_older(line)).collect();
    lines.push(&line);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}
