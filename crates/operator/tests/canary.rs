//! No value of a Secret shows anywhere but in the Secrets' own files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{Dir, V2, V2_SECRETS, V3, V3_SECRETS, run, said, until};

/// Replaces every made-up value of the examples by one that is looked for afterwards.
fn planted(secrets: &str, canaries: &mut Vec<String>) -> String {
    let mut number = canaries.len();
    let mut text = String::new();
    for line in secrets.lines() {
        let key = line
            .strip_prefix("  ")
            .and_then(|line| line.split_once(": "));
        match key {
            Some((key, value)) if value != "|" && !key.starts_with('-') => {
                number += 1;
                let canary = format!("canary{number}value{number}");
                text.push_str(&["  ", key, ": ", &canary, "\n"].concat());
                canaries.push(canary);
            }
            _ if line.contains("this is no key") => {
                text.push_str("    canaryOfTheKey\n");
                canaries.push("canaryOfTheKey".to_owned());
            }
            _ => text.push_str(&[line, "\n"].concat()),
        }
    }
    text
}

/// All files under a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[test]
fn no_secret_shows_anywhere() {
    let mut canaries = Vec::new();
    let dir = Dir::empty();
    dir.write("v3.yaml", V3);
    dir.write("v2.yaml", V2);
    dir.write("secrets-v3.yaml", &planted(V3_SECRETS, &mut canaries));
    dir.write("secrets-v2.yaml", &planted(V2_SECRETS, &mut canaries));
    assert!(canaries.len() >= 7, "{canaries:?}");

    let mut all = String::new();
    let changed = dir.path().join("changed.txt");
    fs::write(&changed, V3.replace("    replicas: 2", "    replicas: 3")).unwrap();
    let plan = |mode: &str| {
        let (v3, secrets) = (
            dir.path().join("v3.yaml"),
            dir.path().join("secrets-v3.yaml"),
        );
        let mut command = common::operator(["plan", "--diff", "--log-level", "trace", "-f"]);
        command
            .arg(if mode == "--offline" { &v3 } else { &changed })
            .arg("-f")
            .arg(secrets)
            .arg(mode);
        if mode == "--local" {
            command.arg(dir.path());
        }
        said(&command.output().unwrap())
    };
    all.push_str(&plan("--offline"));
    let serving = dir.serve_with(&[
        "--simulate-speed",
        "20",
        "--log-level",
        "trace",
        "--log-format",
        "json",
    ]);
    until("both to be ready", || {
        dir.ready("openvidu-ha") && dir.ready("openvidu-multimaster")
    });
    // What was generated is looked for too.
    let mut generated = 0;
    for entry in fs::read_dir(dir.path().join("secrets")).unwrap() {
        let file = entry.unwrap().path();
        let secret: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for (key, value) in secret["data"].as_object().unwrap() {
            canaries.push(value.as_str().unwrap().to_owned());
            let decoded = data_encoding::BASE64
                .decode(value.as_str().unwrap().as_bytes())
                .unwrap();
            if key != "digest-key" {
                canaries.push(String::from_utf8(decoded).unwrap());
            }
            generated += 1;
        }
    }
    assert!(generated > 10, "{generated}");
    all.push_str(&plan("--local"));
    for arguments in [
        ["get", "-o", "yaml"],
        ["get", "-o", "json"],
        ["events", "-o", "json"],
        ["get", "-o", "wide"],
    ] {
        let [command, flag, output] = arguments;
        all.push_str(&said(&run([command, "--local", dir.str(), flag, output])));
    }
    for page in ["/metrics", "/readyz", "/healthz"] {
        all.push_str(&serving.page(page).1);
    }
    // A Secret whose file is damaged is told of without its text.
    let damaged = planted(V3_SECRETS, &mut Vec::new()).replace("stringData:", "stringData: [");
    dir.write("secrets-v3.yaml", &damaged);
    until("the damage to be told of", || {
        serving.said().contains("secrets-v3.yaml")
    });
    let (code, logs) = serving.stop();
    assert_eq!(code, Some(0));
    all.push_str(&logs);
    all.push_str(&said(&run([
        "validate",
        "-f",
        dir.path().join("secrets-v3.yaml").to_str().unwrap(),
    ])));

    let mut written = Vec::new();
    files(dir.path(), &mut written);
    let own: BTreeSet<_> = written
        .iter()
        .filter(|f| f.to_string_lossy().contains("secrets"))
        .cloned()
        .collect();
    for canary in &canaries {
        if let Some(at) = all.find(canary.as_str()) {
            let from = all.floor_char_boundary(at.saturating_sub(200));
            panic!("{canary} shows: {}", &all[from..at]);
        }
        for file in written.iter().filter(|file| !own.contains(*file)) {
            let bytes = fs::read(file).unwrap();
            let found = bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} is in {}", file.display());
        }
    }
    assert!(
        written.iter().any(|f| f.ends_with("store.redb"))
            && written.iter().any(|f| f.ends_with("world"))
    );
}
