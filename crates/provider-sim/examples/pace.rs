//! How fast the simulated world goes: simulated days of one deployment with a look and readings every 30 s.
//!
//! `cargo run --release -p ovo-provider-sim --example pace [DAYS]`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use ovo_api::act::{ActKind, Cuts, Role};
use ovo_api::profile::OccupancySource;
use ovo_model::{Cause, Executor, NodeName, Op, ResourceId, Step, Value, Wall};
use ovo_world::{Act, Shape, Sight, SightedMachine, World, WorldConfig};

const ID: &str = "abcd1234";
const TURNS_PER_DAY: u32 = 2880;
const SOURCES: [OccupancySource; 3] = [
    OccupancySource::LiveKit,
    OccupancySource::Egress,
    OccupancySource::Ingress,
];

fn main() {
    let days: u32 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(50);
    let mut world = World::new(1, WorldConfig::standard_day());
    let machine = |name: String, role| SightedMachine {
        address: name.as_str().into(),
        name: name.as_str().into(),
        role,
    };
    let masters = (1..=4).map(|n| machine(format!("m{n}"), Role::Master));
    let machines = masters
        .chain((1..=12).map(|n| machine(format!("w{n}"), Role::Media)))
        .collect();
    let dep = world.sight(&Sight {
        deployment: ID.into(),
        owner: None,
        shape: Shape::Machines,
        machines,
        limit: None,
    });
    let names: Vec<NodeName> = world.deployment(dep).nodes.keys().cloned().collect();
    let run = |world: &mut World, op: Op, act| {
        let step = Step {
            id: op.id(),
            op,
            act,
            role: None,
            cuts: Cuts::Nothing,
            cause: Cause::Creation,
            reason: String::new(),
            executor: Executor::Provider,
        };
        world
            .execute(&Act {
                deployment: ID.into(),
                step,
                looked: 0,
                epoch: 1,
                limit: None,
            })
            .unwrap();
    };
    for name in &names {
        let properties = [("installed".to_owned(), Value::Known("3.8.0".into()))].into();
        run(
            &mut world,
            Op::Set {
                resource: ResourceId::new("Machine", &*name.0),
                call: "Install".to_owned(),
                properties,
            },
            ActKind::Install,
        );
    }
    world.advance_to(Wall(world.now().0 + 300_000));
    for name in &names {
        run(&mut world, Op::Start { node: name.clone() }, ActKind::Start);
    }
    let (mut advancing, mut looking, mut reading) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..days * TURNS_PER_DAY {
        let begun = Instant::now();
        world.advance_to(Wall(world.now().0 + 30_000));
        let advanced = Instant::now();
        let seen = world.observe(dep, &|_| true);
        let looked = Instant::now();
        for name in names.iter().filter(|n| n.0.starts_with('w')) {
            for source in SOURCES {
                std::hint::black_box(world.read(dep, name, source).is_ok());
            }
        }
        reading += looked.elapsed();
        looking += looked - advanced;
        advancing += advanced - begun;
        std::hint::black_box(seen);
    }
    let turns = days * TURNS_PER_DAY;
    println!(
        "{days} days, {} rooms, {} faults",
        world.deployment(dep).log.announced,
        world.ledger().befell
    );
    for (name, spent) in [
        ("advance 30 s", advancing),
        ("look", looking),
        ("36 readings", reading),
    ] {
        println!(
            "{name}: {:?} each, {:?} for 1,000 days",
            spent / turns,
            spent * 1000 / days
        );
    }
}
