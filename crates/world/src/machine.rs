//! Machines of a v3 deployment: installation, unit, containers, and what befalls them.

use ovo_api::act::Role;
use ovo_model::{ContainerRef, Millis, NodeName, UnitState, Wall};

use crate::event::{Event, NodeEvent};
use crate::ledger::{Blame, Harm};
use crate::node::{Body, Node, Power, Process};
use crate::rooms::Ending;
use crate::world::{Dep, World};

/// Containers of a media node and whether they take the drain signal.
const MEDIA: [(&str, bool); 5] = [
    ("openvidu", true),
    ("ingress", true),
    ("egress", true),
    ("agent-x", true),
    ("caddy", false),
];
/// Some of the containers of a master.
const MASTER: [(&str, bool); 2] = [("caddy", false), ("redis-server", false)];

impl World {
    /// A start time as the container engine writes it: no two starts have the same.
    fn started_at(&mut self) -> String {
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
            } else {
                machine.installed = Some(digest);
            }
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

    fn come_up(&mut self, dep: Dep, node: &NodeName) {
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

    fn soon_join(&mut self, dep: Dep, node: &NodeName) {
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

    /// Sends the drain signal to these container starts: for each one a marker (one effect), then the signal
    /// (another). One that has its marker is not signalled again; one that runs no more needs none.
    pub(crate) fn signal(
        &mut self,
        dep: Dep,
        node: &NodeName,
        containers: &[ContainerRef],
        limit: u32,
        blame: &Blame,
    ) {
        let now = self.now();
        for (index, container) in containers.iter().enumerate() {
            let done = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(2);
            let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) else {
                return;
            };
            let runs = machine
                .processes
                .iter()
                .any(|p| p.running && p.is == *container);
            let marked = machine.markers.iter().any(|(is, _)| is == container);
            if !runs || marked || limit <= done {
                continue;
            }
            machine.markers.push((container.clone(), now));
            if limit > done + 1 {
                self.deliver_signal(dep, node, &container.name, Some(blame));
            }
        }
    }

    /// One drain signal arrives, from us (`Some`) or from somebody else. The first one closes; a second one
    /// kills the media server with all its rooms and the agents, and is swallowed by ingress and egress.
    pub(crate) fn deliver_signal(
        &mut self,
        dep: Dep,
        node: &NodeName,
        container: &str,
        blame: Option<&Blame>,
    ) {
        let poll = self.config.timings.drain_poll;
        let Some(process) = self.process_mut(dep, node, container).filter(|p| p.running) else {
            return;
        };
        if !process.closing {
            process.closing = true;
            if let Some(blame) = blame.filter(|_| container == "openvidu") {
                self.count_closing(dep, node, blame);
            }
            self.put_node(dep, node, poll, NodeEvent::DrainPoll);
            return;
        }
        if let Some(blame) = blame {
            self.ledger.second_signals += 1;
            let words = format!("{}: second signal to {container} on {node}", blame.step);
            self.harm(dep, Harm::SecondSignal, words);
        }
        if !matches!(container, "ingress" | "egress") {
            self.break_service(
                dep,
                node,
                container,
                blame.map_or(Ending::Fault, Ending::By),
            );
            self.exits(dep, node, container);
        }
    }

    fn process_mut(&mut self, dep: Dep, node: &NodeName, container: &str) -> Option<&mut Process> {
        self.node_mut(dep, node)?
            .machine_mut()?
            .processes
            .iter_mut()
            .find(|p| p.is.name == container)
    }

    fn exits(&mut self, dep: Dep, node: &NodeName, container: &str) {
        let (revives, after) = (
            self.config.engine_revives,
            self.config.timings.engine_restart,
        );
        if let Some(process) = self.process_mut(dep, node, container) {
            process.running = false;
        }
        if container == "openvidu" {
            if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
                machine.joined = false;
            }
            // Empty rooms go with it; nobody is in them.
            self.break_service(dep, node, container, Ending::Fault);
        }
        if revives {
            self.put_node(dep, node, after, NodeEvent::Restart(container.to_owned()));
        }
    }

