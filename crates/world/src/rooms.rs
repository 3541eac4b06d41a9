//! What becomes of rooms: where they go, who comes and goes, and how they end.

use ovo_api::act::Role;
use ovo_model::NodeName;

use crate::config::Placement;
use crate::deployment::Shape;
use crate::event::{Event, RoomEvent};
use crate::node::Node;
use crate::room::{Job, Room, RoomEnd, RoomId, RoomPlan};
use crate::world::{Dep, World};

/// How often a room without a node looks for one.
const RETRY: i64 = 5_000;

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
}
