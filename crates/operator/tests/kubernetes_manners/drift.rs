//! `spec.drift`: what somebody changed by hand is told, and put back only where that is wanted.

use ovo_model::{ResourceId, Scalar};
use ovo_world::Script;
use serde_json::Value;

use crate::kube::condition;
use crate::scene::{CLOUD, after_rounds, at_rest};
use crate::tenants::{deployment, id};

#[test]
fn drift_is_reported_alone_or_repaired() {
    let bed = at_rest();
    let queue = ResourceId::new("Queue", "events");
    let retention = || {
        let world = bed.world();
        let (_, properties) = deployment(&world, CLOUD).resource(&queue).unwrap();
        properties["retentionSeconds"].clone()
    };
    bed.patch(CLOUD, r#"{"spec":{"drift":"Report"}}"#);
    let by_hand = Script::Tamper {
        resource: queue.clone(),
        property: "retentionSeconds".to_owned(),
        value: Scalar::Int(7),
    };
    bed.script(&[(id(CLOUD), by_hand)]);
    let executed = bed.world().ledger().executed;

    let mut serving = bed.serve();
    let drift = || condition(&bed.cluster_in(CLOUD).unwrap(), "Drift");
    bed.until(&mut serving, "the drift to be reported", || {
        let drift = drift();
        drift["status"] == "True" && drift["reason"] == "Reported"
    });
    let message = drift()["message"].clone();
    assert_eq!(
        message,
        "Queue/events: set Queue/events retentionSeconds=60"
    );
    after_rounds(&bed, &mut serving, CLOUD, 5);
    assert_eq!(
        bed.world().ledger().executed,
        executed,
        "something was done"
    );
    assert_eq!(retention(), Scalar::Int(7));
    // Nothing is missing: it serves as before.
    let ready = condition(&bed.cluster_in(CLOUD).unwrap(), "Ready");
    assert_eq!(ready["status"], "True", "{ready}");

    bed.patch(CLOUD, r#"{"spec":{"drift":"Repair"}}"#);
    bed.until(&mut serving, "the drift to be repaired", || {
        drift()["status"] == "False" && retention() == Scalar::Int(60)
    });
    let told = |event: &Value| event["reason"] == "DriftRepaired";
    bed.until(&mut serving, "the repair to be told", || {
        let events = bed.read(&format!("/apis/events.k8s.io/v1/namespaces/{CLOUD}/events"));
        events.unwrap()["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(told)
    });
    assert_eq!(serving.stop(), Some(0));
}
