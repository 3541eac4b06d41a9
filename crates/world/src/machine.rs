//! Machines of a v3 deployment: installation, unit, containers, and what befalls them.

use ovo_api::act::Role;
use ovo_model::{ContainerRef, Millis, NodeName, UnitState};

use crate::ending::Ending;
use crate::event::{Event, NodeEvent};
use crate::ledger::Blame;
use crate::node::{Node, Power, Process};
use crate::world::{Dep, World};

/// Containers of a media node and whether they take the drain signal.
const MEDIA: [(&str, bool); 5] = [
    ("openvidu", true),
    ("ingress", true),
    ("egress", true),
    ("agent-x", true),
    ("caddy", false),
];
/// How long a failed installation shows before it is cleared away.
const FAILURE_SHOWS: Millis = 300_000;
/// Some of the containers of a master.
const MASTER: [(&str, bool); 2] = [("caddy", false), ("redis-server", false)];

impl World {
    /// A start time as the container engine writes it: no two starts have the same.
    pub(crate) fn started_at(&mut self) -> String {
        let serial = self.serial();
        let second = self.now().to_string();
        format!(
            "{}.{:03}{:06}Z",
            second.trim_end_matches('Z'),
            self.now().0.rem_euclid(1000),
            serial % 1_000_000
        )
    }

    pub(crate) fn put_node(&mut self, dep: Dep, node: &NodeName, after: Millis, what: NodeEvent) {
        if let Some(life) = self.node(dep, node).map(|n| n.life) {
            self.put_after(after, Event::Node(dep, node.clone(), life, what));
        }
    }

    pub(crate) fn new_life(&mut self, dep: Dep, node: &NodeName) {
        let life = self.serial();
        if let Some(node) = self.node_mut(dep, node) {
            node.life = life;
        }
    }

    /// What happens on a node by itself.
    pub(crate) fn node_event(&mut self, dep: Dep, node: &NodeName, what: &NodeEvent) {
        match what {
            NodeEvent::Installed => self.installed(dep, node),
            NodeEvent::Forgotten => self.forget_failure(dep, node),
            NodeEvent::Up => self.bring_up(dep, node),
            NodeEvent::Join => self.join(dep, node),
            NodeEvent::DrainPoll => self.drain_poll(dep, node),
            NodeEvent::Restart(container) => self.restart_process(dep, node, container),
            NodeEvent::Boot => self.boot(dep, node),
            NodeEvent::Answers => {
                if let Some(node) = self.node_mut(dep, node).filter(|n| n.power == Power::Hung) {
                    node.power = Power::On;
                }
            }
            NodeEvent::Launched
            | NodeEvent::InService
            | NodeEvent::Registered
            | NodeEvent::Ended => {
                self.member_event(dep, node, what);
            }
        }
    }

