//! Machines, buckets, ids of another cluster.

use serde_json::{Value, json};

use crate::kube::{Bed, CLUSTER};
use crate::says::{gone, held, ready, stalled};
use crate::tenants::{cluster_wide, deployment, id, on_aws};

const OWNER: &str = "owner";
const THIEF: &str = "thief";
const COPYCAT: &str = "copycat";
const GREEDY: &str = "greedy";

const ID: &str = "openvidu.io/infrastructure-id";

/// What exists of a deployment and how often a step of ours changed it.
fn things(bed: &Bed, namespace: &str) -> Vec<String> {
    let world = bed.world();
    deployment(&world, namespace).leftovers()
}

fn never_met(bed: &Bed, id: &str) -> bool {
    bed.world().find(id).is_none()
}

fn annotate(bed: &Bed, namespace: &str, value: &str) {
    let what = ["annotate", "--overwrite", "openviduclusters", CLUSTER];
    bed.ask_in(namespace, &[&what[..], &[value]].concat());
}

/// The newest machine of the list, which stands by.
pub(crate) fn add_machine(bed: &Bed, namespace: &str, name: &str, address: &str) {
    let machine = json!({
        "name": name,
        "role": "Media",
        "address": address,
        "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNDyCKfm+RQ2XG6WENyl0jFFZlHybQFvvmhVuFv2afX",
    });
    let change =
        json!([{"op": "add", "path": "/spec/infrastructure/onPrem/machines/-", "value": machine}]);
    json_patch(bed, namespace, &change);
}

fn json_patch(bed: &Bed, namespace: &str, change: &Value) {
    let what = ["patch", "openviduclusters", CLUSTER, "--type=json", "-p"];
    bed.ask_in(namespace, &[&what[..], &[&change.to_string()]].concat());
}