    fn drain_poll(&mut self, dep: Dep, node: &NodeName) {
        let deployment = self.deployment(dep);
        let Some(machine) = deployment.nodes.get(node).and_then(Node::machine) else {
            return;
        };
        let people = deployment.rooms_on(node).any(|r| r.participants > 0);
        let idle: Vec<_> = machine
            .processes
            .iter()
            .filter(|p| p.running && p.closing)
            .filter(|p| match p.is.name.as_str() {
                "egress" | "ingress" => !deployment
                    .jobs
                    .iter()
                    .any(|((_, job), at)| at == node && job.container() == p.is.name),
                _ => !people,
            })
            .map(|p| p.is.name.clone())
            .collect();
        for container in idle {
            self.exits(dep, node, &container);
        }
        if self
            .node(dep, node)
            .and_then(Node::machine)
            .is_some_and(crate::node::Machine::draining)
        {
            let poll = self.config.timings.drain_poll;
            self.put_node(dep, node, poll, NodeEvent::DrainPoll);
        }
    }

    /// Another start of a container that does not run: the same id, a new start, nothing left of the drain.
    pub(crate) fn restart_process(&mut self, dep: Dep, node: &NodeName, container: &str) {
        let alive = self
            .node(dep, node)
            .is_some_and(|n| n.is_up() && n.machine().is_some_and(|m| m.unit.active));
        let started_at = self.started_at();
        if let Some(process) = self
            .process_mut(dep, node, container)
            .filter(|p| alive && !p.running)
        {
            process.running = true;
            process.closing = false;
            process.is.started_at = started_at;
            if container == "openvidu" {
                self.soon_join(dep, node);
            }
        }
    }

    /// The services of every node start anew: what a changed configuration does.
    pub(crate) fn restart_everything(&mut self, dep: Dep, blame: &Blame) {
        self.break_all(dep, Ending::By(blame));
        let nodes: Vec<_> = self
            .deployment(dep)
            .nodes
            .values()
            .filter(|n| {
                n.is_up()
                    && n.machine()
                        .is_some_and(|m| m.unit.active && !m.processes.is_empty())
            })
            .map(|n| n.name.clone())
            .collect();
        for node in nodes {
            let started_at = self.started_at();
            if let Some(machine) = self.node_mut(dep, &node).and_then(Node::machine_mut) {
                machine.joined = false;
                for process in &mut machine.processes {
                    process.running = true;
                    process.closing = false;
                    process.is.started_at.clone_from(&started_at);
                }
            }
            self.soon_join(dep, &node);
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

    /// Takes our software (first effect) and our record (second) off a machine.
    pub(crate) fn uninstall(&mut self, dep: Dep, node: &NodeName, limit: u32, blame: &Blame) {
        self.stop_unit(dep, node, 2, blame);
        self.new_life(dep, node);
        let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) else {
            return;
        };
        if limit >= 1 {
            machine.installed = None;
            machine.job = None;
            machine.unit = UnitState::default();
        }
        if limit >= 2 {
            machine.owner = None;
            machine.failed = None;
            machine.markers.clear();
        }
    }

    /// The process of one container ends by itself; the container engine starts it again.
    pub(crate) fn crash(&mut self, dep: Dep, node: &NodeName, container: &str) {
        if self
            .process_mut(dep, node, container)
            .is_none_or(|p| !p.running)
        {
            return;
        }
        self.break_service(dep, node, container, Ending::Fault);
        if let Some(machine) = self.node_mut(dep, node).and_then(Node::machine_mut) {
            machine.stale_record = container == "openvidu";
            machine.joined &= container != "openvidu";
            for process in machine
                .processes
                .iter_mut()
                .filter(|p| p.is.name == container)
            {
                process.running = false;
            }
        }
        let after = self.config.timings.engine_restart;
        self.put_node(dep, node, after, NodeEvent::Restart(container.to_owned()));
    }

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
                machine.job = None;
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

    /// When a marker was made.
    pub(crate) fn marker(markers: &[(ContainerRef, Wall)], is: &ContainerRef) -> Option<Wall> {
        markers
            .iter()
            .find(|(made, _)| made == is)
            .map(|(_, at)| *at)
    }
}
