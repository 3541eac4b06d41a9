//! What the program tells of itself: logs in two formats, its release, and that release among its metrics.

use serde_json::Value;

use crate::common::{run, said};
use crate::kube::{Bed, CLUSTER};
use crate::scene::{CLOUD, MACHINES, at_rest, tenants};
use crate::tenants::SPEED;

/// Serves until a node more was told of, and ends; all that was said.
fn life(bed: &Bed, format: &str, replicas: i64) -> String {
    let tenants = tenants();
    let arguments = ["--all-namespaces", &tenants, "--simulate-speed", SPEED];
    let logs = ["--log-level", "info", "--log-format", format];
    let mut serving = bed.serve_with(&bed.world_dir(), &[&arguments[..], &logs].concat());
    let scale = format!("--replicas={replicas}");
    bed.ask_in(MACHINES, &["scale", "openviduclusters", CLUSTER, &scale]);
    bed.until(&mut serving, "the change", || {
        crate::kube::is_ready(&bed.cluster_in(MACHINES).unwrap(), replicas)
    });
    let (code, page) = serving.page("/metrics");
    assert_eq!(code, 200);
    let release = format!(
        "openvidu_operator_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    assert!(page.lines().any(|line| line == release), "{page}");
    let file = serving.said.clone();
    assert_eq!(serving.stop(), Some(0));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn logs_are_lines_for_people_or_json_for_tools() {
    let bed = at_rest();
    let text = life(&bed, "text", 3);
    let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
    assert!(!text.lines().any(is_json), "{text}");
    assert!(text.contains(MACHINES) && text.contains("leads"), "{text}");

    let json = life(&bed, "json", 2);
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    for line in &lines {
        for field in ["timestamp", "level"] {
            assert!(line[field].is_string(), "{line}");
        }
    }
    // Each line that speaks of a cluster says of which.
    let is_change = |line: &&Value| line["kind"] == "node" || line["kind"] == "phase";
    let changes: Vec<&Value> = lines.iter().filter(is_change).collect();
    let of = |namespace: &str| {
        let cluster = format!("{namespace}/{CLUSTER}");
        changes
            .iter()
            .filter(|line| line["cluster"] == cluster.as_str())
            .count()
    };
    assert!(of(MACHINES) > 0 && of(CLOUD) > 0, "{json}");
    assert_eq!(of(MACHINES) + of(CLOUD), changes.len(), "{json}");
}

#[test]
fn the_version_is_told() {
    for flag in ["--version", "-V"] {
        let told = run([flag]);
        let text = said(&told);
        assert!(told.status.success(), "{text}");
        assert_eq!(
            text,
            format!("openvidu-operator {}\n", env!("CARGO_PKG_VERSION"))
        );
    }
}
