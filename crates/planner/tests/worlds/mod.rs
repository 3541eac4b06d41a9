//! Random valid worlds: any number of nodes of either profile, each anywhere in its life.
#![allow(dead_code, reason = "each test uses its own part")]

use ovo_api::node::DrainCause;
use ovo_api::spec::{AtDeadline, DisruptionPolicy};
use ovo_model::Snapshot;
use ovo_planner::fixtures::{Fixture, cluster};
use proptest::collection::vec;
use proptest::prelude::*;

/// Where a media node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Serving,
    Occupied,
    Silent,
    Stale,
    Young,
    Standby,
    Pending,
    Launching,
    NeverJoined,
    DrainDecided,
    Closed,
    ClosedOccupied,
    Exited,
    Crashed,
    Unhealthy,
    Unreachable,
    Gone,
    Forced,
    Asked,
    ObjectDeleted,
    Unlisted,
}

use Place as P;

const PLACES: [Place; 21] = [
    P::Serving,
    P::Occupied,
    P::Silent,
    P::Stale,
    P::Young,
    P::Standby,
    P::Pending,
    P::Launching,
    P::NeverJoined,
    P::DrainDecided,
    P::Closed,
    P::ClosedOccupied,
    P::Exited,
    P::Crashed,
    P::Unhealthy,
    P::Unreachable,
    P::Gone,
    P::Forced,
    P::Asked,
    P::ObjectDeleted,
    P::Unlisted,
];

/// What is different about the cluster as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    Paused,
    Deleting,
    DeletingProtected,
    ConfigEdited,
    ConfigDrifted,
    MasterIll,
    MasterSilent,
    ScopeUnknown,
    MissingResource,
    ForeignResource,
    Empty,
    DeadlineForce,
}

const TWISTS: [Twist; 13] = [
    Twist::None,
    Twist::Paused,
    Twist::Deleting,
    Twist::DeletingProtected,
    Twist::ConfigEdited,
    Twist::ConfigDrifted,
    Twist::MasterIll,
    Twist::MasterSilent,
    Twist::ScopeUnknown,
    Twist::MissingResource,
    Twist::ForeignResource,
    Twist::Empty,
    Twist::DeadlineForce,
];

/// A world to be.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) v3: bool,
    pub(crate) places: Vec<Place>,
    pub(crate) replicas: i32,
    pub(crate) surge: i32,
    pub(crate) at_once: i32,
    pub(crate) policy: DisruptionPolicy,
    pub(crate) twist: Twist,
}

/// Any world.
pub(crate) fn any() -> impl Strategy<Value = World> {
    let places = prop_oneof![
        2 => vec(Just(P::Serving), 1..8),
        5 => vec(prop::sample::select(PLACES.to_vec()), 0..8),
    ];
    let policy = prop::sample::select(vec![
        DisruptionPolicy::WhenIdle,
        DisruptionPolicy::InWindow,
        DisruptionPolicy::Immediately,
    ]);
    let twist = prop_oneof![2 => Just(Twist::None), 3 => prop::sample::select(TWISTS.to_vec())];
    (prop::bool::ANY, places, 0..8, 0..3, 1..4, policy, twist).prop_map(
        |(v3, places, replicas, surge, at_once, policy, twist)| World {
            v3,
            places,
            replicas,
            surge,
            at_once,
            policy,
            twist,
        },
    )
}

impl World {
    pub(crate) fn fixture(&self) -> Fixture {
        let start = if self.v3 {
            cluster().v3()
        } else {
            cluster().v2()
        };
        let mut f = start.media_nodes(self.places.len()).planned();
        for (i, place) in self.places.iter().enumerate() {
            f = self.put(f, &self.name(i), *place);
        }
        f = f
            .replicas(self.replicas)
            .at_most(self.replicas.max(1), self.surge)
            .drains_at_once(self.at_once);
        let policy = self.policy;
        f = f.spec(|s| {
            s.disruption.config = Some(policy);
            s.disruption.masters = Some(policy);
            s.disruption.load_balancer = Some(policy);
        });
        self.twisted(f)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.fixture().snapshot()
    }

    pub(crate) fn name(&self, i: usize) -> String {
        format!("{}w{}", if self.v3 { "" } else { "i-" }, i + 1)
    }

    fn put(&self, f: Fixture, name: &str, place: Place) -> Fixture {
        let f = f.node(name);
        match place {
            P::Occupied => f.rooms(name, 3),
            P::Silent => f.unread(name),
            P::Stale => f.readings_aged(name, 100_000),
            P::Young => f.joined_for(30_000),
            P::Standby if self.v3 => f
                .stopped()
                .record(|r| r.phase = ovo_api::node::NodePhase::Standby),
            P::Pending if !self.v3 => f.pending().unread(name),
            P::Launching => f.launching().unread(name),
            P::NeverJoined => f.never_joined().unread(name),
            P::DrainDecided if self.v3 => f.draining(DrainCause::ScaleIn),
            P::Closed => f.closed(),
            P::ClosedOccupied => f.closed().rooms(name, 2),
            P::Exited if self.v3 => f.exited(),
            P::Crashed if self.v3 => f.crashed(),
            P::Unhealthy => f.unhealthy(),
            P::Unreachable => f.unreachable(),
            P::Gone if !self.v3 => f.gone(),
            P::Forced => f.rooms(name, 1).node(name).forced(),
            P::Asked => f.drain_asked(),
            P::ObjectDeleted => f.object_deleted(),
            P::Unlisted if self.v3 => f.unlisted(),
            _ => f.serving(),
        }
    }

    fn twisted(&self, f: Fixture) -> Fixture {
        let master = if self.v3 { "m1" } else { "i-m1" };
        match self.twist {
            Twist::None => f,
            Twist::Paused => f.paused(),
            Twist::Deleting => f.deleting(),
            Twist::DeletingProtected => f.deleted(),
            Twist::ConfigEdited => f.edited().wants("Config/cluster", "digest", "config-2"),
            Twist::ConfigDrifted => f.drifted("Config/cluster", "digest", "somebody's"),
            Twist::MasterIll => f.node(master).unhealthy(),
            Twist::MasterSilent => f.node(master).unreachable(),
            Twist::ScopeUnknown => f.unknown(if self.v3 { "machine/m2" } else { "media" }),
            Twist::MissingResource => f.missing("Config/cluster"),
            Twist::ForeignResource => f.owned_by(
                "Config/cluster",
                ovo_model::Ownership::Foreign("another".to_owned()),
            ),
            Twist::Empty => f.from_nothing(),
            Twist::DeadlineForce => f.spec(|s| {
                s.media.drain.deadline = Some(ovo_api::value::Duration::from_secs(60));
                s.media.drain.at_deadline = Some(AtDeadline::Force);
            }),
        }
    }
}