#[test]
fn what_one_cluster_holds_no_other_gets_until_it_lets_go() {
    let bed = cluster_wide(&[]);
    // Older than the owner by its object, and on machines of its own at first.
    bed.settle(3, GREEDY, |_| {});
    let mut serving = bed.serve();
    bed.until_all(&mut serving, vec![ready(&bed, GREEDY, 2)]);
    bed.settle(1, OWNER, |_| {});
    bed.until_all(&mut serving, vec![ready(&bed, OWNER, 2)]);
    let before = bed.cluster_in(OWNER).unwrap();
    let owners_things = things(&bed, OWNER);

    // The same machines under another id; other machines under the owner's id; one machine of the owner's more.
    bed.settle(1, THIEF, |_| {});
    bed.settle(2, COPYCAT, |c| {
        c["metadata"]["annotations"][ID] = id(OWNER).into();
    });
    add_machine(&bed, GREEDY, "w4", "10.1.0.11");
    let owner = format!("OpenViduCluster {OWNER}/{CLUSTER}");
    let machines = [
        "spec.infrastructure.onPrem.machines[0].address",
        "10.1.0.1",
        &*owner,
        "take it off",
    ];
    let fifth = ["machines[7].address", "10.1.0.11", &*owner];
    let ids = [ID, &*id(OWNER), &*owner, "remove the annotation"];
    bed.until_all(
        &mut serving,
        vec![
            stalled(&bed, THIEF, "Conflict", &machines),
            stalled(&bed, COPYCAT, "Conflict", &ids),
            stalled(&bed, GREEDY, "Conflict", &fifth),
        ],
    );
    for namespace in [THIEF, COPYCAT] {
        assert_eq!(held(&bed, namespace), [""; 0], "{namespace}");
        assert!(bed.nodes_in(namespace).is_empty(), "{namespace}");
        // Not even credentials were made.
        let secrets = bed.secrets_in(namespace);
        let made = |s: &&Value| s["metadata"]["name"] == format!("{CLUSTER}-credentials");
        assert_eq!(secrets.iter().find(made), None, "{namespace}");
    }
    assert!(never_met(&bed, &id(THIEF)) && never_met(&bed, &id(COPYCAT)));
    assert!(!held(&bed, GREEDY).contains(&"address/10.1.0.11".to_owned()));

    // Another operator knows who was first, too: the older object of a neighbour changes nothing.
    assert_eq!(serving.stop(), Some(0));
    let mut serving = bed.serve();
    add_machine(&bed, GREEDY, "w5", "10.1.0.12");
    let sixth = ["machines[8].address", "10.1.0.12", &*owner];
    // What runs goes on being looked after.
    bed.patch(GREEDY, r#"{"spec":{"media":{"replicas":3}}}"#);
    let grown = || bed.cluster_in(GREEDY).unwrap()["status"]["media"]["ready"] == 3;
    bed.until_all(
        &mut serving,
        vec![
            stalled(&bed, GREEDY, "Conflict", &sixth),
            ("greedy: three nodes".to_owned(), Box::new(grown)),
        ],
    );
    // Its own machine stands by no more; none of the owner's serves it.
    let serving_it: Vec<String> = bed
        .nodes_in(GREEDY)
        .iter()
        .map(|n| n["spec"]["machine"].as_str().unwrap().to_owned())
        .collect();
    assert!(!serving_it.contains(&"w4".to_owned()), "{serving_it:?}");

    let after = bed.cluster_in(OWNER).unwrap();
    assert_eq!(after["status"]["claims"], before["status"]["claims"]);
    assert_eq!(after["status"]["intent"], before["status"]["intent"]);
    assert_eq!(things(&bed, OWNER), owners_things);

    // The greedy one gives up, the copycat gets an id of its own, the owner goes and the thief has machines for itself.
    let remove = |index| json!({"op": "remove", "path": format!("/spec/infrastructure/onPrem/machines/{index}")});
    json_patch(&bed, GREEDY, &json!([remove(8), remove(7)]));
    annotate(&bed, COPYCAT, &format!("{ID}-"));
    bed.ask_in(
        OWNER,
        &["delete", "openviduclusters", CLUSTER, "--wait=false"],
    );
    bed.until_all(
        &mut serving,
        vec![
            gone(&bed, OWNER),
            ready(&bed, GREEDY, 3),
            ready(&bed, COPYCAT, 2),
            ready(&bed, THIEF, 2),
        ],
    );
    assert_eq!(things(&bed, OWNER), Vec::<String>::new());
    let said = serving.said();
    assert_eq!(serving.stop(), Some(0));
    assert!(!said.contains("refused"), "{said}");
    assert_eq!(bed.world().ledger().harms, 0);
}

#[test]
fn an_id_that_is_taken_off_or_changed_makes_no_second_deployment() {
    let bed = cluster_wide(&[]);
    bed.settle(1, OWNER, |_| {});
    bed.settle(2, COPYCAT, |_| {});
    let mut serving = bed.serve();
    bed.until_all(
        &mut serving,
        vec![ready(&bed, OWNER, 2), ready(&bed, COPYCAT, 2)],
    );
    let (before, machines) = (things(&bed, OWNER), bed.nodes_in(COPYCAT).len());

    annotate(&bed, OWNER, &format!("{ID}-"));
    annotate(&bed, COPYCAT, &format!("{ID}=zzzzzzzz"));
    let back = || {
        let cluster = bed.cluster_in(OWNER).unwrap();
        cluster["metadata"]["annotations"][ID] == id(OWNER)
    };
    let parts = [&*id(COPYCAT), "set the annotation"];
    bed.until_all(
        &mut serving,
        vec![
            ("the id to be back".to_owned(), Box::new(back)),
            stalled(&bed, COPYCAT, "ExistingInfrastructure", &parts),
        ],
    );
    annotate(&bed, COPYCAT, &format!("{ID}={}", id(COPYCAT)));
    bed.until_all(
        &mut serving,
        vec![ready(&bed, OWNER, 2), ready(&bed, COPYCAT, 2)],
    );
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(things(&bed, OWNER), before);
    assert_eq!(bed.nodes_in(COPYCAT).len(), machines);
    assert!(never_met(&bed, "zzzzzzzz"));
}

#[test]
fn names_in_a_cloud_belong_to_one_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenants.yaml");
    let all = ["first", "bucket", "same-id", "elsewhere"];
    let allowed = all.map(|namespace| (namespace, json!({"ownIdentity": "Allowed"})));
    let text =
        json!({"namespaces": serde_json::Map::from_iter(allowed.map(|(n, a)| (n.to_owned(), a)))});
    std::fs::write(&file, text.to_string()).unwrap();
    let bed = cluster_wide(&[&format!("--tenants={}", file.display())]);
    let bucket = |c: &mut Value| c["spec"]["storage"]["bucket"]["name"] = "recordings".into();
    on_aws(&bed, "first", bucket);
    let mut serving = bed.serve();
    let claims = [
        "bucket/recordings",
        "clusterID/eu-west-1/openvidu-multimaster",
    ];
    let has = || {
        let held = held(&bed, "first");
        claims.iter().all(|c| held.contains(&(*c).to_owned()))
    };
    bed.until_all(
        &mut serving,
        vec![("first: claims".to_owned(), Box::new(has))],
    );
    on_aws(&bed, "bucket", |c| {
        bucket(c);
        c["spec"]["clusterID"] = "another".into();
    });
    on_aws(&bed, "same-id", |_| {});
    on_aws(&bed, "elsewhere", |c| {
        c["spec"]["infrastructure"]["aws"]["region"] = "eu-west-2".into();
        // A balancer takes certificates of its own region only.
        let arn = &mut c["spec"]["loadBalancer"]["certificate"]["arn"];
        *arn = arn
            .as_str()
            .unwrap()
            .replace("eu-west-1", "eu-west-2")
            .into();
    });
    let owner = format!("first/{CLUSTER}");
    let named = [
        "spec.storage.bucket.name",
        "recordings",
        &*owner,
        "another bucket",
    ];
    let id = [
        "spec.clusterID",
        "openvidu-multimaster in eu-west-1",
        &*owner,
    ];
    let other_region = || held(&bed, "elsewhere").len() == 2;
    bed.until_all(
        &mut serving,
        vec![
            stalled(&bed, "bucket", "Conflict", &named),
            stalled(&bed, "same-id", "Conflict", &id),
            ("elsewhere: goes on".to_owned(), Box::new(other_region)),
        ],
    );
    assert_eq!(serving.stop(), Some(0));
}
