//! OpenVidu 2's masters, which act by themselves.
//!
//! Their program (the replication manager) is closed. Modelled is what its documentation, its rights and the
//! tags it writes allow to infer: every minute or less they compare the group's desired capacity with the nodes
//! that run, quarantine what is too much, turn quarantined nodes back before new ones are launched, and lift
//! the protection of quarantined nodes on which nothing runs any more.

use ovo_api::act::Role;
use ovo_model::{NodeName, ResourceId};

use crate::event::Event;
use crate::ledger::{Blame, Harm};
use crate::node::{Node, Phase, Tag};
use crate::world::{Dep, World};

impl World {
    /// How many masters' services run.
    pub(crate) fn masters_up(&self, dep: Dep) -> usize {
        let deployment = self.deployment(dep);
        deployment
            .nodes_in(Role::Master)
            .filter(|m| m.is_up() && deployment.master_runs(m))
            .count()
    }

    /// Whether an act of ours took the masters below what they need, while conversations could hang on them.
    pub(crate) fn watch_quorum(&mut self, dep: Dep, before: usize, blame: &Blame) {
        let deployment = self.deployment(dep);
        let all = deployment.nodes_in(Role::Master).count();
        let needed = match deployment.shape {
            crate::deployment::Shape::Machines => all / 2 + 1,
            crate::deployment::Shape::Groups => 1,
        };
        let after = self.masters_up(dep);
        let used = deployment.nodes.values().any(Node::counts);
        if after < before && after < needed && used && !blame.allowed {
            self.harm(
                dep,
                Harm::BelowQuorum,
                format!("{}: {after} masters left, {needed} needed", blame.step),
            );
        }
    }

    pub(crate) fn masters_tick(&mut self, dep: Dep) {
        let manner = self.config.masters.clone();
        let deployment = self.dep_mut(dep);
        let late = if deployment.draw.chance(manner.late_permille) {
            manner.late
        } else {
            0
        };
        if deployment.ticking {
            self.put_after(manner.tick + late, Event::MastersTick(dep));
        }
        if self.deployment(dep).masters_serve() {
            let media = ResourceId::new("Group", "media");
            self.register(dep);
            self.balance(dep, &media);
            self.release_idle(dep);
        }
    }

    /// New instances become nodes that take sessions; those whose launch was called off never do.
    fn register(&mut self, dep: Dep) {
        for node in self
            .dep_mut(dep)
            .nodes
            .values_mut()
            .filter(|n| n.role == Role::Media)
        {
            if let Some(instance) = node.instance_mut().filter(|i| {
                i.tag == Tag::Launching
                    && i.up
                    && matches!(i.phase, Phase::LaunchHook | Phase::InService)
            }) {
                instance.tag = Tag::Running;
            }
        }
    }

    fn balance(&mut self, dep: Dep, group: &ResourceId) {
        let Some(thing) = self.deployment(dep).things.get(group) else {
            return;
        };
        let desired = usize::try_from(thing.number("desired")).unwrap_or(0);
        let blame = thing.shrunk.clone();
        let deployment = self.deployment(dep);
        let of_tag = |tags: &[Tag]| -> Vec<(u32, NodeName)> {
            deployment
                .nodes
                .values()
                .filter_map(|n| n.instance().map(|i| (n, i)))
                .filter(|(_, i)| {
                    i.group == *group && i.phase != Phase::Terminating && tags.contains(&i.tag)
                })
                .map(|(n, _)| {
                    (
                        deployment.rooms_on(&n.name).map(|r| r.participants).sum(),
                        n.name.clone(),
                    )
                })
                .collect()
        };
        let (launching, mut running) = (of_tag(&[Tag::Launching]), of_tag(&[Tag::Running]));
        let serving = launching.len() + running.len();
        if serving > desired {
            // Documented order: call off launches first, then close the least loaded.
            running.sort();
            let mut victims: Vec<_> = launching.into_iter().map(|(_, n)| n).collect();
            let manner = self.config.masters.odd_victim_permille;
            let draw = &mut self.dep_mut(dep).draw;
            if draw.chance(manner) && !running.is_empty() {
                let lot = draw.index(running.len());
                running.rotate_left(lot);
            }
            victims.extend(running.into_iter().map(|(_, n)| n));
            for node in victims.into_iter().take(serving - desired) {
                self.quarantine(dep, &node, blame.as_ref());
            }
        } else if serving < desired {
            let mut back = of_tag(&[Tag::Quarantined]);
            back.extend(of_tag(&[Tag::Canceled]));
            for (_, node) in back.into_iter().take(desired - serving) {
                self.turn_back(dep, &node);
            }
        }
    }

    fn quarantine(&mut self, dep: Dep, node: &NodeName, blame: Option<&Blame>) {
        let Some(instance) = self.node_mut(dep, node).and_then(Node::instance_mut) else {
            return;
        };
        instance.tag = if instance.tag == Tag::Launching {
            Tag::Canceled
        } else {
            Tag::Quarantined
        };
        instance.blame = blame.cloned();
        if let Some(blame) = blame {
            self.count_closing(dep, node, blame);
        }
    }

    /// A closed node takes new sessions again, and is protected again.
    pub(crate) fn turn_back(&mut self, dep: Dep, node: &NodeName) {
        let Some(instance) = self.node_mut(dep, node).and_then(Node::instance_mut) else {
            return;
        };
        instance.tag = if instance.up {
            Tag::Running
        } else {
            Tag::Launching
        };
        instance.protected = instance.phase == Phase::InService;
        instance.blame = None;
    }

    /// Lifts the protection of closed nodes on which nothing runs.
    fn release_idle(&mut self, dep: Dep) {
        let deployment = self.deployment(dep);
        let idle: Vec<_> = deployment
            .nodes
            .values()
            .filter(|n| {
                n.instance().is_some_and(|i| {
                    i.protected && matches!(i.tag, Tag::Quarantined | Tag::Canceled)
                }) && !deployment.is_busy(&n.name)
            })
            .map(|n| n.name.clone())
            .collect();
        for node in idle {
            if let Some(instance) = self.node_mut(dep, &node).and_then(Node::instance_mut) {
                instance.protected = false;
            }
        }
    }
}
