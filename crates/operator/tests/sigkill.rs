//! SIGKILL of `serve --simulate` at many moments, then a restart: the rooms at the end are those of a run that nobody
//! disturbed, and none was cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{Dir, PATIENCE, Serving, V2, V2_SECRETS, V3, V3_SECRETS, condition, until};
use ovo_api::node::NodePhase;
use ovo_model::NodeName;
use ovo_world::{RoomEnd, RoomPlan, Script};

const CLUSTERS: [&str; 2] = ["openvidu-ha", "openvidu-multimaster"];
/// Minutes of the world's time that the rooms last.
const MINUTES: [i64; 3] = [2, 4, 5];

/// After how many writes the operator is killed, again and again; never in the first course.
const EVERY: [Option<usize>; 7] = [
    None,
    Some(3),
    Some(7),
    Some(12),
    Some(19),
    Some(31),
    Some(47),
];

/// Both examples, with names in the world that do not differ from run to run.
fn directory() -> Dir {
    let dir = Dir::empty();
    for (name, text, id) in [("v3", V3, "aaaaaaaa"), ("v2", V2, "bbbbbbbb")] {
        let named = text.replacen(
            "metadata:\n",
            &format!("metadata:\n  annotations: {{openvidu.io/infrastructure-id: {id}}}\n"),
            1,
        );
        // Fewer readings make a window: a killed operator waits for a whole one before it shrinks anything.
        let quick = named.replacen(
            "scaleDown: {averageLoadPercent: 30, readings: 12",
            "scaleDown: {averageLoadPercent: 30, readings: 3",
            1,
        );
        dir.write(&format!("{name}.yaml"), &quick);
    }
    dir.write("secrets-v3.yaml", V3_SECRETS);
    dir.write("secrets-v2.yaml", V2_SECRETS);
    dir
}

/// Kills what serves at chosen moments, and starts it again.
struct Operator<'a> {
    dir: &'a Dir,
    serving: Option<Serving<'a>>,
    /// How many commits and inputs there are between two kills; `None`: nobody is killed.
    every: Option<usize>,
    trace: Trace,
    kills: usize,
}

/// What was written since the last kill: the journal of the world and the records grow with every act.
#[derive(Default)]
struct Trace {
    last: Option<(u64, u64)>,
    writes: usize,
}

impl<'a> Operator<'a> {
    fn start(dir: &'a Dir, every: Option<usize>) -> Self {
        let serving = Some(serve(dir));
        Self {
            dir,
            serving,
            every,
            trace: Trace::default(),
            kills: 0,
        }
    }

