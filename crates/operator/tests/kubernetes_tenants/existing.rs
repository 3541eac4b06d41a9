//! An object that lost its annotation, as a restore or a pipeline makes it: its deployment is there already.

use serde_json::Value;

use crate::kube::{CLUSTER, condition};
use crate::says::{gone, ready, stalled};
use crate::tenants::{cluster_wide, deployment, id};

const NAMESPACE: &str = "restored";
const ID: &str = "openvidu.io/infrastructure-id";

#[test]
fn no_second_deployment_is_built_where_one_exists_under_another_id() {
    let first = cluster_wide(&[]);
    first.settle(1, NAMESPACE, |_| {});
    let mut serving = first.serve();
    first.until_all(&mut serving, vec![ready(&first, NAMESPACE, 2)]);
    let path = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    let mut backup = first
        .read(&format!("{path}/{CLUSTER}-credentials"))
        .unwrap();
    backup["metadata"] = serde_json::json!({"name": format!("{CLUSTER}-credentials")});
    assert_eq!(serving.stop(), Some(0));
    let built = deployment(&first.world(), NAMESPACE).leftovers();

    // Another Kubernetes: the object has no annotation, and an id is made up for it.
    let second = cluster_wide(&[]);
    second.settle(1, NAMESPACE, |c| c["metadata"]["annotations"] = Value::Null);
    let mut serving = second.serve_world(&first.world_dir());
    let parts = [&*id(NAMESPACE), "set the annotation"];
    second.until_all(
        &mut serving,
        vec![stalled(
            &second,
            NAMESPACE,
            "ExistingInfrastructure",
            &parts,
        )],
    );
    let object = second.cluster_in(NAMESPACE).unwrap();
    let made_up = object["metadata"]["annotations"][ID]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(made_up, id(NAMESPACE));
    assert!(second.nodes_in(NAMESPACE).is_empty());
    assert!(
        second
            .read(&format!("{path}/{CLUSTER}-credentials"))
            .is_none()
    );
    assert_eq!(object["status"]["claims"], Value::Null);
    assert_eq!(first.world().find(&made_up), None);

    // The way out that it names.
    second.post(&path, &backup);
    let value = format!("{ID}={}", id(NAMESPACE));
    let what = ["annotate", "--overwrite", "openviduclusters", CLUSTER];
    second.ask_in(NAMESPACE, &[&what[..], &[&value]].concat());
    second.until_all(&mut serving, vec![ready(&second, NAMESPACE, 2)]);
    let stalled = condition(&second.cluster_in(NAMESPACE).unwrap(), "Stalled");
    assert_eq!(stalled["status"], "False");
    assert_eq!(deployment(&first.world(), NAMESPACE).leftovers(), built);
    second.ask_in(
        NAMESPACE,
        &["delete", "openviduclusters", CLUSTER, "--wait=false"],
    );
    second.until_all(&mut serving, vec![gone(&second, NAMESPACE)]);
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(
        deployment(&first.world(), NAMESPACE).leftovers(),
        Vec::<String>::new()
    );
}
