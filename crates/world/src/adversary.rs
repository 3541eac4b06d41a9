//! Somebody who does, at the worst moment, what nobody forbids.
//!
//! It never does what no operator could survive (a room on a node between the last look and its end, when
//! nothing takes rooms there by itself): what it does could happen on any day.

use ovo_api::act::ActKind;
use ovo_model::{NodeName, Op, Step};

use crate::config::Span;
use crate::node::{Node, Tag};
use crate::room::RoomPlan;
use crate::world::{Dep, World};

impl World {
    fn tempted(&mut self, permille: u32) -> bool {
        permille > 0 && self.adversary.chance(permille)
    }

    fn adverse_room(&mut self, dep: Dep, node: &NodeName) {
        let span = self.config.adversary.room.unwrap_or(Span::seconds(30, 300));
        let length = self.adversary.within(span);
        self.scripted_room(dep, Some(node), RoomPlan::alone(length));
        self.ledger.adversary_acts += 1;
    }

    /// After the operator looked at everything, and before it looks again.
    pub fn adversary_after_observe(&mut self, dep: Dep) {
        let manner = self.config.adversary.clone();
        let deployment = self.deployment(dep);
        let closed: Vec<_> = deployment
            .nodes
            .values()
            .filter(|n| n.is_closed_alive())
            .map(|n| n.name.clone())
            .collect();
        let exited: Vec<_> = deployment
            .nodes
            .values()
            .filter(|n| drained(n))
            .map(|n| n.name.clone())
            .collect();
        for node in closed {
            // A node whose protection the masters have lifted is theirs to end: nobody could save a room there.
            let kept = self
                .node(dep, &node)
                .is_some_and(|n| n.instance().is_none_or(|i| i.protected));
            if kept && self.tempted(manner.pin_permille) {
                self.adverse_room(dep, &node);
            }
            if self.tempted(manner.join_permille) {
                self.join_a_room(dep, &node);
            }
            if kept
                && self.node(dep, &node).is_some_and(quarantined)
                && self.tempted(manner.revive_permille)
            {
                self.turn_back(dep, &node);
                self.ledger.adversary_acts += 1;
            }
        }
        for node in exited {
            if self.tempted(manner.restart_permille) {
                self.come_back(dep, &node);
                self.adverse_room(dep, &node);
            }
        }
    }

    /// Between the operator's last look and what it is about to do.
    pub fn adversary_before_execute(&mut self, dep: Dep, step: &Step) {
        let race = self.config.adversary.race_permille;
        let deployment = self.deployment(dep);
        let targets: Vec<_> = match &step.op {
            // Nobody knows whom the masters will pick: a room on each that may be.
            Op::SetCapacity { .. } if step.act == ActKind::Shrink => {
                let least = deployment
                    .open_nodes()
                    .map(|n| {
                        deployment
                            .rooms_on(&n.name)
                            .map(|r| r.participants)
                            .sum::<u32>()
                    })
                    .min();
                deployment
                    .open_nodes()
                    .filter(|n| {
                        Some(deployment.rooms_on(&n.name).map(|r| r.participants).sum()) == least
                    })
                    .map(|n| n.name.clone())
                    .collect()
            }
            op if step.is_destructive() => op
                .node()
                .filter(|n| deployment.nodes.get(*n).is_some_and(Node::is_open))
                .cloned()
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        for node in targets {
            if self.tempted(race) {
                self.adverse_room(dep, &node);
            }
        }
    }

    /// Somebody joins a room that is on this node.
    fn join_a_room(&mut self, dep: Dep, node: &NodeName) {
        let room = self
            .deployment(dep)
            .rooms_on(node)
            .find(|r| r.participants > 0)
            .map(|r| r.id);
        if let Some(room) = room.and_then(|id| self.dep_mut(dep).rooms.get_mut(&id)) {
            room.participants += 1;
            self.ledger.adversary_acts += 1;
        }
    }

    /// The containers of a drained node start again and take sessions.
    pub(crate) fn come_back(&mut self, dep: Dep, node: &NodeName) {
        let containers: Vec<_> = self
            .node(dep, node)
            .and_then(Node::machine)
            .map(|m| {
                m.processes
                    .iter()
                    .filter(|p| !p.running)
                    .map(|p| p.is.name.clone())
                    .collect()
            })
            .unwrap_or_default();
        for container in containers {
            self.restart_process(dep, node, &container);
        }
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            machine.joined = true;
        }
        self.ledger.adversary_acts += 1;
    }
}

/// A machine whose media server exited after a drain, and that was not stopped yet.
fn drained(node: &Node) -> bool {
    node.is_up()
        && node.machine().is_some_and(|m| {
            m.unit.active
                && m.process("openvidu")
                    .is_some_and(|p| p.closing && !p.running)
        })
}

fn quarantined(node: &Node) -> bool {
    node.instance().is_some_and(|i| i.tag == Tag::Quarantined)
}
