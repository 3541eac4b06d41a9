//! An API server that is gone for an hour, and one that is slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ovo_kube::Part;
use ovo_world::RoomEnd;

use crate::kube::is_ready;
use crate::scene::{at_rest, room, until_ready};
use crate::tenants::{deployment, id};

const NAMESPACE: &str = "talking";
/// An hour passes in six seconds.
const FAST: [&str; 3] = ["--all-namespaces", "--simulate-speed", "600"];
const HOUR_MS: i64 = 3_600_000;

/// Ends the slowness when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_hour_without_an_api_server_costs_nothing_but_time() {
    let bed = at_rest(&[NAMESPACE]);
    bed.script(&[
        (id(NAMESPACE), room("w1", 30)),
        (id(NAMESPACE), room("w2", 90)),
    ]);
    let before = bed.world();
    let executed = before.ledger().executed;
    let uids = |bed: &crate::kube::Bed| {
        let nodes = bed.nodes_in(NAMESPACE).into_iter();
        nodes
            .map(|n| n["metadata"]["uid"].clone())
            .collect::<Vec<_>>()
    };
    let known = uids(&bed);
    let config = bed.kubeconfig();
    let mut serving = bed.serve_as(&config, &bed.world_dir(), &FAST);
    serving.until_leads();
    bed.api.kill_apiserver().unwrap();
    // Who cannot renew its Lease acts no more, and ends.
    let mut ended = || serving.child.try_wait().unwrap().is_some();
    let said = serving.said.clone();
    let tell = || std::fs::read_to_string(&said).unwrap();
    crate::kube::wait_for("the leader to end", &mut ended, tell);
    assert!(tell().contains("no longer leads"), "{}", tell());
    // It is started again and again, and waits.
    let mut waiting = bed.serve_as(&config, &bed.world_dir(), &FAST);
    let hour = || bed.world().now().0 - before.now().0 > HOUR_MS;
    bed.until(&mut waiting, "an hour to pass", hour);
    assert!(!waiting.leads());
    let unready = || waiting.page("/readyz").0 == 503;
    crate::kube::wait_for("it to say that it is not ready", unready, || waiting.said());

    bed.api.start_apiserver().unwrap();
    waiting.until_leads();
    until_ready(&bed, &mut waiting, &[NAMESPACE]);
    assert_eq!(uids(&bed), known);
    let world = bed.world();
    assert_eq!(
        world.ledger().executed,
        executed,
        "something was built or changed"
    );
    let log = &deployment(&world, NAMESPACE).log.recent;
    assert!(
        !log.is_empty()
            && log
                .iter()
                .all(|r| r.end.is_none() || r.end == Some(RoomEnd::Natural)),
        "{log:?}"
    );
    bed.patch(NAMESPACE, r#"{"spec":{"media":{"replicas":3}}}"#);
    bed.until(&mut waiting, "a third node", || {
        is_ready(&bed.cluster_in(NAMESPACE).unwrap(), 3)
    });
    assert_eq!(waiting.stop(), Some(0));
}

#[test]
fn a_slow_api_server_makes_everything_slow_and_nothing_wrong() {
    let bed = at_rest(&[NAMESPACE]);
    bed.script(&[
        (id(NAMESPACE), room("w1", 5)),
        (id(NAMESPACE), room("w2", 5)),
    ]);
    let mut serving = bed.serve();
    serving.until_leads();
    // Its store stands still two thirds of the time: each answer that needs it takes up to a second.
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                bed.api.pause(Part::Etcd).unwrap();
                std::thread::sleep(Duration::from_secs(1));
                bed.api.resume(Part::Etcd).unwrap();
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        // Also where the test fails: the scope waits for its thread.
        let _over = Over(&over);
        bed.patch(NAMESPACE, r#"{"spec":{"media":{"min":1,"replicas":1}}}"#);
        bed.until(&mut serving, "one node to be left", || {
            bed.cluster_in(NAMESPACE).is_some_and(|c| is_ready(&c, 1))
        });
    });
    // It led all the time.
    let said = serving.said();
    assert_eq!(serving.stop(), Some(0), "{said}");
    let world = bed.world();
    assert_eq!(world.ledger().harms, 0, "{:#?}", world.ledger().violations);
    assert_eq!(world.ledger().second_signals, 0);
}
