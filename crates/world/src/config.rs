//! How a world is made up.

use ovo_model::{Millis, Wall};
use serde::{Deserialize, Serialize};

const SECOND: Millis = 1000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

/// From, to, in milliseconds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Least.
    pub from: Millis,
    /// Most.
    pub to: Millis,
}

impl Span {
    /// From, to, in seconds.
    pub const fn seconds(from: i64, to: i64) -> Self {
        Self {
            from: from * SECOND,
            to: to * SECOND,
        }
    }

    /// Always the same.
    pub const fn exactly(length: Millis) -> Self {
        Self {
            from: length,
            to: length,
        }
    }
}

/// How long things take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// An installer on a machine.
    pub install: Span,
    /// From the start of the unit to running containers.
    pub start: Span,
    /// From a running media server to its first record among the cluster's nodes.
    pub join: Span,
    /// A machine that boots.
    pub boot: Span,
    /// The container engine starts again what crashed.
    pub engine_restart: Millis,
    /// Between two looks of a draining media server whether somebody is still there (LiveKit: 5 s).
    pub drain_poll: Millis,
    /// A plain resource of a cloud until it is ready.
    pub resource: Span,
    /// The shared Redis and the balancer until they are ready, or gone.
    pub slow_resource: Span,
    /// An instance from its launch to its launch hook.
    pub launch: Span,
    /// The launch hook (CloudFormation template of OpenVidu 2.32: 30 s, CONTINUE).
    pub launch_hook: Millis,
    /// The termination hook (the same template: 30 s).
    pub terminate_hook: Millis,
    /// From the launch event to a node that the masters use.
    pub register: Span,
    /// Between two looks of a group at its members.
    pub group_tick: Millis,
    /// Until a group takes a dead or unhealthy member for one.
    pub unhealthy_after: Millis,
    /// How long a new instance of a group of masters is not judged by the balancer (template: 180 s).
    pub health_grace: Millis,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            install: Span::seconds(60, 240),
            start: Span::seconds(15, 45),
            join: Span::seconds(5, 15),
            boot: Span::seconds(30, 90),
            engine_restart: 10 * SECOND,
            drain_poll: 5 * SECOND,
            resource: Span::seconds(0, 5),
            slow_resource: Span::seconds(60, 180),
            launch: Span::seconds(30, 180),
            launch_hook: 30 * SECOND,
            terminate_hook: 30 * SECOND,
            register: Span::seconds(5, 20),
            group_tick: 15 * SECOND,
            unhealthy_after: 60 * SECOND,
            health_grace: 180 * SECOND,
        }
    }
}

impl Timings {
    /// A tenth of everything that only costs waiting: for demonstrations.
    pub fn fast() -> Self {
        Self {
            install: Span::seconds(3, 8),
            start: Span::seconds(1, 3),
            join: Span::seconds(1, 2),
            boot: Span::seconds(4, 8),
            engine_restart: 2 * SECOND,
            drain_poll: SECOND,
            resource: Span::exactly(0),
            slow_resource: Span::seconds(3, 6),
            launch: Span::seconds(3, 6),
            launch_hook: 3 * SECOND,
            terminate_hook: 3 * SECOND,
            register: Span::seconds(1, 2),
            group_tick: 2 * SECOND,
            unhealthy_after: 5 * SECOND,
            health_grace: 15 * SECOND,
        }
    }
}

/// Which open node a new room goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// The one with the fewest participants.
    LeastLoaded,
    /// Any.
    Random,
}

/// Which rooms people open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Fewest rooms in a day; 0: nobody comes.
    pub rooms_per_day: u32,
    /// Of the day's rooms, how the hours weigh, UTC.
    pub hours: [u32; 24],
    /// When the first day's rooms begin, after the deployment was first seen.
    pub begins_after: Millis,
    /// Short rooms: this many in a thousand.
    pub short_permille: u32,
    /// Length of a short room.
    pub short: Span,
    /// Length of the others.
    pub length: Span,
    /// Long rooms: this many in a thousand.
    pub long_permille: u32,
    /// Length of a long room.
    pub long: Span,
    /// Most people in a room; at least one.
    pub people: u32,
    /// Rooms that are recorded or streamed out, in a thousand.
    pub egress_permille: u32,
    /// Rooms that take something in, in a thousand.
    pub ingress_permille: u32,
    /// How long a room that finds no node waits for one before people give up.
    pub patience: Millis,
    /// How long an empty room stays.
    pub lingers: Millis,
    /// Where rooms go.
    pub placement: Placement,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            rooms_per_day: 0,
            // An office day with a dip at noon and a few evening rooms.
            hours: [
                1, 1, 1, 1, 1, 1, 3, 10, 25, 35, 35, 30, 15, 28, 35, 30, 22, 14, 10, 9, 8, 5, 3, 2,
            ],
            begins_after: 30 * MINUTE,
            short_permille: 200,
            short: Span::seconds(60, 600),
            length: Span::seconds(600, 3600),
            long_permille: 100,
            long: Span::seconds(3600, 10_800),
            people: 8,
            egress_permille: 150,
            ingress_permille: 40,
            patience: 15 * MINUTE,
            lingers: 20 * SECOND,
            placement: Placement::LeastLoaded,
        }
    }
}

