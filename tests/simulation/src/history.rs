//! Standard days: people meet, things break, somebody changes the spec, and the operator dies now and then.
//!
//! A standard day has 4 masters, 2 to 12 media nodes, readings every 30 seconds, at least 200 rooms, faults of
//! every class and the adversary.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovo_api::annotations;
use ovo_api::node::NodePhase;
use ovo_model::Millis;
use ovo_planner::bugs::Bugs;
use ovo_provider_sim::{FaultPermille, RandomFaults};
use ovo_store::ObjectKey;
use ovo_world::{MastersManner, WorldConfig};
use serde_json::json;

use crate::bed::{Bed, Setup, now_or_never};
use crate::gate::Gate;
use crate::manifests::{Shape, Size};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;

/// What a day added up to.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Its seed.
    pub seed: u64,
    /// Drains that began.
    pub drains_begun: u64,
    /// Nodes that were ended.
    pub nodes_ended: u64,
    /// Rooms opened after the look and before the close took effect.
    pub closings_raced: u64,
    /// Ends in the committed intent that the live read stopped.
    pub ends_refused: u64,
    /// Conversations that were cut by us.
    pub conversations_cut: u64,
    /// Rooms.
    pub rooms: u64,
    /// Faults of the world and of calls.
    pub faults: u64,
    /// Deaths of the operator.
    pub deaths: u64,
    /// Rounds.
    pub rounds: u64,
    /// Writes to the store from midnight, when the cluster was made, to the end of the day.
    pub writes: u64,
    /// How long that was, in milliseconds.
    pub lasted: Millis,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// The setup of the standard day of this seed: even seeds are days of OpenVidu 3, odd ones of OpenVidu 2.
pub fn setup(seed: u64, bugs: Bugs) -> Setup {
    let shape = if seed.is_multiple_of(2) {
        Shape::V3
    } else {
        Shape::V2
    };
    let size = Size {
        replicas: 4,
        max: 12,
        machines: 13,
        reading_s: 30,
        window: 6,
    };
    let mut setup = Setup {
        size,
        world: WorldConfig::standard_day(),
        seed,
        ..Setup::quiet(shape)
    };
    // A few more than the standard asks for: not every one of them falls between its first hour and its last.
    setup.world.workload.rooms_per_day = 230;
    setup.options.bugs = bugs;
    setup.options.seed = seed;
    // Every third day of OpenVidu 2 its masters are late and odd.
    if seed % 3 == 1 {
        setup.world.masters = MastersManner::adverse();
    }
    setup
}

/// Lives through one day.
pub fn day(seed: u64, bugs: Bugs) -> Day {
    let setup = setup(seed, bugs);
    let faults = Arc::new(RandomFaults::new(seed, FaultPermille::standard()));
    let gate = Gate::open();
    let mut bed = Bed::intercepted(&setup, &gate, faults);
    let (mut writes, mut lasted) = (0, 0);
    let failed = morning(&mut bed, setup.shape)
        .and_then(|()| {
            let (before, midnight) = (gate.writes(), bed.clock.wall().0);
            live(&mut bed, seed, setup.shape);
            (writes, lasted) = (gate.writes() - before, bed.clock.wall().0 - midnight);
            evening(&mut bed)
        })
        .err();
    let ledger = bed.door.look(|w| w.ledger().clone());
    let rooms = bed.deployment(|d| d.log.announced).unwrap_or(0);
    let mut day = Day {
        seed,
        drains_begun: ledger.drains_begun,
        nodes_ended: ledger.nodes_ended,
        closings_raced: ledger.closings_raced,
        ends_refused: bed.tally.ends_refused,
        conversations_cut: ledger.conversations_cut,
        rooms,
        faults: ledger.faults + ledger.befell,
        deaths: bed.tally.deaths,
        rounds: bed.tally.rounds,
        writes,
        lasted,
        failed,
    };
    if day.failed.is_none() && ledger.harms > 0 {
        day.failed = Some(format!(
            "harm was done: {:#?}\n{}",
            ledger.violations,
            bed.words()
        ));
    }
    if day.failed.is_none() && bed.tally.plans_refused > 0 {
        day.failed = Some(format!(
            "the checker refused a plan: {:#?}",
            bed.tally.refusals
        ));
    }
    if day.failed.is_none() && rooms < 200 {
        day.failed = Some(format!("only {rooms} rooms"));
    }
    day
}

