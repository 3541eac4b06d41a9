//! Machines and instances that die, boot and hang.

use ovo_model::{Millis, NodeName};

use crate::ending::Ending;
use crate::event::NodeEvent;
use crate::node::{Body, Power};
use crate::world::{Dep, World};

impl World {
    /// The power goes: processes are gone, calls end. `back` is how long until it boots again.
    pub(crate) fn power_off(
        &mut self,
        dep: Dep,
        node: &NodeName,
        back: Option<Millis>,
        power: Power,
    ) {
        if self.node(dep, node).is_none_or(|n| !n.is_up()) {
            if let Some(node) = self.node_mut(dep, node).filter(|_| power == Power::Gone) {
                node.power = power;
            }
            return;
        }
        self.break_node(dep, node, Ending::Fault);
        self.new_life(dep, node);
        let now = self.now();
        let Some(found) = self.node_mut(dep, node) else {
            return;
        };
        found.power = power;
        match &mut found.body {
            Body::Machine(machine) => {
                machine.stale_record = machine.joined;
                machine.joined = false;
                if machine.job.take().is_some() {
                    // It wrote no record, so nothing of it counts.
                    machine.owner = None;
                }
                for process in &mut machine.processes {
                    process.running = false;
                }
            }
            Body::Instance(instance) => {
                instance.up = false;
                instance.sick = Some(now);
            }
        }
        if let Some(back) = back {
            self.put_node(dep, node, back, NodeEvent::Boot);
        }
    }

    /// A machine that is off comes up; an enabled unit brings its containers back.
    pub(crate) fn boot(&mut self, dep: Dep, node: &NodeName) {
        let Some(found) = self.node_mut(dep, node).filter(|n| n.power == Power::Off) else {
            return;
        };
        found.power = Power::On;
        found.boots += 1;
        match &mut found.body {
            Body::Machine(machine) => {
                machine.processes.clear();
                machine.unit.active = machine.unit.enabled;
                if machine.unit.active {
                    self.come_up(dep, node);
                }
            }
            Body::Instance(instance) => {
                instance.up = true;
                instance.sick = None;
            }
        }
    }

    /// It stops answering; what runs on it goes on.
    pub(crate) fn hang(&mut self, dep: Dep, node: &NodeName, length: Option<Millis>) {
        if let Some(found) = self.node_mut(dep, node).filter(|n| n.power == Power::On) {
            found.power = Power::Hung;
            if let Some(length) = length {
                self.put_node(dep, node, length, NodeEvent::Answers);
            }
        }
    }
}
