//! What becomes of rooms: where they go, who comes and goes, and how they end.

use ovo_api::act::Role;
use ovo_model::NodeName;

use crate::config::Placement;
use crate::deployment::Shape;
use crate::event::{Event, RoomEvent};
use crate::ledger::{Blame, Harm};
use crate::node::Node;
use crate::room::{Job, Room, RoomEnd, RoomId, RoomPlan};
use crate::world::{Dep, World};

/// How often a room without a node looks for one.
const RETRY: i64 = 5_000;

/// Why something ends before its time.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    Fault,
    By(&'a Blame),
}

impl World {
    /// Announces a room and opens it if a node takes it; else it waits.
    pub(crate) fn open_room(&mut self, dep: Dep, id: RoomId, plan: RoomPlan) {
        let arrived = self.now();
        let deployment = self.dep_mut(dep);
        deployment.log.announce(id, arrived, plan.length);
        let room = Room {
            id,
            arrived,
            plan,
            node: None,
            master: None,
            placed: 0,
            participants: 0,
        };
        deployment.rooms.insert(id, room);
        if !self.place(dep, id) {
            self.dep_mut(dep).waiting.push_back(id);
            self.set_retry(dep);
        }
    }

    /// A room outside of the workload, on a named node whatever its state (`Some`), or where rooms go.
    pub(crate) fn scripted_room(
        &mut self,
        dep: Dep,
        node: Option<&NodeName>,
        plan: RoomPlan,
    ) -> RoomId {
        let deployment = self.dep_mut(dep);
        deployment.scripted += 1;
        let id = RoomId(RoomId::FIRST_SCRIPTED + deployment.scripted);
        match node {
            None => self.open_room(dep, id, plan),
            Some(node) => {
                let arrived = self.now();
                let deployment = self.dep_mut(dep);
                deployment.log.announce(id, arrived, plan.length);
                let room = Room {
                    id,
                    arrived,
                    plan,
                    node: None,
                    master: None,
                    placed: 0,
                    participants: 0,
                };
                deployment.rooms.insert(id, room);
                self.put_on(dep, id, node);
            }
        }
        id
    }

    fn set_retry(&mut self, dep: Dep) {
        if !self.deployment(dep).retry_set {
            self.dep_mut(dep).retry_set = true;
            self.put_after(RETRY, Event::Retry(dep));
        }
    }

    pub(crate) fn retry(&mut self, dep: Dep) {
        let (now, patience) = (self.now(), self.config.workload.patience);
        let deployment = self.dep_mut(dep);
        deployment.retry_set = false;
        for id in std::mem::take(&mut deployment.waiting) {
            let Some(room) = self.deployment(dep).rooms.get(&id) else {
                continue;
            };
            if now.since(room.arrived) > patience {
                let deployment = self.dep_mut(dep);
                deployment.rooms.remove(&id);
                deployment.log.ended(id, RoomEnd::GivenUp);
            } else if !self.place(dep, id) {
                self.dep_mut(dep).waiting.push_back(id);
            }
        }
        if !self.deployment(dep).waiting.is_empty() {
            self.set_retry(dep);
        }
    }

    fn place(&mut self, dep: Dep, id: RoomId) -> bool {
        let placement = self.config.workload.placement;
        let deployment = self.deployment(dep);
        if !deployment.masters_serve() {
            return false;
        }
        let chosen = match placement {
            Placement::LeastLoaded => deployment
                .open_nodes()
                .map(|n| {
                    (
                        deployment
                            .rooms_on(&n.name)
                            .map(|r| r.participants + 1)
                            .sum::<u32>(),
                        &n.name,
                    )
                })
                .min()
                .map(|(_, name)| name.clone()),
            Placement::Random => {
                let open: Vec<_> = deployment.open_nodes().map(|n| n.name.clone()).collect();
                let lot = self.dep_mut(dep).draw.index(open.len());
                open.get(lot).cloned()
            }
        };
        let Some(node) = chosen else { return false };
        self.put_on(dep, id, &node);
        true
    }

    fn put_on(&mut self, dep: Dep, id: RoomId, node: &NodeName) {
        self.placed += 1;
        let (placed, now) = (self.placed, self.now());
        let (deployment, queue) = self.split(dep);
        let masters: Vec<_> = deployment
            .nodes_in(Role::Master)
            .filter(|m| m.is_up() && deployment.master_runs(m))
            .map(|m| m.name.clone())
            .collect();
        let lot = deployment.draw.index(masters.len());
        deployment.log.placed(id, node);
        let Some(room) = deployment.rooms.get_mut(&id) else {
            return;
        };
        room.node = Some(node.clone());
        room.master = masters.get(lot).cloned();
        room.placed = placed;
        room.participants = 1;
        let mut put = |after, what| {
            queue.put(ovo_model::Wall(now.0 + after), Event::Room(dep, id, what));
        };
        for &(joins, leaves) in &room.plan.people {
            put(joins, RoomEvent::Joins);
            put(leaves, RoomEvent::Leaves);
        }
        for &(job, starts, ends) in &room.plan.jobs {
            put(starts, RoomEvent::JobStarts(job));
            put(ends, RoomEvent::JobEnds(job));
        }
        put(room.plan.length, RoomEvent::Over);
    }

