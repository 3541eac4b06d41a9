//! `serve` and the commands that speak with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{Dir, condition, run, said, until};
use ovo_api::node::NodePhase;

const V3: &str = "openvidu-ha";
const V2: &str = "openvidu-multimaster";

#[test]
fn both_examples_come_up_and_are_shown() {
    let dir = Dir::both();
    let serving = dir.serve();
    until("both to be ready", || dir.ready(V3) && dir.ready(V2));

    let get = run(["get", "--local", dir.str(), "-o", "wide"]);
    let text = said(&get);
    assert!(get.status.success(), "{text}");
    for words in [
        "video/openvidu-ha",
        "4/4",
        "2/2",
        "Running",
        "NAME",
        "AS-OF",
        "aws/eu-west-1 (simulated)",
        "Standby",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let one = said(&run(["get", "--local", dir.str(), V3, "-o", "json"]));
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["kind"], "OpenViduCluster");
    assert_eq!(one["status"]["simulated"], true);
    let yaml = said(&run(["get", "--local", dir.str(), "nodes", "-o", "yaml"]));
    assert!(
        yaml.contains("kind: OpenViduNode") && yaml.contains("machine: m1"),
        "{yaml}"
    );
    let events = said(&run(["events", "--local", dir.str(), V3]));
    assert!(
        events.contains("NodeJoined") && !events.contains(V2),
        "{events}"
    );
    let unknown = run(["get", "--local", dir.str(), "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        said(&unknown).contains("there is no cluster or node nobody"),
        "{}",
        said(&unknown)
    );

    assert_eq!(serving.page("/healthz").0, 200);
    assert_eq!(serving.page("/readyz"), (200, "ok\n".to_owned()));
    assert_eq!(serving.page("/elsewhere").0, 404);
    let (code, said) = serving.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Creating -> Running"), "{said}");
}

/// Every metric of the documentation is there, and no other.
#[test]
fn metrics_are_those_of_the_documentation() {
    let dir = Dir::v3();
    let serving = dir.serve();
    let ready = "openvidu_cluster_ready{namespace=\"video\",cluster=\"openvidu-ha\"} 1";
    let mut text = String::new();
    until("the cluster to be ready", || {
        let (code, page) = serving.page("/metrics");
        assert_eq!(code, 200);
        text = page;
        text.contains(ready)
    });
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(
        text.contains("role=\"Media\",phase=\"Standby\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("act=\"Install\",result=\"in_progress\""),
        "{text}"
    );
    let page = include_str!("../../../docs/metrics.md");
    let described = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `openvidu_")?.split('`').next());
    let described: Vec<&str> = described
        .map(|name| name.trim_end_matches("_total"))
        .collect();
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE openvidu_")?.split(' ').next());
    let served: Vec<&str> = types.collect();
    for name in &served {
        assert!(
            described.contains(name),
            "openvidu_{name} is not in docs/metrics.md"
        );
    }
    for name in &described {
        assert!(
            served.contains(name),
            "openvidu_{name} is not served: {served:?}"
        );
    }
}

#[test]
fn people_drain_protect_and_force_nodes_through_the_socket() {
    let dir = Dir::v3();
    let _serving = dir.serve();
    until("the cluster to be ready", || dir.ready(V3));
    let mode = std::fs::metadata(dir.state("socket"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let drained = run(["drain", "--local", dir.str(), "w1", "--reason", "new disk"]);
    assert!(drained.status.success(), "{}", said(&drained));
    let phase = |machine: &str| {
        let nodes = dir.nodes(V3);
        nodes
            .iter()
            .find(|n| n.spec.machine == machine)
            .and_then(|n| n.status.as_ref())
            .map(|s| s.phase)
    };
    until("w1 to be drained", || {
        phase("w1") == Some(NodePhase::Standby)
    });
    until("another to serve", || {
        phase("w3") == Some(NodePhase::Serving)
    });
    let back = run(["undrain", "--local", dir.str(), "openvidu-ha-w1"]);
    assert!(back.status.success(), "{}", said(&back));

    let annotation = |name: &str| {
        let nodes = dir.nodes(V3);
        let w2 = nodes.iter().find(|n| n.spec.machine == "w2").unwrap();
        w2.metadata
            .annotations
            .as_ref()
            .and_then(|a| a.get(name).cloned())
    };
    assert!(
        run(["protect", "--local", dir.str(), "w2"])
            .status
            .success()
    );
    assert_eq!(annotation("openvidu.io/protect").as_deref(), Some("true"));
    assert!(
        run(["protect", "--local", dir.str(), "w2", "--off"])
            .status
            .success()
    );
    assert_eq!(annotation("openvidu.io/protect"), None);

    for typed in [["w2", "w2"], ["openvidu-ha-w2", "openvidu-ha-w3"]] {
        let slip = run([
            "force",
            "--local",
            dir.str(),
            typed[0],
            "--confirm",
            typed[1],
        ]);
        assert_eq!(slip.status.code(), Some(1));
        assert!(
            said(&slip).contains("type the whole name twice"),
            "{}",
            said(&slip)
        );
    }
    assert_eq!(annotation("openvidu.io/force"), None);
    let nobody = run(["drain", "--local", dir.str(), "w9", "--reason", "x"]);
    assert!(
        said(&nobody).contains("there is no node w9"),
        "{}",
        said(&nobody)
    );
    let reasonless = run(["drain", "--local", dir.str(), "w2", "--reason", " "]);
    assert!(
        said(&reasonless).contains("--reason"),
        "{}",
        said(&reasonless)
    );
}

#[test]
fn commands_work_while_nobody_serves() {
    let dir = Dir::v3();
    let serving = dir.serve();
    until("the cluster to be ready", || dir.ready(V3));
    assert_eq!(serving.stop().0, Some(0));

    let protected = run(["protect", "--local", dir.str(), "w2"]);
    assert!(
        said(&protected).contains("once somebody does"),
        "{}",
        said(&protected)
    );
    let get = said(&run(["get", "--local", dir.str()]));
    assert!(get.contains("Running") && get.contains("Standby"), "{get}");
    let deleted = run(["delete", "--local", dir.str(), V3]);
    assert!(
        said(&deleted).contains("spec.deletion.protected"),
        "{}",
        said(&deleted)
    );

    let _serving = dir.serve();
    until("the deletion to be blocked", || {
        dir.cluster(V3)
            .is_some_and(|c| condition(&c, "DeletionBlocked") == "True")
    });
    let nodes = dir.nodes(V3);
    let w2 = nodes.iter().find(|n| n.spec.machine == "w2").unwrap();
    assert_eq!(
        w2.metadata.annotations.as_ref().unwrap()["openvidu.io/protect"],
        "true"
    );
}

#[test]
fn a_cluster_that_is_not_protected_is_deleted_by_name() {
    let dir = Dir::v3();
    dir.write(
        "v3.yaml",
        &common::V3.replace("protected: true", "protected: false"),
    );
    let _serving = dir.serve();
    until("the cluster to be ready", || dir.ready(V3));
    let deleted = run(["delete", "--local", dir.str(), "video/openvidu-ha"]);
    assert!(deleted.status.success(), "{}", said(&deleted));
    until("the cluster to be gone", || {
        dir.cluster(V3).is_none() && dir.nodes(V3).is_empty()
    });
}

#[test]
fn a_vanished_manifest_deletes_nothing() {
    let dir = Dir::v3();
    let _serving = dir.serve();
    until("the cluster to be ready", || dir.ready(V3));
    std::fs::remove_file(dir.path().join("v3.yaml")).unwrap();
    until("the cluster to be left alone", || {
        dir.list().unmanaged == ["video/openvidu-ha"]
    });
    let get = said(&run(["get", "--local", dir.str(), "clusters"]));
    assert!(get.contains("Unmanaged"), "{get}");
    assert_eq!(dir.nodes(V3).len(), 7);
}

#[test]
fn a_directory_is_served_once() {
    let dir = Dir::v3();
    let serving = dir.serve();
    let second = run([
        "serve",
        "--local",
        dir.str(),
        "--simulate",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(second.status.code(), Some(1));
    let words = said(&second);
    assert!(
        words.contains(dir.str()) && words.contains(&serving.pid().to_string()),
        "{words}"
    );
}

#[test]
fn what_is_not_built_is_named() {
    let kubernetes = run(["serve"]);
    assert_eq!(kubernetes.status.code(), Some(1));
    let words = said(&kubernetes);
    for part in ["not built yet", "--local DIR", "--simulate"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // A cloud among machines is refused by itself, and nothing is made of it.
    let dir = Dir::empty();
    dir.write("v2.yaml", common::V2);
    dir.write("secrets-v2.yaml", common::V2_SECRETS);
    let serving = dir.serve_real();
    until("it to be refused", || {
        dir.cluster(V2)
            .is_some_and(|cluster| condition(&cluster, "Stalled") == "True")
    });
    let cluster = dir.cluster(V2).unwrap();
    let status = cluster.status.unwrap();
    let stalled = status.conditions.iter().find(|c| c.type_ == "Stalled");
    let message = &stalled.unwrap().message;
    assert!(
        message.contains("spec.infrastructure") && message.contains("--simulate"),
        "{message}"
    );
    assert_eq!(serving.stop().0, Some(0));
}

/// What is on record there speaks of machines that never were.
#[test]
fn a_simulated_directory_is_not_served_for_real() {
    let dir = Dir::v3();
    dir.serve_with(&[]).stop();
    let real = run(["serve", "--local", dir.str(), "--listen", "127.0.0.1:0"]);
    assert_eq!(real.status.code(), Some(1));
    let words = said(&real);
    assert!(
        words.contains(dir.str()) && words.contains("add --simulate"),
        "{words}"
    );
}

#[test]
fn a_world_keeps_its_seed() {
    let dir = Dir::v3();
    assert_eq!(dir.serve_with(&[]).stop().0, Some(0));
    let other = run([
        "serve",
        "--local",
        dir.str(),
        "--simulate=7",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        said(&other).contains("a world of seed 1"),
        "{}",
        said(&other)
    );
}

#[test]
fn logs_are_json_on_demand() {
    let dir = Dir::v3();
    let serving = dir.serve_with(&["--simulate-speed", "20", "--log-format", "json"]);
    until("the cluster to be ready", || dir.ready(V3));
    let (code, said) = serving.stop();
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(
        lines
            .iter()
            .any(|l| l["cluster"] == "video/openvidu-ha" && l["kind"] == "phase"),
        "{said}"
    );
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = Dir::v3();
    let refused = run([
        "serve",
        "--local",
        dir.str(),
        "--simulate",
        "--listen",
        &address,
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains(&format!("--listen {address}")),
        "{}",
        said(&refused)
    );
}

#[test]
fn a_table_is_drawn_in_place_and_the_terminal_given_back() {
    let dir = Dir::v3();
    let serving = dir.serve_with(&["--simulate-speed", "20", "--view", "table"]);
    until("the table to show it", || {
        serving.said().contains("Running")
    });
    let (code, said) = serving.stop();
    assert_eq!(code, Some(0));
    let (taken, left) = (
        said.find("\x1b[?1049h").unwrap(),
        said.rfind("\x1b[?1049l").unwrap(),
    );
    assert!(taken < left);
    assert!(
        said[taken..left].contains("installing"),
        "what is under way, and how far"
    );
    let last = &said[left..];
    assert!(
        last.contains("video/openvidu-ha") && last.contains("4/4"),
        "{last}"
    );
}
