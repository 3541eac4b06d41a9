//! Objects that were made while the API server checked nothing.

use serde_json::{Value, json};

use crate::kube::{Bed, CLUSTER, is_ready};
use crate::scene::{says, until_ready};
use crate::tenants::{cluster_wide, id};

const HEALTHY: &str = "healthy";
const BROKEN: &str = "broken";
const UNREADABLE: &str = "unreadable";

/// The definition of clusters as somebody loosened it: no rule, no bound, no type.
fn loosen(bed: &Bed) {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": open, "status": open}});
    let at = "/spec/versions/0/schema/openAPIV3Schema";
    let patch = json!([{"op": "replace", "path": at, "value": schema}]).to_string();
    let crd = "openviduclusters.openvidu.io";
    bed.api
        .ask(&["patch", "crd", crd, "--type=json", "-p", &patch])
        .unwrap();
    // It is in force a moment later: until then the server refuses what is tried.
    crate::kube::wait_for(
        "the definition to be loose",
        || {
            let mut nonsense = crate::tenants::manifest(9, "default", |_| {});
            nonsense["spec"] = json!({"nonsense": true});
            let clusters = "/apis/openvidu.io/v1alpha1/namespaces/default/openviduclusters";
            let tried = format!("{clusters}?dryRun=All");
            bed.api
                .request("POST", &tried, Some(&nonsense))
                .unwrap()
                .code
                == 201
        },
        String::new,
    );
}

#[test]
fn what_no_definition_checked_is_refused_by_the_operator_and_hurts_no_other() {
    let bed = cluster_wide(&[]);
    loosen(&bed);
    bed.settle(1, HEALTHY, |_| {});
    bed.settle(2, BROKEN, |cluster| {
        cluster["spec"]["media"]["min"] = 3.into();
        cluster["spec"]["media"]["max"] = 1.into();
        let machines = &mut cluster["spec"]["infrastructure"]["onPrem"]["machines"];
        // Three masters: a fourth is missing.
        let masters = |m: &Value| m["name"] == "m4";
        machines.as_array_mut().unwrap().retain(|m| !masters(m));
    });
    bed.settle(3, UNREADABLE, |cluster| {
        cluster["spec"]["drift"] = "Sometimes".into();
    });
    let mut serving = bed.serve();
    until_ready(&bed, &mut serving, &[HEALTHY]);
    bed.until(&mut serving, "the broken one to be refused", || {
        says(&bed, BROKEN, "Stalled").is_some()
    });
    let (reason, message) = says(&bed, BROKEN, "Stalled").unwrap();
    assert_eq!(reason, "Invalid");
    for words in [
        "spec.media",
        "needs exactly 4 machines with role Master, found 3",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let said = serving.said();
    let named = said.lines().any(|line| {
        line.contains(&format!(
            "OpenViduCluster {UNREADABLE}/{CLUSTER} cannot be read: spec.drift"
        ))
    });
    assert!(named, "{said}");

    // Nothing of either was begun: no record, no credentials, no machine.
    for namespace in [BROKEN, UNREADABLE] {
        assert_eq!(bed.nodes_in(namespace), Vec::<Value>::new());
        let secrets = bed.secrets_in(namespace);
        let generated = |s: &&Value| s["metadata"]["name"] == format!("{CLUSTER}-credentials");
        assert!(!secrets.iter().any(|s| generated(&s)), "{namespace}");
        assert!(bed.world().find(&id(namespace)).is_none(), "{namespace}");
    }

    // Put right, they go on.
    let right = crate::tenants::manifest(2, BROKEN, |_| {});
    let spec = json!({"spec": {
        "media": right["spec"]["media"],
        "infrastructure": right["spec"]["infrastructure"],
    }});
    bed.patch(BROKEN, &spec.to_string());
    bed.patch(UNREADABLE, r#"{"spec":{"drift":"Repair"}}"#);
    bed.patch(HEALTHY, r#"{"spec":{"media":{"replicas":3}}}"#);
    until_ready(&bed, &mut serving, &[BROKEN, UNREADABLE]);
    bed.until(&mut serving, "a third node", || {
        is_ready(&bed.cluster_in(HEALTHY).unwrap(), 3)
    });
    assert_eq!(serving.stop(), Some(0));
}