    pub(crate) fn room_event(&mut self, dep: Dep, id: RoomId, what: RoomEvent) {
        match what {
            RoomEvent::Joins => {
                if let Some(room) = self.dep_mut(dep).rooms.get_mut(&id) {
                    room.participants += u32::from(room.participants > 0);
                }
            }
            RoomEvent::Leaves => {
                if let Some(room) = self.dep_mut(dep).rooms.get_mut(&id) {
                    // The first person stays to the end.
                    room.participants = if room.participants > 1 {
                        room.participants - 1
                    } else {
                        room.participants
                    };
                }
            }
            RoomEvent::Over => self.end_room(dep, id),
            RoomEvent::Gone => {
                self.dep_mut(dep).rooms.remove(&id);
            }
            RoomEvent::JobStarts(job) => self.start_job(dep, id, job),
            RoomEvent::JobEnds(job) => {
                self.dep_mut(dep).jobs.remove(&(id, job));
            }
        }
    }

    /// Everybody goes home; the empty room lingers.
    pub(crate) fn end_room(&mut self, dep: Dep, id: RoomId) {
        let lingers = self.config.workload.lingers;
        let deployment = self.dep_mut(dep);
        let Some(room) = deployment.rooms.get_mut(&id) else {
            return;
        };
        room.participants = 0;
        deployment.log.ended(id, RoomEnd::Natural);
        self.put_after(lingers, Event::Room(dep, id, RoomEvent::Gone));
    }

    fn start_job(&mut self, dep: Dep, id: RoomId, job: Job) {
        let deployment = self.dep_mut(dep);
        let Some(room) = deployment.rooms.get(&id).filter(|r| r.participants > 0) else {
            return;
        };
        let at = match deployment.shape {
            Shape::Groups if job == Job::Ingress => return,
            Shape::Groups => room.node.clone(),
            // LiveKit gives a job to any worker that takes it, not to the room's own node.
            Shape::Machines => {
                let takers: Vec<_> = deployment
                    .nodes
                    .values()
                    .filter(|n: &&Node| n.takes(job.container()))
                    .map(|n| n.name.clone())
                    .collect();
                let lot = deployment.draw.index(takers.len());
                takers.get(lot).cloned()
            }
        };
        if let Some(at) = at {
            deployment.jobs.insert((id, job), at);
        }
    }

    /// Ends one room before its time.
    pub(crate) fn break_room(&mut self, dep: Dep, id: RoomId, ending: Ending<'_>) {
        let deployment = self.dep_mut(dep);
        let Some(room) = deployment.rooms.remove(&id) else {
            return;
        };
        if room.participants == 0 {
            // A recording of a room that is over still writes its end.
            return;
        }
        for job in Job::ALL {
            deployment.jobs.remove(&(id, job));
        }
        match ending {
            Ending::Fault => {
                deployment.log.ended(id, RoomEnd::Fault);
                self.ledger.faults += 1;
            }
            Ending::By(blame) => {
                deployment.log.ended(
                    id,
                    RoomEnd::Cut {
                        by: blame.step.clone(),
                    },
                );
                if blame.allowed {
                    self.ledger.cut_as_allowed += 1;
                } else {
                    self.ledger.conversations_cut += 1;
                    let at = room.node.as_ref().map_or("nowhere", |n| &*n.0);
                    let words = format!(
                        "{}: {id} with {} people on {at} was cut",
                        blame.step, room.participants
                    );
                    self.harm(dep, Harm::Cut, words);
                }
            }
        }
    }

    /// Ends what runs in the given services of a node: rooms for `openvidu`, jobs for theirs.
    pub(crate) fn break_service(
        &mut self,
        dep: Dep,
        node: &NodeName,
        container: &str,
        ending: Ending<'_>,
    ) {
        if container == "openvidu" {
            let rooms: Vec<_> = self.deployment(dep).rooms_on(node).map(|r| r.id).collect();
            for room in rooms {
                self.break_room(dep, room, ending);
            }
            return;
        }
        let jobs: Vec<_> = self
            .deployment(dep)
            .jobs
            .iter()
            .filter(|((_, job), at)| *at == node && job.container() == container)
            .map(|(key, _)| *key)
            .collect();
        for key in jobs {
            self.dep_mut(dep).jobs.remove(&key);
            if let Ending::By(blame) = ending {
                if blame.allowed {
                    self.ledger.cut_as_allowed += 1;
                } else {
                    self.ledger.jobs_cut += 1;
                    let words =
                        format!("{}: {:?} of {} on {node} was cut", blame.step, key.1, key.0);
                    self.harm(dep, Harm::JobCut, words);
                }
            }
        }
    }

    /// Ends everything that runs on a node, whatever runs it.
    pub(crate) fn break_node(&mut self, dep: Dep, node: &NodeName, ending: Ending<'_>) {
        for container in ["openvidu", "egress", "ingress"] {
            self.break_service(dep, node, container, ending);
        }
        let owned: Vec<_> = self
            .deployment(dep)
            .rooms
            .values()
            .filter(|r| r.master.as_ref() == Some(node))
            .map(|r| r.id)
            .collect();
        // A master of OpenVidu 2 owns its sessions; in OpenVidu 3 clients take another way in when one fails,
        // which is no excuse for our stopping it.
        if self.deployment(dep).shape == Shape::Groups || matches!(ending, Ending::By(_)) {
            for room in owned {
                self.break_room(dep, room, ending);
            }
        }
    }

    /// Ends everything that runs in a deployment.
    pub(crate) fn break_all(&mut self, dep: Dep, ending: Ending<'_>) {
        let nodes: Vec<_> = self.deployment(dep).nodes.keys().cloned().collect();
        for node in nodes {
            self.break_node(dep, &node, ending);
        }
    }
}
