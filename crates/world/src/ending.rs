//! Rooms and recordings that end before their time, and whose doing it was.

use ovo_model::NodeName;

use crate::deployment::Shape;
use crate::ledger::{Blame, Harm};
use crate::room::{Job, RoomEnd, RoomId};
use crate::world::{Dep, World};

/// Why something ends before its time.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    Fault,
    By(&'a Blame),
}

impl World {
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
