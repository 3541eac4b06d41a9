//! `spec.paused`: nothing is done, all is told.

use ovo_api::act::Role;
use ovo_model::NodeName;
use ovo_world::{RoomPlan, Script};
use serde_json::Value;

use crate::kube::{condition, is_ready};
use crate::scene::{MACHINES, after_rounds, at_rest, until_seen};
use crate::tenants::{deployment, id};

#[test]
fn a_paused_cluster_is_told_of_and_not_touched() {
    let bed = at_rest();
    bed.patch(MACHINES, r#"{"spec":{"paused":true}}"#);
    let room = Script::StartRoom {
        node: Some(NodeName::from("w1")),
        plan: RoomPlan::alone(600 * 60_000),
    };
    bed.script(&[(id(MACHINES), room)]);
    let executed = bed.world().ledger().executed;

    let mut serving = bed.serve();
    bed.patch(MACHINES, r#"{"spec":{"media":{"replicas":3}}}"#);
    until_seen(&bed, &mut serving, MACHINES);
    let cluster = || bed.cluster_in(MACHINES).unwrap();
    bed.until(
        &mut serving,
        "what waits, and the room, to be told of",
        || {
            let status = cluster()["status"].clone();
            let waits = |step: &Value| step["waitsFor"] == "spec.paused to become false";
            let pending = status["pending"].as_array();
            status["media"]["rooms"] == 1 && pending.into_iter().flatten().any(waits)
        },
    );
    after_rounds(&bed, &mut serving, MACHINES, 5);
    let paused = cluster();
    assert_eq!(paused["status"]["phase"], "Paused");
    assert_eq!(paused["status"]["media"]["target"], 3);
    // What is asked for is not there, and nobody works on it.
    for of in ["Ready", "Reconciling"] {
        let found = condition(&paused, of);
        assert_eq!(found["status"], "False", "{paused:#}");
        assert_eq!(
            found["observedGeneration"],
            paused["metadata"]["generation"]
        );
    }
    // It takes sessions as before.
    assert_eq!(condition(&paused, "Accepted")["status"], "True");
    let world = bed.world();
    assert_eq!(world.ledger().executed, executed, "something was done");
    let media = deployment(&world, MACHINES).nodes_in(Role::Media);
    assert_eq!(media.filter(|n| n.is_open()).count(), 2);

    bed.patch(MACHINES, r#"{"spec":{"paused":false}}"#);
    bed.until(&mut serving, "three nodes", || is_ready(&cluster(), 3));
    assert_eq!(serving.stop(), Some(0));
    assert_eq!(bed.world().ledger().harms, 0);
}