    /// Waits until a condition holds of the running operator, killing it on the way at its moments.
    fn until(&mut self, what: &str, mut holds: impl FnMut(&Dir) -> bool) {
        let began = Instant::now();
        let mut looked = Instant::now();
        loop {
            self.disturb();
            // The files are looked at all the time, the operator is asked now and then.
            if looked.elapsed() > Duration::from_millis(50) {
                looked = Instant::now();
                if holds(self.dir) {
                    return;
                }
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited in vain for {what} after {} kills:\n{}",
                self.kills,
                self.words()
            );
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    fn disturb(&mut self) {
        let Some(every) = self.every else { return };
        let mark = |name: &str| {
            let about = std::fs::metadata(self.dir.state(name)).ok()?;
            let time = about
                .modified()
                .ok()?
                .duration_since(std::time::UNIX_EPOCH)
                .ok()?;
            u64::try_from(time.as_nanos()).ok()
        };
        let now = (mark("world").unwrap_or(0), mark("store.redb").unwrap_or(0));
        if self.trace.last != Some(now) {
            self.trace.last = Some(now);
            self.trace.writes += 1;
        }
        if self.trace.writes > every {
            self.trace = Trace::default();
            self.kills += 1;
            self.serving.take().unwrap().kill();
            self.serving = Some(serve(self.dir));
        }
    }

    fn words(&self) -> String {
        self.serving.as_ref().map(Serving::said).unwrap_or_default()
    }
}

fn serve(dir: &Dir) -> Serving<'_> {
    dir.serve_with(&[
        "--simulate-speed",
        "20",
        "--simulate-start",
        "2026-01-05T09:00:00Z",
    ])
}

fn serving(dir: &Dir, cluster: &str) -> Vec<String> {
    media(dir, cluster, &[NodePhase::Serving])
}

fn media(dir: &Dir, cluster: &str, phases: &[NodePhase]) -> Vec<String> {
    let nodes = dir.nodes(cluster).into_iter();
    let nodes = nodes.filter(|n| n.spec.role == ovo_api::Role::Media);
    let nodes = nodes.filter(|n| n.status.as_ref().is_some_and(|s| phases.contains(&s.phase)));
    nodes.map(|n| n.spec.machine).collect()
}

/// What became of the rooms of a run, in the order in which they were opened: id, length, end.
type Rooms = BTreeMap<String, Vec<(u64, i64, Option<RoomEnd>)>>;

/// The course of the demonstration, without the failures that would end rooms by themselves.
fn course(every: Option<usize>) -> (Rooms, usize) {
    let dir = directory();
    let mut operator = Operator::start(&dir, every);
    operator.until("both to be ready", |dir| {
        CLUSTERS.iter().all(|c| dir.ready(c))
    });
    for cluster in CLUSTERS {
        for node in serving(&dir, cluster) {
            for minutes in MINUTES {
                let plan = RoomPlan {
                    length: minutes * 60_000,
                    people: vec![(1_000, minutes * 50_000)],
                    jobs: Vec::new(),
                };
                dir.script(
                    cluster,
                    Script::StartRoom {
                        node: Some(NodeName::from(node.as_str())),
                        plan,
                    },
                );
            }
        }
    }
    let v3 = std::fs::read_to_string(dir.path().join("v3.yaml")).unwrap();
    dir.write(
        "v3.yaml",
        &v3.replacen("    replicas: 2", "    replicas: 1", 1),
    );
    let v2 = std::fs::read_to_string(dir.path().join("v2.yaml")).unwrap();
    dir.write(
        "v2.yaml",
        &v2.replacen(
            "OPENVIDU_WEBHOOK: \"true\"",
            "OPENVIDU_WEBHOOK: \"false\"",
            1,
        ),
    );
    operator.until("a media node to be closed", |dir| {
        !media(dir, CLUSTERS[0], &[NodePhase::Draining, NodePhase::Drained]).is_empty()
    });
    operator.until("the change of the configuration to wait", |dir| {
        dir.cluster(CLUSTERS[1]).is_some_and(|c| {
            c.status
                .is_some_and(|s| s.pending.iter().any(|p| p.waits_for.contains("cuts ")))
        })
    });
    operator.until("the rooms to end", |dir| {
        let world = dir.world();
        world
            .rooms
            .iter()
            .all(|(_, rooms)| rooms.iter().all(|room| room.end.is_some()))
    });
    operator.until("the closed node to stand by", |dir| {
        media(dir, CLUSTERS[0], &[NodePhase::Standby]).len() == 2
    });
    operator.until("the change to be applied", |dir| {
        CLUSTERS.iter().all(|c| dir.ready(c))
            && dir
                .cluster(CLUSTERS[1])
                .is_some_and(|c| condition(&c, "ConfigApplied") == "True")
            && dir
                .cluster(CLUSTERS[1])
                .is_some_and(|c| c.status.is_some_and(|s| s.pending.is_empty()))
    });
    let world = dir.world();
    assert_eq!(
        world.ledger.conversations_cut, 0,
        "{:#?}",
        world.ledger.violations
    );
    assert_eq!(world.ledger.harms, 0, "{:#?}", world.ledger.violations);
    assert_eq!(world.ledger.second_signals, 0);
    assert_eq!(world.ledger.nodes_ended, 1);
    let rooms = world.rooms.into_iter().map(|(id, rooms)| {
        (
            id,
            rooms
                .into_iter()
                .map(|room| (room.id.0, room.length, room.end))
                .collect(),
        )
    });
    (rooms.collect(), operator.kills)
}

#[test]
fn the_rooms_are_those_of_an_undisturbed_run() {
    // Kills fall on other moments in each course: after every so many writes. All courses run at once: most of their
    // time is meetings that last.
    let courses: Vec<_> = EVERY
        .iter()
        .map(|every| (*every, std::thread::spawn(move || course(*every))))
        .collect();
    let ended: Vec<_> = courses
        .into_iter()
        .map(|(every, run)| (every, run.join().unwrap()))
        .collect();
    let undisturbed = &ended[0].1.0;
    let rooms: usize = undisturbed.values().map(Vec::len).sum();
    assert_eq!(rooms, 12);
    assert!(
        undisturbed
            .values()
            .flatten()
            .all(|(.., end)| *end == Some(RoomEnd::Natural)),
        "{undisturbed:?}"
    );
    for (every, (disturbed, kills)) in &ended[1..] {
        assert_eq!(
            disturbed, undisturbed,
            "killed after every {every:?} writes, {kills} times"
        );
    }
    let kills: usize = ended.iter().map(|(_, (_, kills))| kills).sum();
    assert!(kills >= 50, "only {kills} kills");
}

#[test]
fn meetings_go_on_while_nobody_serves() {
    let dir = directory();
    let serving_now = serve(&dir);
    until("both to be ready", || CLUSTERS.iter().all(|c| dir.ready(c)));
    let node = serving(&dir, CLUSTERS[0]).remove(0);
    let plan = RoomPlan::alone(60_000);
    dir.script(
        CLUSTERS[0],
        Script::StartRoom {
            node: Some(NodeName::from(node.as_str())),
            plan,
        },
    );
    let before = dir.world();
    let began = Instant::now();
    serving_now.kill();
    // Nobody serves for a minute of the world's time: three seconds.
    until("a minute to pass", || {
        began.elapsed() > Duration::from_secs(4)
    });
    let _again = serve(&dir);
    let after = dir.world();
    assert!(
        after.now - before.now >= 60_000,
        "{} {}",
        before.now,
        after.now
    );
    let room = after
        .rooms
        .iter()
        .flat_map(|(_, rooms)| rooms)
        .next()
        .unwrap();
    assert_eq!(room.end, Some(RoomEnd::Natural));
}
