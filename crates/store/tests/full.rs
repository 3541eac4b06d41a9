//! A disk that is really full: a small tmpfs in a mount namespace of the test's own.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use ovo_store::ObjectKey;
use ovo_store::conformance::fixture;

/// What happens on a tmpfs of 3 MiB when writes stop at this much free space.
///
/// The shell waits for a line, makes room, and passes the line on; at the end it opens the store once more.
fn on_a_small_disk(min_free: &str) -> Vec<String> {
    let script = r#"
        set -e
        mount -t tmpfs -o size=3m,mode=700 tmpfs "$1"
        cp "$4" "$1/demo.yaml"
        head -c 400000 /dev/zero > "$1/ballast"
        { read -r line; rm "$1/ballast"; echo "$line"; } | "$2" "$1" "$3" until-full
        "$2" "$1" 0 2>/dev/null | head -n 1
    "#;
    let folder = tempfile::tempdir().unwrap();
    let manifest = tempfile::NamedTempFile::new().unwrap();
    let document = fixture::cluster(&ObjectKey::new("video", "demo"));
    std::fs::write(manifest.path(), document.to_string()).unwrap();
    let mut child = Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_store-writer"))
        .arg(min_free)
        .arg(manifest.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "waiting" {
            input.write_all(b"go on\n").unwrap();
        }
        said.push(line);
    }
    assert!(child.wait().unwrap().success(), "{said:?}");
    said
}

fn check(said: &[String]) {
    let refusals: Vec<_> = said
        .iter()
        .filter(|line| line.starts_with("full "))
        .collect();
    assert_eq!(refusals.len(), 1, "{said:?}");
    assert!(refusals[0].contains("make room there"), "{refusals:?}");
    let at = |wanted: &str| said.iter().position(|line| line.starts_with(wanted));
    let (full, waiting) = (at("full ").unwrap(), at("waiting").unwrap());
    assert!(full > 10, "writes succeeded before: {said:?}");
    let again = said.iter().position(|line| line.ends_with(" again"));
    assert!(
        again.is_some_and(|again| again > waiting),
        "a write succeeds when there is room: {said:?}"
    );
    // Opened anew, all is there and readable, and the next write is acknowledged.
    assert_eq!(said.len(), again.unwrap() + 2, "{said:?}");
    assert!(said.last().unwrap().starts_with("cluster "), "{said:?}");
    assert!(
        !said
            .iter()
            .any(|line| line.starts_with("refused") || line.starts_with("failed")),
        "{said:?}"
    );
}

#[test]
fn writes_stop_before_the_disk_is_full() {
    let said = on_a_small_disk("200000");
    check(&said);
    assert!(
        said.iter().any(|line| line.contains("are needed")),
        "{said:?}"
    );
}

#[test]
fn a_write_that_meets_the_end_of_the_disk_leaves_nothing_behind() {
    let said = on_a_small_disk("0");
    check(&said);
}