    /// Starts an installation that outlives whoever asked for it.
    pub(crate) fn begin_install(&mut self, dep: Dep, node: &NodeName, digest: &str) {
        let span = self.config.timings.install;
        let length = self.dep_mut(dep).draw.within(span);
        let (now, over) = (self.now(), self.after(length));
        let owner = self.deployment(dep).id.to_string();
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            machine.owner = Some(owner);
            machine.installed = None;
            machine.stripped = false;
            machine.failed = None;
            machine.job = Some((digest.to_owned(), now, over));
            self.put_node(dep, node, length, NodeEvent::Installed);
        }
    }

    fn installed(&mut self, dep: Dep, node: &NodeName) {
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut)
            && let Some((digest, ..)) = machine.job.take()
        {
            if std::mem::take(&mut machine.will_fail) {
                machine.failed = Some("the installer ended with exit code 1".to_owned());
                self.put_node(dep, node, FAILURE_SHOWS, NodeEvent::Forgotten);
            } else {
                machine.installed = Some(digest);
            }
        }
    }

    fn forget_failure(&mut self, dep: Dep, node: &NodeName) {
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut)
            && machine.failed.take().is_some()
        {
            machine.owner = None;
        }
    }

    /// Enables the unit (first effect) and starts it (second).
    pub(crate) fn start_unit(&mut self, dep: Dep, node: &NodeName, limit: u32) {
        let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) else {
            return;
        };
        if limit >= 1 {
            machine.unit.enabled = true;
        }
        if limit >= 2 && !machine.unit.active {
            machine.unit.active = true;
            self.come_up(dep, node);
            self.count_nodes(dep, &format!("start {node}"));
        }
    }

    pub(crate) fn come_up(&mut self, dep: Dep, node: &NodeName) {
        self.new_life(dep, node);
        let span = self.config.timings.start;
        let length = self.dep_mut(dep).draw.within(span);
        self.put_node(dep, node, length, NodeEvent::Up);
    }

    fn bring_up(&mut self, dep: Dep, node: &NodeName) {
        let Some(role) = self.node(dep, node).map(|n| n.role) else {
            return;
        };
        let list: &[(&str, bool)] = if role == Role::Media { &MEDIA } else { &MASTER };
        let started_at = self.started_at();
        let serial = self.serial();
        let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) else {
            return;
        };
        machine.joined = false;
        machine.stale_record = false;
        machine.processes = list
            .iter()
            .map(|&(name, drained)| Process {
                is: ContainerRef {
                    name: name.to_owned(),
                    id: format!(
                        "{serial:08x}{}",
                        name.bytes()
                            .fold(7_u32, |h, b| h.wrapping_mul(31) ^ u32::from(b))
                    ),
                    started_at: started_at.clone(),
                },
                running: true,
                closing: false,
                drained,
            })
            .collect();
        self.soon_join(dep, node);
    }

    pub(crate) fn soon_join(&mut self, dep: Dep, node: &NodeName) {
        if self.node(dep, node).is_some_and(|n| n.role == Role::Media) {
            let span = self.config.timings.join;
            let length = self.dep_mut(dep).draw.within(span);
            self.put_node(dep, node, length, NodeEvent::Join);
        }
    }

    /// A media server joins once the masters' Redis takes its record.
    fn join(&mut self, dep: Dep, node: &NodeName) {
        if !self.deployment(dep).masters_serve() {
            self.soon_join(dep, node);
        } else if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            machine.joined = machine.process("openvidu").is_some_and(|p| p.running);
        }
    }

    /// Stops the unit (first effect), which kills what runs, and disables it (second).
    pub(crate) fn stop_unit(&mut self, dep: Dep, node: &NodeName, limit: u32, blame: &Blame) {
        let Some(found) = self.node(dep, node) else {
            return;
        };
        let role = found.role;
        let Some(machine) = found.machine() else {
            return;
        };
        let active = machine.unit.active || machine.any_running();
        let masters = self.masters_up(dep);
        if active && limit >= 1 {
            self.break_node(dep, node, Ending::By(blame));
            self.new_life(dep, node);
            self.ledger.nodes_ended += u64::from(role == Role::Media);
        }
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            if limit >= 1 {
                machine.unit.active = false;
                machine.joined = false;
                machine.processes.clear();
            }
            if limit >= 2 {
                machine.unit.enabled = false;
            }
        }
        self.watch_quorum(dep, masters, blame);
    }

    /// Takes our software (first effect) and our record (second) off a machine. Until the second one the record
    /// says that it is installed.
    pub(crate) fn uninstall(&mut self, dep: Dep, node: &NodeName, limit: u32, blame: &Blame) {
        self.stop_unit(dep, node, 2, blame);
        self.new_life(dep, node);
        let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) else {
            return;
        };
        if limit >= 1 {
            machine.stripped = machine.installed.is_some();
            machine.job = None;
            machine.unit = UnitState::default();
        }
        if limit >= 2 {
            machine.installed = None;
            machine.stripped = false;
            machine.owner = None;
            machine.failed = None;
            machine.markers.clear();
        }
    }
}