/// The cluster is made.
fn morning(bed: &mut Bed, shape: Shape) -> Result<(), String> {
    bed.edit(|spec| {
        if shape == Shape::V2 {
            spec["masters"] = json!({"min": 1, "max": 4, "desired": 4});
        }
    });
    if !bed.until(4 * HOUR, Bed::ready) {
        return Err(format!("not made within 4 hours:\n{}", bed.words()));
    }
    Ok(())
}

/// The day itself.
fn live(bed: &mut Bed, seed: u64, shape: Shape) {
    let mut random = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let midnight = bed.clock.wall().0;
    let config_at = random.i64(8 * HOUR..20 * HOUR);
    let mut configured = false;
    while bed.clock.wall().0 < midnight + 24 * HOUR {
        bed.pass(random.i64(20 * MINUTE..100 * MINUTE));
        match random.u32(0..12) {
            0..5 => {
                let replicas = random.i32(2..=12);
                bed.edit(|spec| spec["media"]["replicas"] = json!(replicas));
            }
            5 | 6 => bed.kill(),
            7 => annotate(bed, &mut random, annotations::DRAIN, shape),
            8 => delete_node(bed, &mut random),
            9 => {
                bed.edit(|spec| spec["paused"] = json!(true));
                bed.pass(random.i64(MINUTE..20 * MINUTE));
                bed.edit(|spec| spec["paused"] = json!(false));
            }
            _ => {}
        }
        if !configured && bed.clock.wall().0 > midnight + config_at {
            configured = true;
            bed.edit(|spec| spec["config"] = json!({"OPENVIDU_CDR": "true"}));
        }
    }
}

/// What is declared comes about.
fn evening(bed: &mut Bed) -> Result<(), String> {
    // Calls go well from here on, and nobody asks for anything any more.
    bed.door.intercept(None);
    undo(bed);
    if bed.until(30 * HOUR, as_declared) {
        Ok(())
    } else {
        Err(format!(
            "not as declared within 30 hours after the day:\n{}",
            bed.words()
        ))
    }
}

/// As many nodes serve as are declared, none drains, nothing is committed that is not done. (Faults and meetings
/// go on: a waiting configuration change may go on waiting.)
fn as_declared(bed: &Bed) -> bool {
    let Some(status) = bed.cluster().and_then(|c| c.status.clone()) else {
        return false;
    };
    status
        .media
        .as_ref()
        .is_some_and(|m| m.ready == m.target && m.draining == 0)
        && status
            .masters
            .as_ref()
            .is_some_and(|m| m.ready == m.desired)
}

fn serving(bed: &Bed) -> Vec<ObjectKey> {
    bed.store
        .list_nodes()
        .iter()
        .filter(|n| {
            n.spec.role == ovo_api::Role::Media
                && n.status
                    .as_ref()
                    .is_some_and(|s| s.phase == NodePhase::Serving)
        })
        .map(|n| ObjectKey::of(&**n))
        .collect()
}

#[expect(clippy::expect_used, reason = "a store that refuses fails its test")]
fn annotate(bed: &mut Bed, random: &mut fastrand::Rng, annotation: &str, shape: Shape) {
    let nodes = serving(bed);
    if nodes.len() < 3 || shape == Shape::V2 {
        return;
    }
    if let Some(key) = nodes.get(random.usize(0..nodes.len())) {
        now_or_never(bed.store.set_node_annotation(
            key,
            annotation,
            Some("a walk through the racks"),
        ))
        .expect("at once")
        .expect("a node to annotate");
    }
    bed.wake();
}

#[expect(clippy::expect_used, reason = "a store that refuses fails its test")]
fn delete_node(bed: &mut Bed, random: &mut fastrand::Rng) {
    use ovo_store::Store as _;
    let nodes = serving(bed);
    if let Some(key) = nodes.get(random.usize(0..nodes.len().max(1))) {
        now_or_never(bed.store.delete_node(key))
            .expect("at once")
            .expect("a node to delete");
    }
    bed.wake();
}

/// Takes all requests to drain back.
#[expect(clippy::expect_used, reason = "a store that refuses fails its test")]
fn undo(bed: &mut Bed) {
    for node in bed.store.list_nodes() {
        let asked = node
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|a: &BTreeMap<_, _>| a.contains_key(annotations::DRAIN));
        if asked {
            now_or_never(bed.store.set_node_annotation(
                &ObjectKey::of(&*node),
                annotations::DRAIN,
                None,
            ))
            .expect("at once")
            .expect("a node to annotate");
        }
    }
    bed.wake();
}

/// Lives through the days of these seeds, on all processors.
pub fn days(seeds: &[u64], bugs: Bugs) -> Vec<Day> {
    crate::parallel::map(seeds, |seed| day(*seed, bugs))
}
