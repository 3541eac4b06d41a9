//! Containers of a v3 media node: drain signals, exits and new starts.

use ovo_model::{ContainerRef, NodeName, Wall};

use crate::ending::Ending;
use crate::event::NodeEvent;
use crate::ledger::{Blame, Harm};
use crate::node::{Node, Process};
use crate::world::{Dep, World};

impl World {
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

    pub(crate) fn drain_poll(&mut self, dep: Dep, node: &NodeName) {
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

    /// When a marker was made.
    pub(crate) fn marker(markers: &[(ContainerRef, Wall)], is: &ContainerRef) -> Option<Wall> {
        markers
            .iter()
            .find(|(made, _)| made == is)
            .map(|(_, at)| *at)
    }
}
