//! Bad input: a clear message with file, line or field; other clusters unaffected; nothing lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::process::Output;

use common::{Dir, V2, V2_SECRETS, V3, condition, operator, run, said, until};

const NAME: &str = "openvidu-ha";

fn validate(text: &str) -> (Output, String) {
    let dir = Dir::empty();
    let file = dir.write("bad.yaml", text);
    let output = run(["validate", "-f", file.to_str().unwrap()]);
    let words = said(&output);
    (output, words)
}

#[test]
fn examples_are_accepted_and_say_what_is_not_built() {
    for profile in ["v2-aws", "v3-onprem"] {
        let example = run(["example", profile]);
        assert!(example.status.success());
        let (output, words) = validate(&String::from_utf8(example.stdout).unwrap());
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert!(words.contains("1 cluster: valid"), "{words}");
        // "valid" says what it does not.
        for part in [
            "no API server was asked",
            "Conflict",
            "IdentityNotPermitted",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let secrets = run(["example", profile, "--secrets"]);
        assert!(
            String::from_utf8(secrets.stdout)
                .unwrap()
                .contains("kind: Secret")
        );
    }
    let (_, words) = validate(V2);
    assert!(
        words.contains("bad.yaml:")
            && words.contains("spec.media.autoscaling.schedules: not built yet"),
        "{words}"
    );
}

/// A change of the example, and what the message about it says: where, which field, and the way out.
#[test]
fn each_mistake_names_file_line_and_field() {
    let line = |text: &str, what: &str| {
        text.lines()
            .position(|l| l.contains(what))
            .map(|n| n + 1)
            .unwrap()
    };
    let cases: [(&str, &str, &str, &[&str]); 7] = [
        (
            "  topology: HighAvailability",
            "  topology: [HighAvailability",
            "",
            &["no YAML"],
        ),
        (
            "  mediaEngine: pion",
            "  mediaEngines: pion",
            "mediaEngines",
            &["spec.mediaEngines"],
        ),
        (
            "  mediaEngine: pion",
            "  mediaEngine: kurento",
            "mediaEngine",
            &["spec.mediaEngine", "kurento"],
        ),
        ("    max: 3", "    max: 1", "    max: 1", &["spec.media"]),
        (
            "    replicas: 2",
            "    replicas: many",
            "replicas: many",
            &["spec.media.replicas"],
        ),
        (
            "  domainName: openvidu.example.com",
            "  domainName: http://x/",
            "domainName: http",
            &["spec.domainName"],
        ),
        (
            "          role: Master\n          address: 10.5.0.4",
            "          role: Media\n          address: 10.5.0.4",
            "",
            &["exactly 4 machines with role Master", "found 3"],
        ),
    ];
    for (from, to, at, parts) in cases {
        assert!(V3.contains(from), "{from}");
        let text = V3.replacen(from, to, 1);
        let (output, words) = validate(&text);
        assert_eq!(output.status.code(), Some(1), "{to}: {words}");
        assert!(words.contains("/bad.yaml:"), "{to}: {words}");
        if !at.is_empty() {
            let place = format!("bad.yaml:{}:", line(&text, at));
            assert!(
                words.contains(&place) || at == "    max: 1",
                "{place}: {words}"
            );
        }
        for part in parts {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(!words.contains("panicked"), "{words}");
    }
}

#[test]
fn a_target_that_the_operator_would_refuse_is_named() {
    let cases = [
        ("127.0.0.1", "127.0.0.1 is a loopback address"),
        ("169.254.10.1", "169.254.10.1 is a link-local address"),
        (
            "169.254.169.254",
            "169.254.169.254 is the metadata service of a cloud",
        ),
    ];
    for (address, what) in cases {
        let machine = format!("          address: {address}\n");
        let text = V3.replacen("          address: 10.5.0.4\n", &machine, 1);
        let line = text.lines().position(|l| l.ends_with(address)).unwrap() + 1;
        let (output, words) = validate(&text);
        assert_eq!(output.status.code(), Some(1), "{address}: {words}");
        let field = "spec.infrastructure.onPrem.machines[3].address";
        for part in [
            &*format!("bad.yaml:{line}:"),
            &*format!("{field}: {what}"),
            "name the machine by its own address",
            "1 mistake",
        ] {
            assert!(words.contains(part), "{address}: {part}: {words}");
        }
        // What a laboratory may name is loopback and nothing else.
        let dir = Dir::empty();
        let file = dir.write("lab.yaml", &text);
        let flag = "--allow-loopback-targets";
        let output = run(["validate", flag, "-f", file.to_str().unwrap()]);
        assert_eq!(output.status.success(), address == "127.0.0.1");
    }
    // What is no address at all is one mistake, not two.
    let (_, words) = validate(&V3.replacen("address: 10.5.0.4", "address: m4.example.com", 1));
    assert!(words.contains("1 mistake\n"), "{words}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = V3
        .replacen("mediaEngine: pion", "mediaEngine: opera", 1)
        .replacen("replicas: 2", "replicas: -1", 1);
    let (_, words) = validate(&format!(
        "{text}\n---\napiVersion: v1\nkind: Pod\n---\nfoo\n"
    ));
    for part in ["spec.mediaEngine", "spec.media.replicas", "Pod", "mistakes"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn two_infrastructures_are_one_too_many() {
    let aws = &V2[V2.find("    aws:").unwrap()..];
    let (output, words) = validate(&format!("{V3}{aws}"));
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains("spec.infrastructure"), "{words}");
}

#[test]
fn a_manifest_of_5000_lines_is_read_and_its_mistake_found() {
    let mut text = V3.to_owned();
    text.push_str("---\n");
    text.push_str(&"# a line\n".repeat(5_000));
    text.push_str(
        &V3.replacen("  name: openvidu-ha", "  name: other", 1)
            .replacen("mediaEngine: pion", "mediaEngine: opera", 1),
    );
    let line = text
        .lines()
        .position(|l| l.contains("Engine: opera"))
        .unwrap()
        + 1;
    let (_, words) = validate(&text);
    assert!(
        words.contains(&format!("bad.yaml:{line}:")),
        "{line}: {words}"
    );

    let lines: Vec<String> = (0..5_000)
        .map(|n| format!("    KEY_{n}: \"{n}\"\n"))
        .collect();
    let lines = lines.concat();
    let (output, words) = validate(&V3.replacen(
        "  mediaEngine: pion",
        &format!("  config:\n{lines}  mediaEngine: pion"),
        1,
    ));
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains("spec.config"), "{words}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = Dir::empty();
    let missing = dir.path().join("nothing.yaml");
    for (path, part) in [
        (missing.as_path(), "nothing.yaml"),
        (dir.path(), "s a directory"),
    ] {
        let output = run(["validate", "-f", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(part), "{}", said(&output));
    }
    let binary = dir.path().join("binary.yaml");
    fs::write(&binary, [0xff, 0xfe, 0x00, 0x41]).unwrap();
    let output = run(["validate", "-f", binary.to_str().unwrap()]);
    assert!(
        output.status.code() == Some(1) && said(&output).contains("UTF-8"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_missing_secret_or_key_stalls_its_cluster_only_and_is_named() {
    let dir = Dir::both();
    dir.write(
        "secrets-v2.yaml",
        &V2_SECRETS.replacen("{name: hooks,", "{name: other,", 1),
    );
    let _serving = dir.serve();
    until("the other to be ready", || dir.ready(NAME));
    let named = |what: &str| {
        let Some(cluster) = dir.cluster("openvidu-multimaster") else {
            return false;
        };
        let words = serde_json::to_string(&cluster.status).unwrap();
        words.contains(what) && condition(&cluster, "Ready") != "True"
    };
    until("the missing Secret to be named", || named("hooks"));
    dir.write(
        "secrets-v2.yaml",
        &V2_SECRETS.replacen("  headers:", "  heathers:", 1),
    );
    until("the missing key to be named", || named("headers"));
    dir.write("secrets-v2.yaml", V2_SECRETS);
    until("the cluster to come up with its Secrets", || {
        dir.ready("openvidu-multimaster")
    });
}

#[test]
fn a_manifest_that_breaks_changes_nothing_and_hurts_no_other() {
    let dir = Dir::both();
    let serving = dir.serve();
    until("both to be ready", || {
        dir.ready(NAME) && dir.ready("openvidu-multimaster")
    });
    let before = dir.cluster(NAME).unwrap();
    dir.write(
        "v3.yaml",
        &V3.replacen(
            "  topology: HighAvailability",
            "  topology: [HighAvailability",
            1,
        ),
    );
    until("the mistake to be told of", || {
        serving.said().contains("v3.yaml")
    });
    dir.write(
        "v3.yaml",
        &V3.replacen("  mediaEngine: pion", "  mediaEngine: kurento", 1),
    );
    until("the broken rule to be told of", || {
        serving.said().contains("spec.mediaEngine")
    });
    dir.write(
        "v2.yaml",
        &V2.replacen("    replicas: 2", "    replicas: 3", 1),
    );
    until("the other to follow its manifest", || {
        dir.cluster("openvidu-multimaster")
            .is_some_and(|c| c.status.unwrap().media.unwrap().ready == 3)
    });
    let after = dir.cluster(NAME).unwrap();
    assert_eq!(after.spec, before.spec);
    assert_eq!(after.metadata.generation, before.metadata.generation);
    let events = said(&run(["events", "--local", dir.str(), NAME]));
    assert!(events.contains("ManifestRefused"), "{events}");
}

#[test]
fn directories_that_cannot_be_served_are_named() {
    let dir = Dir::v3();
    let file = dir.path().join("v3.yaml");
    let missing = dir.path().join("missing");
    for (path, part) in [
        (missing, "make it and put a manifest there"),
        (file, "is a file"),
    ] {
        for command in ["serve", "get"] {
            let mut command = operator([command, "--local", path.to_str().unwrap()]);
            if part.is_empty() || command.get_args().next().is_some_and(|c| c == "serve") {
                command.args(["--simulate", "--listen", "127.0.0.1:0"]);
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            let words = said(&output);
            assert!(
                words.contains(part) && words.contains(path.to_str().unwrap()),
                "{words}"
            );
        }
    }
}

/// Runs a command as somebody who is not the owner: root may read everything, so the test changes its user.
#[test]
fn a_directory_of_somebody_else_is_refused() {
    let dir = Dir::v3();
    let binary = env!("CARGO_BIN_EXE_openvidu-operator");
    let script = "exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs /proc/self/fd/9 get --local \"$1\" 9<\"$2\"";
    let output = std::process::Command::new("bash")
        .args(["-c", script, "bash", dir.str(), binary])
        .output()
        .unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("ermission denied") && words.contains("let the user that runs the operator"),
        "{words}"
    );
}

#[test]
fn a_full_disk_stops_acting_says_so_and_goes_on_when_there_is_room() {
    let outer = tempfile::tempdir().unwrap();
    let script = r#"
set -eu
mount -t tmpfs -o size=24m,mode=700 tmpfs "$1"
cp "$3"/*.yaml "$1"; chmod 600 "$1"/*
"$2" serve --local "$1" --simulate --simulate-speed 20 --listen 127.0.0.1:0 >"$4/out" 2>"$4/err" &
until grep -q 'Creating -> Running' "$4/out"; do kill -0 $!; sleep 0.05; done
head -c 64m /dev/zero > "$1/ballast" 2>/dev/null || true
"$2" protect --local "$1" w2 >"$4/refused" 2>&1 && exit 3
grep -q 'disk is full' "$4/refused"
rm "$1/ballast"
until "$2" protect --local "$1" w2 >"$4/again" 2>&1; do kill -0 $!; sleep 0.05; done
kill -TERM $!
wait $!
"#;
    let dir = Dir::v3();
    let work = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "bash", "-c", script, "bash"])
        .args([
            outer.path(),
            std::path::Path::new(env!("CARGO_BIN_EXE_openvidu-operator")),
            dir.path(),
            work.path(),
        ])
        .env_remove("OPENVIDU_OPERATOR_LOCAL")
        .output()
        .unwrap();
    let told = ["out", "err", "refused", "again"]
        .map(|name| fs::read_to_string(work.path().join(name)).unwrap_or_default());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\n{}",
        said(&output),
        told.join("\n---\n")
    );
}

#[test]
fn a_database_of_a_newer_format_is_not_touched() {
    let dir = Dir::v3();
    let serving = dir.serve();
    until("the cluster to be ready", || dir.ready(NAME));
    serving.stop();
    let marker = dir.state("store.format");
    fs::write(&marker, "99\n").unwrap();
    let before = fs::read(dir.state("store.redb")).unwrap();
    for command in [
        vec!["get"],
        vec!["serve", "--simulate", "--listen", "127.0.0.1:0"],
    ] {
        let output = operator([])
            .args(&command)
            .args(["--local", dir.str()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let words = said(&output);
        assert!(
            words.contains("format 99") && words.contains("newer"),
            "{words}"
        );
    }
    assert!(
        before == fs::read(dir.state("store.redb")).unwrap(),
        "it was written"
    );
}

#[test]
fn a_torn_tail_loses_nothing_that_was_acknowledged() {
    let dir = Dir::v3();
    let serving = dir.serve();
    until("the cluster to be ready", || dir.ready(NAME));
    let nodes = dir.nodes(NAME).len();
    serving.kill();
    // A last input that was cut while it was written, as by a death in the middle of it.
    let world = dir.state("world");
    let mut bytes = fs::read(&world).unwrap();
    bytes.extend_from_slice(b"0123456789abcdef {\"Input\":{\"at\":17");
    fs::write(&world, bytes).unwrap();
    let serving = dir.serve();
    until("the cluster to be ready again", || dir.ready(NAME));
    assert_eq!(dir.nodes(NAME).len(), nodes);
    serving.stop();

    // A database that lost its end is refused by name; it is never begun anew in silence.
    let store = dir.state("store.redb");
    let length = fs::metadata(&store).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&store)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let output = run(["get", "--local", dir.str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("store.redb") && said(&output).contains("put back a copy"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_world_that_is_damaged_is_named() {
    let dir = Dir::v3();
    dir.serve().stop();
    let world = dir.state("world");
    let text = fs::read_to_string(&world).unwrap();
    fs::write(&world, text.replacen("format", "tamrof", 1)).unwrap();
    let output = run([
        "serve",
        "--local",
        dir.str(),
        "--simulate",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("/world, line 1"),
        "{}",
        said(&output)
    );
}