/// How OpenVidu 2's masters behave. Their program is closed; its order of acts is inferred from its documents,
/// its rights and the tags it writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MastersManner {
    /// Between two looks at the group.
    pub tick: Millis,
    /// A look that comes too late by at most this.
    pub late: Millis,
    /// How many looks in a thousand are late.
    pub late_permille: u32,
    /// How many victims in a thousand are not the least loaded node, but any.
    pub odd_victim_permille: u32,
}

impl Default for MastersManner {
    fn default() -> Self {
        Self {
            tick: MINUTE,
            late: 0,
            late_permille: 0,
            odd_victim_permille: 0,
        }
    }
}

impl MastersManner {
    /// Three minutes late as often as not, and odd in whom they pick.
    pub const fn adverse() -> Self {
        Self {
            tick: MINUTE,
            late: 3 * MINUTE,
            late_permille: 500,
            odd_victim_permille: 500,
        }
    }
}

/// How often the adversary acts, in a thousand of its chances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdversaryConfig {
    /// Opens a room on the node that a step is about, between the operator's look and its act.
    pub race_permille: u32,
    /// Puts a new room on a node that is closed and alive.
    pub pin_permille: u32,
    /// Starts again what exited after a drain, and gives it a room.
    pub restart_permille: u32,
    /// Turns a quarantined node back.
    pub revive_permille: u32,
    /// Lets somebody join a room on a closed node.
    pub join_permille: u32,
    /// How long its rooms last.
    pub room: Option<Span>,
}

impl AdversaryConfig {
    /// Acts whenever it can.
    pub const fn always() -> Self {
        Self {
            race_permille: 1000,
            pin_permille: 1000,
            restart_permille: 1000,
            revive_permille: 1000,
            join_permille: 1000,
            room: None,
        }
    }

    /// Acts now and then, so that drains come to their end.
    pub const fn now_and_then() -> Self {
        Self {
            race_permille: 900,
            pin_permille: 2,
            restart_permille: 300,
            revive_permille: 2,
            join_permille: 20,
            room: None,
        }
    }
}

/// How often things fail by themselves: expected number in a thousand days, for a whole deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRates {
    /// A media server's process crashes; the container engine starts it again.
    pub crash: u32,
    /// A machine does not answer for minutes, while its calls go on.
    pub hang: u32,
    /// A machine is dead and repaired hours later.
    pub dead: u32,
    /// The next installation on a machine fails.
    pub install: u32,
    /// A master dies and boots again (v2: is replaced).
    pub master: u32,
    /// Redis is slow for a minute: nobody is healthy, no state is known.
    pub redis: u32,
    /// Every call is throttled for a minute.
    pub throttle: u32,
    /// One source of occupancy says nothing for some minutes.
    pub metrics: u32,
    /// How long a hang, a silence or a slowness lasts.
    pub short: Option<Span>,
    /// How long a dead machine is under repair.
    pub repair: Option<Span>,
}

impl FaultRates {
    /// Faults of every class, about one of each class a day.
    pub const fn standard() -> Self {
        Self {
            crash: 1000,
            hang: 1000,
            dead: 500,
            install: 200,
            master: 300,
            redis: 1000,
            throttle: 2000,
            metrics: 2000,
            short: None,
            repair: None,
        }
    }

    /// How long a hang, a silence or a slowness lasts.
    pub fn short(&self) -> Span {
        self.short.unwrap_or(Span::seconds(30, 600))
    }

    /// How long a dead machine is under repair.
    pub fn repair(&self) -> Span {
        self.repair.unwrap_or(Span {
            from: 20 * MINUTE,
            to: 4 * HOUR,
        })
    }
}

/// How a world is made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldConfig {
    /// When it begins.
    pub start: Wall,
    /// How long things take.
    pub timings: Timings,
    /// Which rooms people open.
    pub workload: Workload,
    /// How OpenVidu 2's masters behave.
    pub masters: MastersManner,
    /// How often the adversary acts.
    pub adversary: AdversaryConfig,
    /// How often things fail by themselves.
    pub faults: FaultRates,
    /// How many people fill a node: its load is people / this.
    pub people_per_node: u32,
    /// Launches of instances that fail for want of capacity, in a thousand; the group tries again.
    pub launch_fails_permille: u32,
    /// The container engine starts again what exited after a drain (`restart: always`): refused by name.
    pub engine_revives: bool,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            // 2026-01-05T00:00:00Z, a Monday.
            start: Wall(1_767_571_200_000),
            timings: Timings::default(),
            workload: Workload::default(),
            masters: MastersManner::default(),
            adversary: AdversaryConfig::default(),
            faults: FaultRates::default(),
            people_per_node: 40,
            launch_fails_permille: 0,
            engine_revives: false,
        }
    }
}

impl WorldConfig {
    /// A standard day: at least 200 rooms, faults of every class, an adversary.
    pub fn standard_day() -> Self {
        Self {
            workload: Workload {
                rooms_per_day: 200,
                ..Workload::default()
            },
            adversary: AdversaryConfig::now_and_then(),
            faults: FaultRates::standard(),
            ..Self::default()
        }
    }

    /// A world to be served: short waits, and people who meet all day.
    pub fn served() -> Self {
        Self {
            workload: Workload {
                rooms_per_day: 300,
                begins_after: 5 * MINUTE,
                ..Workload::default()
            },
            ..Self::demo()
        }
    }

    /// For a demonstration: what only costs waiting is short.
    pub fn demo() -> Self {
        Self {
            timings: Timings::fast(),
            masters: MastersManner {
                tick: 5 * SECOND,
                ..MastersManner::default()
            },
            ..Self::default()
        }
    }
}
