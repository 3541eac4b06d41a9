//! What the program says of itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{run, said};

#[test]
fn help_teaches_with_examples() {
    let help = said(&run(["--help"]));
    for part in [
        "Examples:",
        "demo",
        "serve",
        "plan",
        "validate",
        "drain",
        "force",
        "completion",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert!(!help.contains("simulate <"), "{help}");
    for command in [
        "serve", "plan", "get", "drain", "force", "delete", "validate",
    ] {
        let help = said(&run([command, "--help"]));
        assert!(help.contains("Example"), "{command}: {help}");
    }
    assert_eq!(
        run(["--version"]).stdout,
        format!("openvidu-operator {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
    let wrong = run(["serv"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(said(&wrong).contains("'serve'"), "{}", said(&wrong));
}

#[test]
fn completion_knows_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&run(["completion", shell]));
        assert!(
            script.contains("undrain") && script.contains("simulate-speed"),
            "{shell}"
        );
    }
}

/// What `make generate` writes is what is checked in.
#[test]
fn crds_are_those_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = tempfile::tempdir().unwrap();
    assert!(
        run(["crds", "--output", dir.path().to_str().unwrap()])
            .status
            .success()
    );
    let mut count = 0;
    for folder in ["crds", "docs"] {
        for entry in fs::read_dir(dir.path().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let there = root.join(folder).join(path.file_name().unwrap());
            assert!(
                fs::read(&path).unwrap() == fs::read(&there).unwrap(),
                "{}: run make generate",
                there.display()
            );
            count += 1;
        }
    }
    assert!(count >= 3, "{count}");
    let printed = said(&run(["crds"]));
    assert!(
        printed.contains("name: openviduclusters.openvidu.io")
            && printed.contains("name: openvidunodes.openvidu.io")
    );
}

#[test]
fn a_lease_that_no_call_fits_into_is_refused() {
    for (flags, words) in [
        (
            ["--lease-duration=1500ms", "--lease-renewal=1s"],
            "whole seconds",
        ),
        (
            ["--lease-duration=8s", "--lease-renewal=3s"],
            "no call could ever begin",
        ),
        (
            ["--lease-renewal=0s", "--lease-duration=15s"],
            "more than nothing",
        ),
        (
            ["--lease-renewal=3s", "--local=here"],
            "cannot be used with",
        ),
    ] {
        let output = run(["serve", "--simulate", flags[0], flags[1]]);
        let said = said(&output);
        assert!(
            !output.status.success() && said.contains(words),
            "{flags:?}: {said}"
        );
    }
}
