//! Clusters that may not be worked on, and are being deleted.

use std::fs;

use serde_json::Value;

use crate::claims::add_machine;
use crate::kube::{Bed, CLUSTER};
use crate::says::{blocked, gone, ready, stalled};
use crate::tenants::{cluster_wide, deployment, on_aws};

const BUILT: &str = "built";
const WAITING: &str = "waiting";
const LINKED: &str = "linked";
const CLOUD: &str = "cloud";

fn delete(bed: &Bed, namespace: &str) {
    bed.ask_in(
        namespace,
        &["delete", "openviduclusters", CLUSTER, "--wait=false"],
    );
}

#[test]
fn a_refused_cluster_keeps_nobody_waiting_when_it_is_deleted() {
    let bed = cluster_wide(&[]);
    bed.settle(1, BUILT, |_| {});
    let mut serving = bed.serve();
    bed.until_all(&mut serving, vec![ready(&bed, BUILT, 2)]);
    // In conflict with it from the beginning; and refused for where it leads.
    bed.settle(1, WAITING, |c| {
        c["spec"]["deletion"]["protected"] = true.into();
    });
    bed.settle(2, LINKED, |c| {
        c["spec"]["infrastructure"]["onPrem"]["ssh"]["jumpHost"] = jump_host();
    });
    // The operator's own identity is not theirs.
    on_aws(&bed, CLOUD, |_| {});
    bed.until_all(
        &mut serving,
        vec![
            stalled(&bed, WAITING, "Conflict", &[]),
            stalled(&bed, LINKED, "TargetNotPermitted", &[]),
            stalled(&bed, CLOUD, "IdentityNotPermitted", &[]),
        ],
    );
    for namespace in [WAITING, LINKED, CLOUD] {
        delete(&bed, namespace);
    }
    bed.until_all(
        &mut serving,
        vec![
            gone(&bed, LINKED),
            gone(&bed, CLOUD),
            blocked(&bed, WAITING, "Protected", &["spec.deletion.protected"]),
        ],
    );
    bed.patch(WAITING, r#"{"spec":{"deletion":{"protected":false}}}"#);
    bed.until_all(&mut serving, vec![gone(&bed, WAITING)]);

    // One that was built cannot be taken away through a jump host that is refused. It says so, and how to go on.
    jump(&bed, &jump_host());
    bed.until_all(
        &mut serving,
        vec![stalled(
            &bed,
            BUILT,
            "TargetNotPermitted",
            &["jumpHost", "169.254.169.254"],
        )],
    );
    delete(&bed, BUILT);
    let parts = ["jumpHost", "put it right", "openvidu.io/abandon"];
    let wanted = vec![blocked(&bed, BUILT, "TargetNotPermitted", &parts)];
    bed.until_all(&mut serving, wanted);
    assert!(!deployment(&bed.world(), BUILT).leftovers().is_empty());
    // What it named last and never held is nothing that its end waits for.
    add_machine(&bed, BUILT, "w4", "169.254.169.254");
    jump(&bed, &Value::Null);
    bed.until_all(&mut serving, vec![gone(&bed, BUILT)]);
    assert_eq!(
        deployment(&bed.world(), BUILT).leftovers(),
        Vec::<String>::new()
    );
    assert_eq!(bed.world().ledger().harms, 0);
    assert_eq!(serving.stop(), Some(0));
}

fn jump_host() -> Value {
    serde_json::json!({
        "address": "169.254.169.254",
        "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNDyCKfm+RQ2XG6WENyl0jFFZlHybQFvvmhVuFv2afX",
    })
}

fn jump(bed: &Bed, host: &Value) {
    let change =
        serde_json::json!({"spec": {"infrastructure": {"onPrem": {"ssh": {"jumpHost": host}}}}});
    bed.patch(BUILT, &change.to_string());
}

/// What an older definition let in: a version that this release does not know.
#[test]
fn an_unsupported_cluster_is_let_go_by_its_name() {
    let bed = cluster_wide(&[]);
    bed.settle(1, BUILT, |_| {});
    let mut serving = bed.serve();
    bed.until_all(&mut serving, vec![ready(&bed, BUILT, 2)]);
    without_rules(&bed);
    let unsupported = r#"{"spec":{"version":"9.0.0"}}"#;
    bed.patch(BUILT, unsupported);
    bed.settle(2, LINKED, |c| c["spec"]["version"] = "9.0.0".into());
    bed.until_all(
        &mut serving,
        vec![
            stalled(&bed, BUILT, "NotSupported", &["9.0.0"]),
            stalled(&bed, LINKED, "NotSupported", &["9.0.0"]),
        ],
    );
    delete(&bed, BUILT);
    delete(&bed, LINKED);
    let parts = ["9.0.0", "openvidu.io/abandon"];
    bed.until_all(
        &mut serving,
        vec![
            gone(&bed, LINKED),
            blocked(&bed, BUILT, "NotSupported", &parts),
        ],
    );
    let value = format!("openvidu.io/abandon={CLUSTER}");
    bed.ask_in(BUILT, &["annotate", "openviduclusters", CLUSTER, &value]);
    bed.until_all(&mut serving, vec![gone(&bed, BUILT)]);
    assert!(bed.nodes_in(BUILT).is_empty());
    let said = serving.said();
    let mut lines = said.lines();
    let left = lines.find(|line| line.contains("left behind") && line.contains("w1 at 10.1.0.11"));
    assert!(left.is_some(), "{said}");
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(bed.world().ledger().harms, 0);
}

/// The definition of clusters without rules and bounds of strings.
fn without_rules(bed: &Bed) {
    let path = crate::kube::repository("crds/openviduclusters.yaml");
    let mut crd: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    strip(&mut crd["spec"]["versions"][0]["schema"]);
    let file = bed.dir.path().join("crd.json");
    fs::write(&file, crd.to_string()).unwrap();
    let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
    bed.api
        .ask(&[&apply[..], &[file.to_str().unwrap()]].concat())
        .unwrap();
}

fn strip(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("x-kubernetes-validations");
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}
