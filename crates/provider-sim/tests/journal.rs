//! The world on disk: what was answered survives a death at any moment.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ovo_model::Wall;
use ovo_provider_sim::{Clock, JournalError, SimDoor, SimJournal};
use ovo_world::{RoomPlan, Script, Workload, World, WorldConfig};
use support::{Hand, v3};

/// A day with rooms and no faults.
fn config() -> WorldConfig {
    WorldConfig {
        workload: Workload {
            rooms_per_day: 400,
            ..Workload::default()
        },
        ..WorldConfig::default()
    }
}

const START: i64 = 1_767_571_200_000;

/// A served world whose clock the test moves.
struct Served {
    hand: Hand,
    clock: Arc<AtomicI64>,
}

fn serve(path: &Path, seconds: i64) -> Result<Served, JournalError> {
    let now = Wall(START + seconds * 1000);
    let (world, journal) = SimJournal::open(path, now, || World::new(5, config()))?;
    let clock = Arc::new(AtomicI64::new(now.0));
    let reads = clock.clone();
    let clock_fn: Clock = Arc::new(move || Wall(reads.load(Ordering::Relaxed)));
    Ok(Served {
        hand: Hand::at(SimDoor::served(world, journal, clock_fn), v3(3)),
        clock,
    })
}

impl Served {
    fn at(&self, seconds: i64) {
        self.clock.store(START + seconds * 1000, Ordering::Relaxed);
    }
}

/// One thing that the operator does, at its time.
type Deed = (i64, fn(&Hand));

fn deeds() -> Vec<Deed> {
    let mut deeds: Vec<Deed> = vec![(0, |hand| {
        hand.observe();
    })];
    deeds.push((1, |h| {
        h.install("m1");
        h.install("m2");
    }));
    deeds.push((2, |h| {
        h.install("m3");
        h.install("m4");
        h.install("w1");
        h.install("w2");
    }));
    deeds.push((400, |h| {
        h.start("m1");
        h.start("m2");
        h.start("m3");
    }));
    deeds.push((410, |h| {
        h.start("m4");
        h.start("w1");
        h.start("w2");
    }));
    deeds.push((600, |h| {
        h.script(Script::StartRoom {
            node: Some("w1".into()),
            plan: RoomPlan::alone(40_000_000),
        });
    }));
    deeds.push((40_000, |h| {
        h.signal("w2");
    }));
    deeds.push((40_001, |h| {
        h.observe();
    }));
    deeds.push((60_000, |h| {
        h.script(Script::PowerOff {
            node: "m1".into(),
            back: Some(100_000),
        });
    }));
    deeds
}

fn end(path: &Path) -> World {
    let (mut world, _) =
        SimJournal::open(path, Wall(START + 86_400_000), || unreachable!()).unwrap();
    world.advance_to(Wall(START + 86_400_000));
    world
}

#[test]
fn a_run_that_is_killed_anywhere_ends_like_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let served = serve(&whole, 0).unwrap();
    for (at, deed) in deeds() {
        served.at(at);
        deed(&served.hand);
    }
    drop(served);
    let whole = end(&whole);
    let dep = whole.find(support::ID).unwrap();
    assert!(
        whole.deployment(dep).log.natural > 100,
        "{:?}",
        whole.deployment(dep).log.natural
    );

    let killed = folder.path().join("killed");
    for (at, deed) in deeds() {
        // Killed after every deed, and on its feet again some time before the next one.
        let served = serve(&killed, at.saturating_sub(7)).unwrap();
        served.at(at);
        deed(&served.hand);
    }
    let killed = end(&killed);
    assert_eq!(killed.ledger(), whole.ledger());
    assert_eq!(killed, whole);
}

#[test]
fn a_torn_last_line_is_dropped_wherever_it_tore() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let served = serve(&path, 0).unwrap();
    served.hand.observe();
    served.hand.install("m1");
    let before = fs::read(&path).unwrap();
    served.hand.install("m2");
    let after = fs::read(&path).unwrap();
    drop(served);
    let machines = |path: &Path| {
        let (world, _) = SimJournal::open(path, Wall(START), || unreachable!()).unwrap();
        let deployment = world.deployment(world.find(support::ID).unwrap());
        deployment
            .nodes
            .values()
            .filter(|n| n.machine().unwrap().job.is_some())
            .count()
    };
    for length in [
        before.len(),
        before.len() + 1,
        before.len() + 40,
        after.len() - 1,
    ] {
        fs::write(&path, &after[..length]).unwrap();
        assert_eq!(machines(&path), 1, "torn at {length} of {}", after.len());
    }
    fs::write(&path, &after).unwrap();
    assert_eq!(machines(&path), 2);
}

#[test]
fn damage_in_the_middle_and_a_newer_format_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let served = serve(&path, 0).unwrap();
    served.hand.observe();
    served.hand.install("m1");
    drop(served);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    fs::write(&path, &flipped).unwrap();
    let error = serve(&path, 0).err().unwrap().to_string();
    assert!(
        error.contains("line 1") && error.contains("world"),
        "{error}"
    );
    assert_eq!(
        fs::read(&path).unwrap(),
        flipped,
        "what cannot be read is not overwritten"
    );

    let line = r#"{"Checkpoint":{"format":99,"world":"something new"}}"#;
    let digest = line.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fs::write(&path, format!("{digest:016x} {line}\n")).unwrap();
    assert!(matches!(
        serve(&path, 0),
        Err(JournalError::TooNew { found: 99, .. })
    ));
}

#[test]
fn a_long_journal_becomes_a_checkpoint_and_stays_the_same_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let served = serve(&path, 0).unwrap();
    served.hand.observe();
    for second in 0..1_500 {
        served.at(second);
        served
            .hand
            .script(Script::FailInstall { node: "w1".into() });
    }
    let straight = served.hand.door().look(Clone::clone);
    drop(served);
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    assert!(lines < 1_000, "{lines} lines");
    let (world, _) = SimJournal::open(&path, straight.now(), || unreachable!()).unwrap();
    assert_eq!(world, straight);
}
