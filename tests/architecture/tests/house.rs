//! Rules of the house that no lint knows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use ovo_architecture::root;

/// No file longer than this many lines, and half of them under [`MEDIAN`]: one idea each.
const LONGEST: usize = 600;
const MEDIAN: usize = 200;

/// The bans on clocks, randomness, the environment, unordered collections and floats, as pure code must deny them.
const BANS: [&str; 3] = [
    "clippy::disallowed_methods",
    "clippy::disallowed_types",
    "clippy::float_arithmetic",
];

/// The lints that a file denies or forbids for all of itself.
fn denied(text: &str) -> Vec<&str> {
    ["#![deny(", "#![forbid("]
        .into_iter()
        .flat_map(|attribute| text.split(attribute).skip(1))
        .filter_map(|rest| rest.split(")]").next())
        .flat_map(|lints| lints.split(','))
        .map(str::trim)
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn lines() -> Vec<(usize, PathBuf)> {
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let mut lines: Vec<_> = files
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .collect();
    lines.sort();
    lines
}

#[test]
fn files_are_small() {
    let lines = lines();
    let long: Vec<_> = lines.iter().filter(|(count, _)| *count > LONGEST).collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:#?}");
    let (median, _) = &lines[lines.len() / 2];
    assert!(
        *median < MEDIAN,
        "half of the files have {median} lines or more"
    );
}

/// The crates and modules that decide are under the bans of `clippy.toml`; a crate's own `clippy.toml` would replace them.
#[test]
fn pure_code_is_under_the_bans() {
    let root = root();
    let mut pure = vec![
        root.join("crates/planner/src/lib.rs"),
        root.join("crates/world/src/lib.rs"),
    ];
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        assert!(
            !folder.join("clippy.toml").exists(),
            "{}: the root's clippy.toml is the only one",
            folder.display()
        );
        let backend = folder
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("provider-");
        if backend {
            let module = ["src/desired.rs", "src/desired/mod.rs"].map(|path| folder.join(path));
            pure.extend(module.into_iter().filter(|path| path.exists()));
        }
    }
    let free: Vec<_> = pure
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            let denied = denied(&text);
            !BANS.iter().all(|ban| denied.contains(ban))
        })
        .collect();
    assert!(
        free.is_empty(),
        "{free:#?}: put `#![deny({})]` at the head",
        BANS.join(", ")
    );
}
