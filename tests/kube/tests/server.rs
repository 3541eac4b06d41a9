//! The server itself: what tests that use it rely on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/until.rs"]
mod until;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ovo_kube::{ApiServer, Part};
use rustix::process::{Pid, Signal, kill_process};
use until::until;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// The processes whose command line speaks of this folder, by program. What is dead and not yet buried has no command line.
fn programs(state: &Path) -> BTreeMap<String, i32> {
    let mark = state.display().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            let program = line.contains(&mark).then(|| line.split('\0').next())??;
            Some((program.rsplit('/').next()?.to_owned(), pid))
        })
        .collect()
}

#[test]
fn users_have_their_own_rights_and_what_they_write_is_noted() {
    let server = ApiServer::builder()
        .user("alice", &["devs"])
        .start()
        .unwrap();
    server.install_crds().unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"));
    assert!(server.ca_pem().unwrap().contains("BEGIN CERTIFICATE"));
    assert_eq!(
        server.kubeconfig("bob").unwrap_err().kind(),
        ErrorKind::NotFound
    );

    let whoami = |mut command: Command| {
        let output = command
            .args([
                "auth",
                "whoami",
                "--output=jsonpath={.status.userInfo.username}/{.status.userInfo.groups}",
            ])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        whoami(server.kubectl()),
        r#"admin/["system:masters","system:authenticated"]"#
    );
    assert_eq!(
        whoami(server.kubectl_as("alice").unwrap()),
        r#"alice/["devs","system:authenticated"]"#
    );

    let secret = [
        "create",
        "secret",
        "generic",
        "mine",
        "--from-literal=key=canary",
    ];
    let refused = server
        .kubectl_as("alice")
        .unwrap()
        .args(secret)
        .output()
        .unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        why.contains("User \"alice\" cannot create resource \"secrets\""),
        "{why}"
    );
    server.ask(&secret).unwrap();

    let seen = until(|| {
        let seen: Vec<String> = server
            .audit()
            .unwrap()
            .iter()
            .map(|entry| {
                format!(
                    "{} {} {} {} {}",
                    entry.user, entry.verb, entry.resource, entry.name, entry.code
                )
            })
            .collect();
        if seen.len() < 2 {
            Err(format!("{seen:?}"))
        } else {
            Ok(seen)
        }
    });
    assert_eq!(
        seen,
        ["alice create secrets  403", "admin create secrets mine 201"]
    );
    let log = fs::read_to_string(server.state().join("audit.log")).unwrap();
    assert!(
        !log.contains("canary"),
        "the value of a Secret is in the log"
    );
}

#[test]
fn faults_look_like_faults() {
    let server = ApiServer::start().unwrap();
    server.ask(&["create", "configmap", "kept"]).unwrap();
    let kept = || {
        let path = format!("{CONFIG_MAPS}/kept");
        server.request("GET", &path, None).map(|answer| answer.code)
    };
    let refused = || {
        let address = server.url().replace("https://", "");
        TcpStream::connect(address).unwrap_err().kind() == ErrorKind::ConnectionRefused
    };
    // A client with patience for a second.
    let silent = || {
        let output = server
            .kubectl()
            .args(["get", "configmap", "kept", "--request-timeout=1s"])
            .output()
            .unwrap();
        !output.status.success()
    };
    let url = server.url();

    for stop in [ApiServer::kill_apiserver, ApiServer::terminate_apiserver] {
        stop(&server).unwrap();
        assert!(refused());
        assert!(stop(&server).is_err(), "what is down cannot be stopped");
        server.start_apiserver().unwrap();
        assert!(server.start_apiserver().is_err(), "it runs already");
        assert_eq!((server.url(), kept().unwrap()), (url.clone(), 200));
    }
    for part in [Part::ApiServer, Part::Etcd] {
        server.pause(part).unwrap();
        assert!(silent(), "{part:?} is paused");
        server.resume(part).unwrap();
        until(|| match kept() {
            Ok(200) => Ok(()),
            other => Err(format!("{part:?} went on: {other:?}")),
        });
    }
}

#[test]
fn controllers_collect_garbage_and_end_namespaces() {
    let server = ApiServer::builder().controllers().start().unwrap();
    let gone = |path: &str| {
        until(|| match server.request("GET", path, None) {
            Ok(answer) if answer.code == 404 => Ok(()),
            other => Err(format!("{path}: {other:?}")),
        });
    };
    server.ask(&["create", "configmap", "owner"]).unwrap();
    let owner = server
        .ask(&[
            "get",
            "configmap",
            "owner",
            "--output=jsonpath={.metadata.uid}",
        ])
        .unwrap();
    let dependent = serde_json::json!({
        "metadata": {
            "name": "owned",
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}],
        },
    });
    let made = server
        .request("POST", CONFIG_MAPS, Some(&dependent))
        .unwrap();
    assert_eq!(made.code, 201, "{}", made.body);
    server.ask(&["delete", "configmap", "owner"]).unwrap();
    gone(&format!("{CONFIG_MAPS}/owned"));

    server.ask(&["create", "namespace", "brief"]).unwrap();
    server
        .ask(&["delete", "namespace", "brief", "--wait=false"])
        .unwrap();
    gone("/api/v1/namespaces/brief");
}

#[test]
fn nothing_is_left_of_a_server_that_was_dropped() {
    let server = ApiServer::start().unwrap();
    let state = server.state().to_owned();
    assert!(programs(&state).contains_key("kube-apiserver"));
    drop(server);
    assert!(!state.exists());
    // A guard goes when it is told that its program is gone.
    until(|| {
        let left = programs(&state);
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
}

#[test]
fn nothing_is_left_of_a_server_whose_process_was_killed() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_hold-apiserver"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let state = PathBuf::from(line.split(' ').next().unwrap());
    let running = programs(&state);
    for program in ["etcd", "kube-apiserver", "kube-controller-manager"] {
        assert!(
            running.contains_key(program),
            "{program} is not in {running:?}"
        );
    }
    // Not even one that stands still.
    let still = Pid::from_raw(running["kube-apiserver"]).unwrap();
    kill_process(still, Signal::STOP).unwrap();

    holder.kill().unwrap();
    holder.wait().unwrap();
    until(|| {
        let left = programs(&state);
        if left.is_empty() && !state.exists() {
            Ok(())
        } else {
            Err(format!("{left:?} and {}", state.display()))
        }
    });
}
