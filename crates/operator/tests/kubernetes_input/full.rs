//! An API server whose store is full: it answers, and keeps nothing more.

use ovo_kube::ApiServer;
use ovo_world::RoomEnd;
use serde_json::json;

use crate::kube::{Bed, is_ready, wait_for};
use crate::scene::{room, until_ready};
use crate::tenants::{SPEED, cluster_wide_on, deployment, id};

const NAMESPACE: &str = "talking";
/// Several times what a server with a cluster takes.
const QUOTA: u64 = 32 << 20;
/// Just under what the server takes for one object.
const PIECE: usize = 900 << 10;
const FILLERS: &str = "/api/v1/namespaces/default/configmaps";

/// Fills the store until nothing more goes in; how many pieces that took.
fn fill(bed: &Bed) -> usize {
    for number in 0.. {
        let piece = json!({
            "metadata": {"name": format!("piece-{number}")},
            "data": {"piece": "x".repeat(PIECE)},
        });
        let answer = bed.api.request("POST", FILLERS, Some(&piece)).unwrap();
        if answer.code != 201 {
            let why = answer.body.to_string();
            assert!(why.contains("space exceeded"), "{}: {why}", answer.code);
            return number;
        }
    }
    0
}

#[test]
fn a_full_store_stops_everything_but_conversations() {
    let bed = cluster_wide_on(ApiServer::builder().quota(QUOTA), &[]);
    bed.settle(1, NAMESPACE, |_| {});
    let mut serving = bed.serve();
    until_ready(&bed, &mut serving, &[NAMESPACE]);
    assert_eq!(serving.stop(), Some(0));
    bed.script(&[
        (id(NAMESPACE), room("w1", 60)),
        (id(NAMESPACE), room("w2", 60)),
    ]);
    let executed = bed.world().ledger().executed;
    let config = bed.kubeconfig();
    let arguments = ["--all-namespaces", "--simulate-speed", SPEED];

    let mut serving = bed.serve_as(&config, &bed.world_dir(), &arguments);
    serving.until_leads();
    let pieces = fill(&bed);
    // Whoever leads cannot say so any more, acts no more, and ends with the server's words.
    let said = serving.said.clone();
    let tell = || std::fs::read_to_string(&said).unwrap();
    let ended = || serving.child.try_wait().unwrap().is_some();
    wait_for("the leader to end", ended, tell);
    assert!(
        tell().contains("space exceeded") && tell().contains("no longer leads"),
        "{}",
        tell()
    );
    // Started again it reads all that is there, and waits.
    let mut waiting = bed.serve_as(&config, &bed.world_dir(), &arguments);
    let said = waiting.said.clone();
    bed.until(&mut waiting, "it to say why it does not lead", || {
        std::fs::read_to_string(&said)
            .unwrap()
            .contains("space exceeded")
    });
    assert!(!waiting.leads(), "{}", waiting.said());
    assert_eq!(
        bed.world().ledger().executed,
        executed,
        "something was done"
    );

    // Somebody deletes, and tells the store.
    for number in 0..pieces {
        let path = format!("{FILLERS}/piece-{number}");
        let answer = bed.api.request("DELETE", &path, None).unwrap();
        assert_eq!(answer.code, 200, "{}", answer.body);
    }
    bed.api.make_room().unwrap();
    waiting.until_leads();
    until_ready(&bed, &mut waiting, &[NAMESPACE]);
    assert_eq!(
        bed.world().ledger().executed,
        executed,
        "something was done"
    );
    bed.patch(NAMESPACE, r#"{"spec":{"media":{"replicas":3}}}"#);
    bed.until(&mut waiting, "a third node", || {
        is_ready(&bed.cluster_in(NAMESPACE).unwrap(), 3)
    });
    assert_eq!(waiting.stop(), Some(0));
    let world = bed.world();
    let natural = |end: &Option<RoomEnd>| end.is_none() || *end == Some(RoomEnd::Natural);
    let rooms = &deployment(&world, NAMESPACE).log.recent;
    assert!(rooms.iter().all(|room| natural(&room.end)), "{rooms:?}");
}
