//! What an installer is told at the points at which it asks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Deserialize;

/// Where the stand-in installer asks what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Point {
    /// Before it writes anything.
    Begin,
    /// When its configuration is written; unit and containers are not.
    Middle,
}

/// What it is told there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// To go on.
    #[default]
    Go,
    /// To ask again, until it is told otherwise.
    Wait,
    /// To fail as when the license server refuses the license. Exit code 1.
    RefuseLicense,
    /// To fail as when the disk is full. Exit code 1.
    DiskFull,
}

impl Order {
    /// As the script reads it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Wait => "wait",
            Self::RefuseLicense => "fail license",
            Self::DiskFull => "fail disk",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Orders {
    all: BTreeMap<Point, Order>,
    one: BTreeMap<(Ipv4Addr, Point), Order>,
    gather: BTreeMap<Point, usize>,
    /// What each machine was told last.
    told: BTreeMap<(Point, Ipv4Addr), Order>,
}

impl Orders {
    pub(super) fn all(&mut self, point: Point, order: Order) {
        self.all.insert(point, order);
    }

    pub(super) fn one(&mut self, machine: Ipv4Addr, point: Point, order: Order) {
        self.one.insert((machine, point), order);
    }

    pub(super) fn gather(&mut self, point: Point, machines: usize) {
        self.gather.insert(point, machines);
    }

    pub(super) fn seen(&self, point: Point) -> BTreeSet<Ipv4Addr> {
        let here = self.told.keys().filter(|(at, _)| *at == point);
        here.map(|(_, machine)| *machine).collect()
    }

    pub(super) fn told(&self, machine: Ipv4Addr, point: Point) -> Option<Order> {
        self.told.get(&(point, machine)).copied()
    }

    pub(super) fn tell(&mut self, machine: Ipv4Addr, point: Point) -> Order {
        self.told.entry((point, machine)).or_default();
        let here = self.seen(point).len();
        let missing = self.gather.get(&point).is_some_and(|all| here < *all);
        let own = self.one.get(&(machine, point));
        let order = match own.or(self.all.get(&point)).copied().unwrap_or_default() {
            Order::Go if missing => Order::Wait,
            order => order,
        };
        self.told.insert((point, machine), order);
        order
    }
}
