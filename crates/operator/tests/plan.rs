//! `plan`: what it shows, its exit codes, and that it writes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{Dir, V2, V3, operator, run, said, until};
use ovo_model::NodeName;
use ovo_world::{RoomPlan, Script};

const NAME: &str = "openvidu-ha";

fn plan(dir: &Dir, file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output: Output = operator(["plan", "-f", file.to_str().unwrap(), "--local", dir.str()])
        .args(more)
        .output()
        .unwrap();
    (output.status.code(), said(&output))
}

/// Every file with its bytes, but for the lock and the socket.
fn contents(dir: &Dir) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn from_nothing() {
    let dir = Dir::v3();
    let file = dir.path().join("v3.yaml");
    let output = run(["plan", "-f", file.to_str().unwrap(), "--offline"]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(
        words.contains("video/openvidu-ha (new)")
            && words.contains("because")
            && words.contains("cuts nothing"),
        "{words}"
    );
    let set = operator(["plan", "-f", file.to_str().unwrap(), "--offline"])
        .env("OPENVIDU_OPERATOR_LOCAL", dir.path())
        .output()
        .unwrap();
    assert_eq!(said(&set), words, "offline wins over the environment");
    // Where nothing was ever served it is the same.
    let (code, words) = plan(&dir, &file, &[]);
    assert_eq!(code, Some(2), "{words}");
    assert!(!dir.state("").exists(), "nothing is written");
}

#[test]
fn a_converged_cluster_has_nothing_to_do_and_a_change_has() {
    let dir = Dir::both();
    let serving = dir.serve();
    until("both to be ready", || {
        dir.ready(NAME) && dir.ready("openvidu-multimaster")
    });
    // The last word of a round that made it ready may still be on its way into the next plan.
    for name in ["v2.yaml", "v3.yaml"] {
        let file = dir.path().join(name);
        let mut words = String::new();
        until("an empty plan", || {
            let (code, said) = plan(&dir, &file, &[]);
            words = said;
            code == Some(0)
        });
        assert!(words.contains("nothing to do"), "{words}");
    }
    let change = dir.path().join("change.txt");
    fs::write(
        &change,
        V3.replacen(
            "  mediaEngine: pion",
            "  config: {OPENVIDU_X: \"1\"}\n  mediaEngine: pion",
            1,
        ),
    )
    .unwrap();
    let (code, words) = plan(&dir, &change, &["--diff"]);
    assert_eq!(code, Some(2), "{words}");
    for part in [
        "Config/cluster",
        "because",
        "cuts everything in the cluster",
        "~ digest: ",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // With people in it the change waits, and says for whom.
    let node = dir
        .nodes(NAME)
        .into_iter()
        .map(|n| n.spec.machine)
        .find(|m| m == "w1")
        .unwrap();
    dir.script(
        NAME,
        Script::StartRoom {
            node: Some(NodeName::from(node.as_str())),
            plan: RoomPlan::alone(3_600_000),
        },
    );
    let (code, words) = plan(&dir, &change, &[]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("cuts 1 room"), "{words}");
    let (code, json) = plan(&dir, &change, &["-o", "json"]);
    assert_eq!(code, Some(2));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["cluster"], "video/openvidu-ha");
    // Nothing of it was done, and a new cluster of the file is not there.
    fs::write(
        &change,
        V2.replacen("name: openvidu-multimaster", "name: another", 1)
            .replacen("clusterID: openvidu-multimaster", "clusterID: another", 1),
    )
    .unwrap();
    let (code, words) = plan(&dir, &change, &[]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("video/another (new)"), "{words}");
    assert_eq!(dir.world().rooms.len(), 2, "no third deployment");
    assert_eq!(serving.stop().0, Some(0));

    // The same without a server, on a copy: not one byte differs afterwards.
    let before = contents(&dir);
    let (code, words) = plan(&dir, &dir.path().join("v2.yaml"), &[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(before == contents(&dir), "planning wrote something");
}

#[test]
fn what_may_not_change_is_an_error_with_its_line() {
    let dir = Dir::v3();
    let _serving = dir.serve();
    until("the cluster to be ready", || dir.ready(NAME));
    let change = dir.path().join("change.txt");
    let text = V3.replacen("version: 3.8.0", "version: 3.9.0", 1);
    fs::write(&change, &text).unwrap();
    let (code, words) = plan(&dir, &change, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("change.txt:") && words.contains("spec.version"),
        "{words}"
    );
    fs::write(
        &change,
        V3.replacen(
            "  topology: HighAvailability",
            "  topology: [HighAvailability",
            1,
        ),
    )
    .unwrap();
    let (code, words) = plan(&dir, &change, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("change.txt:"), "{words}");
}
