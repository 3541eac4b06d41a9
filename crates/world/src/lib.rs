//! A small simulated world with an event clock: machines, groups, masters, media servers, rooms.
//!
//! **This is a model, not the real thing.** It is written from the documentation and the published source of
//! what it stands for (OpenVidu 2 and 3, LiveKit, AWS Auto Scaling, Docker, systemd), and it knows only what
//! the operator's safety rests on: what closes a node, what cuts a conversation, what comes back by itself.
//!
//! It is pure: time comes in through [`World::advance_to`], lots come from seeds, and the same inputs give the
//! same world, byte for byte. Every input is an [`Input`], so a world can be written down as a checkpoint and
//! the inputs since.
//!
//! What people do in it (which rooms there are, how long they last, who joins) follows from the seed alone and
//! never from what the operator does; what becomes of them does. The [`Ledger`] keeps the count of both.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

mod adversary;
mod config;
mod deployment;
mod drain;
mod draw;
mod ending;
mod event;
mod execute;
mod faults;
mod groups;
mod input;
mod ledger;
mod machine;
mod masters;
mod node;
mod observe;
mod occupancy;
mod pairs;
mod power;
mod queue;
mod resources;
mod room;
mod rooms;
mod workload;
mod world;

pub use config::{
    AdversaryConfig, FaultRates, MastersManner, Placement, Span, Timings, Workload, WorldConfig,
};
pub use deployment::{Deployment, Shape, Sight, SightedMachine};
pub use draw::Draw;
pub use execute::{Act, effects};
pub use input::{Answer, Input, Script};
pub use ledger::{Harm, Ledger, Violation};
pub use node::{Instance, Machine, Node, Phase, Power, Process, Tag};
pub use observe::scope_of;
pub use occupancy::SourceWord;
pub use room::{Job, Room, RoomEnd, RoomId, RoomLog, RoomPlan, RoomSummary};
pub use world::{Dep, World};
