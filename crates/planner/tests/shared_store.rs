//! While the Redis that all nodes share changes hands, nothing is closed or ended, and status says why.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{apply_writes, step_ids};
use ovo_api::node::DrainCause;
use ovo_model::{Plan, SharedStore, Snapshot};
use ovo_planner::check::{Rule, check};
use ovo_planner::fixtures::{Fixture, cluster};
use ovo_planner::plan;

const WHY: &str = "the sentinel of m2 leads a failover from 192.0.2.1";

fn changing() -> SharedStore {
    SharedStore::Changing { why: WHY.into() }
}

fn steady(primary: &str) -> SharedStore {
    SharedStore::Steady {
        primary: primary.into(),
        voices: 3,
        of: 4,
    }
}

/// A node that has drained and is about to be stopped, beside one that serves.
fn drained() -> Fixture {
    let nodes = cluster().v3().media_nodes(2).replicas(1);
    nodes.node("w2").draining(DrainCause::ScaleIn).exited()
}

fn with(fixture: Fixture, store: SharedStore) -> Snapshot {
    fixture.edit(|s| s.shared_store = Some(store)).snapshot()
}

fn said(plan: &Plan) -> (String, String, String) {
    let mut conditions = plan.status.conditions.iter();
    let found = conditions.find(|c| c.type_ == "RedisReady");
    found.map_or_else(Default::default, |c| {
        (c.status.clone(), c.reason.clone(), c.message.clone())
    })
}

fn told(plan: &Plan, reason: &str) -> Vec<String> {
    let events = plan.events.iter().filter(|e| e.reason == reason);
    events.map(|e| e.note.clone()).collect()
}

#[test]
fn nothing_is_ended_while_it_changes_hands_and_all_goes_on_afterwards() {
    let before = plan(&drained().snapshot());
    assert_eq!(step_ids(&before), ["stop w2"]);
    assert_eq!(said(&before).0, "", "nobody asked: nothing is said");

    let snapshot = with(drained(), changing());
    let meanwhile = plan(&snapshot);
    assert_eq!(step_ids(&meanwhile), Vec::<String>::new());
    assert!(
        meanwhile.waiting.iter().any(|w| w.for_what.contains(WHY)),
        "{:?}",
        meanwhile.waiting
    );
    assert_eq!(
        said(&meanwhile),
        ("False".into(), "FailoverInProgress".into(), WHY.into())
    );
    assert_eq!(told(&meanwhile, "RedisFailover"), [WHY]);
    assert_eq!(check(&snapshot, &meanwhile), []);

    // Told once; its end is told, too.
    let mut later = apply_writes(snapshot, &meanwhile);
    assert_eq!(told(&plan(&later), "RedisFailover"), Vec::<String>::new());
    later.shared_store = Some(steady("m2"));
    let after = plan(&later);
    assert_eq!(step_ids(&after), ["stop w2"]);
    assert_eq!(told(&after, "RedisFailedOver"), ["the primary is on m2"]);
    assert_eq!(said(&after).0, "True");
    assert!(said(&after).2.contains("3 of 4 sentinels"));
}

#[test]
fn the_checker_sees_it_for_itself() {
    // Planned a moment before: the live read finds a failover.
    let planned = plan(&drained().snapshot());
    let refused = check(&with(drained(), changing()), &planned);
    assert!(
        refused
            .iter()
            .any(|r| r.rule == Rule::S3 && r.message.contains(WHY)),
        "{refused:?}"
    );
    assert_eq!(check(&with(drained(), steady("m1")), &planned), []);
}

#[test]
fn what_a_person_forces_does_not_wait() {
    let forced = || cluster().v3().media_nodes(2).node("w2").forced();
    let snapshot = with(forced(), changing());
    let plan = plan(&snapshot);
    assert!(step_ids(&plan).contains(&"stop w2".to_owned()));
    assert_eq!(check(&snapshot, &plan), []);
}

#[test]
fn what_nobody_could_read_is_said_to_be_unknown() {
    let why = "1 of 4 sentinels answer and 3 have to";
    let store = SharedStore::Unknown { why: why.into() };
    let plan = plan(&with(cluster().v3().media_nodes(1), store));
    let (status, reason, message) = said(&plan);
    assert_eq!(
        (&*status, &*reason, &*message),
        ("Unknown", "Unreadable", why)
    );
}
