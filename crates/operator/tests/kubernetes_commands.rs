//! Commands against a real API server, also as the plugin of a real kubectl.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/kube.rs"]
mod kube;
#[path = "common/kubernetes_bed.rs"]
mod kubernetes_bed;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;

use common::said;
use kubernetes_bed::{Bed, CLUSTER, NAMESPACE, file};

const HERE: [&str; 2] = ["--namespace", NAMESPACE];

/// Runs a command in the namespace; its exit code and what it said.
fn here(bed: &Bed, arguments: &[&str]) -> (Option<i32>, String) {
    let output = bed.ours(&[arguments, &HERE].concat());
    (output.status.code(), said(&output))
}

#[test]
fn people_look_and_act() {
    let bed = Bed::start();
    bed.apply("docs/examples/v3-onprem.yaml");

    // Nobody serves: it says so.
    let (code, text) = here(&bed, &["status"]);
    assert!(
        code == Some(2) && text.contains("is an operator running?"),
        "{text}"
    );
    bed.serve();
    bed.until_ready(2);

    let (code, text) = here(&bed, &["status"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("video/openvidu-ha: Running: "), "{text}");
    let (code, text) = here(&bed, &["get"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("video/openvidu-ha-w1"), "{text}");
    let (_, text) = here(&bed, &["get", "openvidu-ha", "-o", "yaml"]);
    assert!(text.contains("kind: OpenViduCluster"), "{text}");
    bed.until("events to be written", || {
        here(&bed, &["events", "openvidu-ha"])
            .1
            .contains("NodeJoined")
    });
    let (code, text) = here(&bed, &["why", "openvidu-ha"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("it is as it was declared"), "{text}");

    // A plan reads and writes nothing: no object has another version afterwards.
    let world = bed.world();
    let manifest = file("docs/examples/v3-onprem.yaml");
    let changed = bed.path("changed.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&changed, text.replace("    replicas: 2", "    replicas: 3")).unwrap();
    let plan = |file: &std::path::Path| {
        let arguments = ["plan", "-f", file.to_str().unwrap(), "--simulate-dir"];
        here(&bed, &[&arguments[..], &[world.to_str().unwrap()]].concat())
    };
    let (code, text) = plan(&manifest);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = plan(&changed);
    assert!(code == Some(2) && text.contains("cuts nothing"), "{text}");
    let (code, text) = here(&bed, &["plan", "-f", manifest.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("--simulate-dir"), "{text}");

    // Annotations, by the object's name or the machine's.
    let annotation = |node: &str, name: &str| {
        bed.get(&["openvidunodes", node])["metadata"]["annotations"][name].clone()
    };
    let (code, text) = here(&bed, &["protect", "openvidu-ha-w1"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(annotation("openvidu-ha-w1", "openvidu.io/protect"), "true");
    here(&bed, &["protect", "openvidu-ha-w1", "--off"]);
    assert!(annotation("openvidu-ha-w1", "openvidu.io/protect").is_null());
    let (code, text) = here(&bed, &["drain", "w2", "--reason", " "]);
    assert!(code == Some(1) && text.contains("say why"), "{text}");
    let (code, text) = here(&bed, &["force", "openvidu-ha-w1", "--confirm", "w1"]);
    assert!(code == Some(1) && text.contains("twice"), "{text}");
    assert!(annotation("openvidu-ha-w1", "openvidu.io/force").is_null());

    // As the plugin of a real kubectl.
    let bin = bed.path("bin");
    fs::create_dir(&bin).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_openvidu-operator"),
        bin.join("kubectl-openvidu"),
    )
    .unwrap();
    let plugin = |arguments: &[&str]| {
        let mut command = bed.api.kubectl();
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let output = command
            .arg("openvidu")
            .args(arguments)
            .env("PATH", path)
            .output()
            .unwrap();
        (output.status.code(), said(&output))
    };
    let (code, text) = plugin(&["status", "-n", NAMESPACE]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = plugin(&["drain", "w2", "--reason", "disk", "-n", NAMESPACE]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(annotation("openvidu-ha-w2", "openvidu.io/drain"), "disk");
    let (_, text) = plugin(&["why", "openvidu-ha-w2", "-n", NAMESPACE]);
    assert!(text.contains("somebody drains it"), "{text}");
    let (code, text) = plugin(&["undrain", "openvidu-ha-w2", "-n", NAMESPACE]);
    assert_eq!(code, Some(0), "{text}");
    assert!(annotation("openvidu-ha-w2", "openvidu.io/drain").is_null());
    let (_, text) = plugin(&["drain", "--help"]);
    assert!(text.contains("Usage: kubectl openvidu drain"), "{text}");

    let (code, text) = here(&bed, &["delete", CLUSTER]);
    assert!(
        code == Some(0) && text.contains("protected keeps it"),
        "{text}"
    );
    bed.until("deletion to be blocked", || {
        here(&bed, &["why", CLUSTER])
            .1
            .contains("DeletionBlocked=True")
    });
}

#[test]
fn errors_name_the_way_out() {
    let bed = Bed::bare();
    let (code, text) = here(&bed, &["get"]);
    assert!(
        code == Some(1) && text.contains("kubectl apply --server-side -f"),
        "{text}"
    );
    let nowhere = bed.path("nowhere");
    let output = common::operator(["status", "--kubeconfig"])
        .arg(&nowhere)
        .output()
        .unwrap();
    let text = said(&output);
    assert!(
        text.contains("no API server to ask") && text.contains("--local"),
        "{text}"
    );
    bed.api.install_crds().unwrap();
    let (code, text) = here(&bed, &["why", "nobody"]);
    assert!(
        code == Some(1) && text.contains("there is no cluster nobody"),
        "{text}"
    );
}

#[test]
fn the_operator_waits_for_its_definitions() {
    let bed = Bed::bare();
    bed.api.ask(&["create", "namespace", NAMESPACE]).unwrap();
    bed.serve();
    bed.until("it to listen", || bed.said().contains("/metrics"));
    let ready = || {
        let mut stream = std::net::TcpStream::connect(bed.address()).unwrap();
        let request = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    bed.until("it to say what is missing, and how it is installed", || {
        let answer = ready();
        answer.contains(" 503 ") && answer.contains("kubectl apply --server-side -f")
    });
    bed.api.install_crds().unwrap();
    bed.apply("docs/examples/secrets-v3-onprem.yaml");
    bed.apply("docs/examples/v3-onprem.yaml");
    bed.until_ready(2);
    assert!(ready().contains(" 200 "), "{}", ready());
}

#[test]
fn a_report_holds_no_secret() {
    let bed = Bed::start();
    // In Secrets that the declaration names, in its configuration, in annotations, and where people may type one.
    let planted = [
        "canary-license-value",
        "canary-config-value",
        "canary-annotation-value",
    ];
    let set = |secret: &str, key: &str, value: &str| {
        let patch = serde_json::json!({"stringData": {key: value}}).to_string();
        bed.kubectl(&["patch", "secret", secret, "--type=merge", "-p", &patch]);
    };
    set("openvidu-license", "license", planted[0]);
    bed.apply("docs/examples/v3-onprem.yaml");
    let patch = serde_json::json!({
        "metadata": {"annotations": {"example.com/note": planted[2]}},
        "spec": {"config": {"OPENVIDU_LABEL": planted[1]}},
    });
    bed.kubectl(&[
        "patch",
        "openviduclusters",
        CLUSTER,
        "--type=merge",
        "-p",
        &patch.to_string(),
    ]);
    bed.serve();
    bed.until_ready(2);
    let reason = format!("the license is {}", planted[0]);
    here(&bed, &["drain", "openvidu-ha-w2", "--reason", &reason]);
    let mut canaries: Vec<String> = planted.iter().map(ToString::to_string).collect();
    let generated = bed.get(&["secret", "openvidu-ha-credentials"]);
    for value in generated["data"].as_object().unwrap().values() {
        let coded = value.as_str().unwrap();
        let plain = data_encoding::BASE64.decode(coded.as_bytes()).unwrap();
        canaries.push(coded.to_owned());
        canaries.extend(String::from_utf8(plain).ok().filter(|text| text.len() > 5));
    }
    canaries.push("this is no key: put yours here".to_owned());
    assert!(canaries.len() > 10, "{}", canaries.len());

    let bundle = bed.path("report.tar.gz");
    let (world, address) = (bed.world(), bed.address());
    let (code, text) = here(
        &bed,
        &[
            "report",
            "--output",
            bundle.to_str().unwrap(),
            "--metrics",
            &address,
            "--simulate-dir",
            world.to_str().unwrap(),
        ],
    );
    assert_eq!(code, Some(0), "{text}");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(
        fs::File::open(&bundle).unwrap(),
    ));
    let (mut names, mut all) = (Vec::new(), text);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().display().to_string());
        entry.read_to_string(&mut all).unwrap();
    }
    for name in [
        "about.txt",
        "clusters.json",
        "nodes.json",
        "events.json",
        "secrets.json",
        "plan.json",
        "metrics.txt",
    ] {
        let name = format!("openvidu-report/{name}");
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for told in [
        "openvidu-ha-w1",
        "openvidu-license",
        "openvidu_operator_build_info",
        "NodeJoined",
        "the license is (left out)",
        "API server v1",
    ] {
        assert!(all.contains(told), "{told} is not told:\n{all}");
    }
    assert!(
        !all.contains("could not be had") && !all.contains("noPlan"),
        "{all}"
    );
    for canary in canaries {
        if let Some(at) = all.find(&canary) {
            let from = all.floor_char_boundary(at.saturating_sub(200));
            panic!("a secret shows after: {}", &all[from..at]);
        }
    }
    // What is there is not written over.
    let (code, _) = here(&bed, &["report", "--output", bundle.to_str().unwrap()]);
    assert_eq!(code, Some(1));
}
