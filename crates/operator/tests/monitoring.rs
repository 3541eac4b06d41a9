//! Alerts, dashboard and health script: by promtool and Lua themselves, and every metric that they name exists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Dir, said, until};
use serde_json::Value;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap()
}

fn rules() -> Value {
    yaml("deploy/components/monitoring/rules.yaml")["spec"].clone()
}

fn alerts() -> BTreeSet<String> {
    let groups = rules()["groups"].clone();
    let groups = groups.as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .map(|rule| rule["alert"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_alert_is_fired_and_silenced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.json"), rules().to_string()).unwrap();
    let cases = "crates/operator/tests/monitoring/alerts.yaml";
    fs::copy(file(cases), dir.path().join("alerts.yaml")).unwrap();
    let output = Command::new("promtool")
        .args(["test", "rules", "alerts.yaml"])
        .current_dir(dir.path())
        .output()
        .expect("promtool: scripts/install-packages installs it");
    assert!(output.status.success(), "{}", said(&output));

    // None was forgotten, neither its firing nor its silence.
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in yaml(cases)["tests"].as_array().unwrap() {
        for case in test["alert_rule_test"].as_array().unwrap() {
            let name = case["alertname"].as_str().unwrap().to_owned();
            match case["exp_alerts"].as_array() {
                Some(_) => fired.insert(name),
                None => silent.insert(name),
            };
        }
    }
    assert_eq!(fired, alerts());
    assert_eq!(silent, alerts());
    let page = text("docs/metrics.md");
    for alert in alerts() {
        assert!(
            page.contains(&alert),
            "docs/metrics.md does not tell of {alert}"
        );
    }
}

/// Names that begin as ours do.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| {
            word.starts_with("openvidu_operator_") || word.starts_with("openvidu_cluster_")
        })
        .map(str::to_owned)
        .collect()
}

/// A metric's name as its type line has it.
fn family(sample: &str) -> &str {
    ["_total", "_bucket", "_sum", "_count"]
        .iter()
        .find_map(|end| sample.strip_suffix(end))
        .unwrap_or(sample)
}

#[test]
fn every_metric_that_is_named_exists() {
    let dir = Dir::v3();
    let serving = dir.serve();
    until("it to be ready", || dir.ready("openvidu-ha"));
    let page = serving.page("/metrics").1;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<String> = types
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert!(served.len() > 10, "{page}");
    assert!(
        page.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")),
        "{page}"
    );
    let documented = names(&text("docs/metrics.md"));
    for name in &served {
        let told = documented.iter().any(|word| family(word) == name);
        assert!(told, "docs/metrics.md does not tell of {name}");
    }
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/openvidu.json")).unwrap();
    let queries = dashboard["panels"].to_string();
    for (place, text) in [("a rule", rules().to_string()), ("a panel", queries)] {
        let named = names(&text);
        assert!(named.len() > 4, "{named:?}");
        for name in named {
            assert!(
                served.contains(family(&name)) && documented.contains(family_of_docs(&name)),
                "{place} names {name}, which there is not"
            );
        }
    }
}

/// The page names a histogram once.
fn family_of_docs(sample: &str) -> &str {
    ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|end| sample.strip_suffix(end))
        .unwrap_or(sample)
}

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut text = "{".to_owned();
            for (name, value) in fields {
                let _ = write!(text, "[\"{name}\"]={},", lua(value));
            }
            text + "}"
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(lua).collect();
            format!("{{{}}}", items.join(","))
        }
        Value::Null => "nil".to_owned(),
        // Strings of the test data hold nothing that Lua would read in another way.
        other => other.to_string(),
    }
}

#[test]
fn argo_cd_sees_what_we_say() {
    let tests = yaml("deploy/argocd/health_test.yaml");
    let tests = tests["tests"].as_array().unwrap();
    assert!(tests.len() >= 6);
    for test in tests {
        let object = yaml(&format!(
            "deploy/argocd/{}",
            test["inputPath"].as_str().unwrap()
        ));
        let program = format!(
            "obj = {}; local h = dofile(arg[1]); print(h.status); print(h.message)",
            lua(&object)
        );
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main.lua");
        fs::write(&main, program).unwrap();
        let output = Command::new("lua5.1")
            .arg(&main)
            .arg(file("deploy/argocd/health.lua"))
            .output()
            .expect("lua5.1: scripts/install-packages installs it");
        let told = format!(
            "{}\n{}\n",
            test["healthStatus"]["status"].as_str().unwrap(),
            test["healthStatus"]["message"].as_str().unwrap()
        );
        assert_eq!(said(&output), told, "{}", test["inputPath"]);
    }
}
