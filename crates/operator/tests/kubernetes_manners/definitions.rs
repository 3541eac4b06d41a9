//! Definitions that are older than the operator: it says which fields they lack, and loses nothing.

use serde_json::{Value, json};

use crate::kube::{Bed, Serving, repository, wait_for};
use crate::scene::{MACHINES, after_rounds, at_rest, tenants, until_ready};
use crate::tenants::SPEED;

/// Takes a field out of the installed definition of this kind, as if it was from before that field.
fn age(bed: &Bed, plural: &str, pointer: &str) {
    let name = format!("{plural}.openvidu.io");
    let field = format!("/spec/versions/0/schema/openAPIV3Schema{pointer}");
    let removal = json!([{"op": "remove", "path": field}]).to_string();
    let patch = ["patch", "crd", &name, "--type=json", "-p", &removal];
    bed.api.ask(&patch).unwrap();
}

/// Installs those of this release over whatever is there.
fn renew(bed: &Bed) {
    let crds = repository("crds");
    let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
    let apply = [&apply[..], &[crds.to_str().unwrap()]].concat();
    bed.api.ask(&apply).unwrap();
}

fn readiness(serving: &Serving, code: u16, words: &[&str]) -> bool {
    let (answered, page) = serving.page("/readyz");
    answered == code && words.iter().all(|word| page.contains(word))
}

/// All that is stored of a cluster, and in which version.
fn stored(bed: &Bed) -> Vec<Value> {
    let mut all = bed.nodes_in(MACHINES);
    all.extend(bed.cluster_in(MACHINES));
    all
}

#[test]
fn nothing_is_written_that_older_definitions_would_drop() {
    let bed = at_rest();
    let before = stored(&bed);
    age(
        &bed,
        "openviduclusters",
        "/properties/status/properties/applied",
    );
    age(&bed, "openvidunodes", "/properties/status/properties/drain");
    let holder = || {
        bed.read("/apis/coordination.k8s.io/v1/namespaces/openvidu-system/leases/openvidu-operator")
            .unwrap()["spec"]["holderIdentity"]
            .clone()
    };
    let nobody = holder();

    let mut serving = bed.serve();
    let lacks = [
        "OpenViduCluster status.applied",
        "OpenViduNode status.drain",
        "kubectl apply --server-side -f crds/",
    ];
    let told = |serving: &Serving| readiness(serving, 503, &lacks);
    wait_for(
        "readiness to name the fields",
        || told(&serving),
        || serving.said(),
    );
    let named = lacks.iter().all(|word| serving.said().contains(word));
    assert!(named, "{}", serving.said());
    // An older release that knows all of these definitions may lead meanwhile.
    assert_eq!(holder(), nobody);
    assert!(!serving.leads());

    // With newer ones it goes on by itself, and all that was stored is there and as it should be.
    renew(&bed);
    serving.until_leads();
    until_ready(&bed, &mut serving, MACHINES);
    after_rounds(&bed, &mut serving, MACHINES, 3);
    assert!(readiness(&serving, 200, &[]), "{}", serving.said());
    let versions = |all: &[Value]| -> Vec<Value> {
        all.iter().map(|o| o["status"]["applied"].clone()).collect()
    };
    assert_eq!(versions(&stored(&bed)), versions(&before));

    // Put back under whoever leads, it ends, and waits when it is started again.
    age(
        &bed,
        "openviduclusters",
        "/properties/status/properties/intent",
    );
    let mut code = None;
    let mut ends = || {
        code = serving.child.try_wait().unwrap();
        code.is_some()
    };
    let said = serving.said.clone();
    wait_for("it to end", &mut ends, || {
        std::fs::read_to_string(&said).unwrap()
    });
    assert_eq!(code.unwrap().code(), Some(1));
    let said = serving.said();
    assert!(said.contains("error: the definitions are older"), "{said}");
    assert!(said.contains("OpenViduCluster status.intent"), "{said}");
}

#[test]
fn a_field_that_people_cannot_write_yet_is_named_and_waited_for_by_nobody() {
    let bed = at_rest();
    age(
        &bed,
        "openviduclusters",
        "/properties/spec/properties/drift",
    );
    let arguments = ["--all-namespaces", &tenants(), "--simulate-speed", SPEED];
    let mut serving = bed.serve_with(&bed.world_dir(), &arguments);
    serving.until_leads();
    until_ready(&bed, &mut serving, MACHINES);
    let said = serving.said();
    assert!(
        said.contains("fields=\"OpenViduCluster spec.drift\""),
        "{said}"
    );
    assert!(readiness(&serving, 200, &["ok"]));
    // Asked for all the same, it is the server that says that it knows nothing of it.
    let patch = [
        "patch",
        "openviduclusters",
        crate::kube::CLUSTER,
        "--namespace",
        MACHINES,
        "--type=merge",
        "-p",
        r#"{"spec":{"drift":"Report","media":{"replicas":3}}}"#,
    ];
    let output = bed.api.kubectl().args(patch).output().unwrap();
    let text = crate::common::said(&output);
    assert!(text.contains("unknown field \"spec.drift\""), "{text}");
    bed.until(&mut serving, "the rest of it", || {
        crate::kube::is_ready(&bed.cluster_in(MACHINES).unwrap(), 3)
    });
    assert_eq!(serving.stop(), Some(0));
}
