//! Groups of instances, as AWS Auto Scaling keeps them: fewer than desired are launched, more are ended if they
//! are not protected, sick ones are replaced whether they are protected or not.

use ovo_api::act::Role;
use ovo_model::{NodeName, Outcome, ProviderError, ResourceId, Scalar};

use crate::ending::Ending;
use crate::event::{Event, NodeEvent};
use crate::execute::{Done, invalid};
use crate::ledger::{Blame, Harm};
use crate::node::{Body, Instance, Node, Phase, Power, Tag};
use crate::world::{Dep, World};

impl World {
    pub(crate) fn begin_ticks(&mut self, dep: Dep) {
        if !self.deployment(dep).ticking {
            self.dep_mut(dep).ticking = true;
            let (group, masters) = (self.config.timings.group_tick, self.config.masters.tick);
            self.put_after(group, Event::GroupsTick(dep));
            self.put_after(masters, Event::MastersTick(dep));
        }
    }

    pub(crate) fn groups_tick(&mut self, dep: Dep) {
        let groups: Vec<_> = self
            .deployment(dep)
            .things
            .keys()
            .filter(|id| id.kind == "Group")
            .cloned()
            .collect();
        if groups.is_empty() {
            self.dep_mut(dep).ticking = false;
            return;
        }
        let tick = self.config.timings.group_tick;
        self.put_after(tick, Event::GroupsTick(dep));
        for group in groups {
            self.replace_sick(dep, &group);
            self.meet_desired(dep, &group);
        }
    }

    /// Members of a group that are not on their way out.
    pub(crate) fn members<'a>(
        &'a self,
        dep: Dep,
        group: &'a ResourceId,
    ) -> impl Iterator<Item = (&'a Node, &'a Instance)> {
        self.deployment(dep)
            .nodes
            .values()
            .filter_map(|n| n.instance().map(|i| (n, i)))
            .filter(move |(_, i)| i.group == *group && i.phase != Phase::Terminating)
    }

    fn replace_sick(&mut self, dep: Dep, group: &ResourceId) {
        let (now, patience) = (self.now(), self.config.timings.unhealthy_after);
        let sick: Vec<_> = self
            .members(dep, group)
            .filter(|(n, i)| !n.is_up() || i.sick.is_some())
            .filter(|(_, i)| i.sick.is_none_or(|since| now.since(since) >= patience))
            .map(|(n, _)| n.name.clone())
            .collect();
        for node in sick {
            self.end_member(dep, &node, None);
        }
    }

    fn meet_desired(&mut self, dep: Dep, group: &ResourceId) {
        let Some(thing) = self.deployment(dep).things.get(group) else {
            return;
        };
        let desired = usize::try_from(thing.number("desired")).unwrap_or(0);
        let shrunk = thing.shrunk.clone();
        let actual = self.members(dep, group).count();
        let fails = self.config.launch_fails_permille;
        for _ in actual..desired {
            if !self.dep_mut(dep).draw.chance(fails) {
                self.launch(dep, group);
            }
        }
        let too_many: Vec<_> = self
            .members(dep, group)
            .filter(|(_, i)| !i.protected)
            .map(|(n, i)| (i.phase, n.name.clone(), i.blame.clone()))
            .take(actual.saturating_sub(desired))
            .collect();
        for (_, node, blame) in too_many {
            self.end_member(dep, &node, blame.or_else(|| shrunk.clone()).as_ref());
        }
    }

    fn launch(&mut self, dep: Dep, group: &ResourceId) {
        let now = self.now();
        let (launch, boot) = (self.config.timings.launch, self.config.timings.boot);
        let deployment = self.dep_mut(dep);
        deployment.launches += 1;
        let number = deployment.launches;
        let role = if group.name == "masters" {
            Role::Master
        } else {
            Role::Media
        };
        let name: NodeName = format!("i-{:013x}{number:04x}", deployment.draw.below(1 << 52))
            .as_str()
            .into();
        let length = deployment.draw.within(launch);
        let booted = length + deployment.draw.within(boot);
        let instance = Instance {
            group: group.clone(),
            phase: Phase::Pending,
            protected: false,
            tag: Tag::Launching,
            launched: now,
            in_service: None,
            sick: None,
            up: false,
            blame: None,
        };
        let node = Node {
            name: name.clone(),
            role,
            address: format!("10.0.{}.{}", number / 250 % 250, number % 250 + 1).into(),
            zone: Some(if number.is_multiple_of(2) { "a" } else { "b" }.into()),
            power: Power::On,
            boots: 1,
            life: 0,
            body: Body::Instance(instance),
        };
        deployment.nodes.insert(name.clone(), node);
        self.put_node(dep, &name, length, NodeEvent::Launched);
        if role == Role::Master {
            self.put_node(dep, &name, booted, NodeEvent::Registered);
        }
        self.count_nodes(dep, &format!("launch {name}"));
        let (desired, members) = (
            self.deployment(dep)
                .things
                .get(group)
                .map_or(0, |t| t.number("desired")),
            self.members(dep, group).count(),
        );
        if i64::try_from(members).unwrap_or(i64::MAX) > desired {
            self.harm(
                dep,
                Harm::Duplicate,
                format!("{group}: {members} members, {desired} desired"),
            );
        }
    }

    pub(crate) fn member_event(&mut self, dep: Dep, node: &NodeName, what: &NodeEvent) {
        let Some(found) = self.node(dep, node) else {
            return;
        };
        let role = found.role;
        let Some(group) = found.instance().map(|i| i.group.clone()) else {
            return;
        };
        match what {
            NodeEvent::Launched if role == Role::Media => {
                let (hook, register) = (
                    self.config.timings.launch_hook,
                    self.config.timings.register,
                );
                self.with_member(dep, node, |i| {
                    i.phase = Phase::LaunchHook;
                    i.up = true;
                });
                let soon = self.dep_mut(dep).draw.within(register);
                self.put_node(dep, node, soon, NodeEvent::Registered);
                self.put_node(dep, node, hook, NodeEvent::InService);
            }
            NodeEvent::Launched | NodeEvent::InService => {
                let now = self.now();
                let protects = self
                    .deployment(dep)
                    .things
                    .get(&group)
                    .and_then(|t| t.properties.get("newInstancesProtected"))
                    == Some(&Scalar::Bool(true));
                self.with_member(dep, node, |i| {
                    i.phase = Phase::InService;
                    i.protected = protects;
                    i.in_service = Some(now);
                });
            }
            NodeEvent::Registered if role == Role::Master => {
                self.with_member(dep, node, |i| i.up = true);
            }
            NodeEvent::Registered => {
                // Without a master nobody registers it; their next look does.
                if self.deployment(dep).masters_serve() {
                    self.with_member(dep, node, |i| {
                        if i.tag == Tag::Launching {
                            i.tag = Tag::Running;
                        }
                    });
                }
            }
            _ => {
                self.dep_mut(dep).nodes.remove(node);
            }
        }
    }

    fn with_member(&mut self, dep: Dep, node: &NodeName, change: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self
            .node_mut(dep, node)
            .and_then(Node::instance_mut)
            .filter(|i| i.phase != Phase::Terminating)
        {
            change(instance);
        }
    }

    /// Ends a member: for our sake (`Some`), or because it is sick or somebody else wants it.
    pub(crate) fn end_member(&mut self, dep: Dep, node: &NodeName, blame: Option<&Blame>) {
        let Some(found) = self.node(dep, node) else {
            return;
        };
        if found
            .instance()
            .is_none_or(|i| i.phase == Phase::Terminating)
        {
            return;
        }
        let role = found.role;
        let masters = self.masters_up(dep);
        self.break_node(dep, node, blame.map_or(Ending::Fault, Ending::By));
        self.new_life(dep, node);
        self.with_member(dep, node, |i| {
            i.phase = Phase::Terminating;
            i.tag = Tag::Terminating;
            i.up = false;
        });
        let hook = self.config.timings.terminate_hook;
        self.put_node(dep, node, hook, NodeEvent::Ended);
        if let Some(blame) = blame {
            self.ledger.nodes_ended += u64::from(role == Role::Media);
            self.watch_quorum(dep, masters, blame);
        }
    }

    /// `SetDesiredCapacity`.
    pub(crate) fn set_capacity(
        &mut self,
        dep: Dep,
        group: &ResourceId,
        from: i64,
        to: i64,
        blame: &Blame,
    ) -> Done {
        let Some(thing) = self.dep_mut(dep).things.get_mut(group) else {
            return Err(ProviderError::NotFound(group.to_string()));
        };
        let (now, min, max) = (
            thing.number("desired"),
            thing.number("min"),
            thing.number("max"),
        );
        if now == to {
            return Ok(Outcome::Done);
        }
        if now != from {
            return Err(ProviderError::Conflict(format!(
                "{group}: desired is {now}, not {from}"
            )));
        }
        if to < min || to > max {
            return Err(invalid(
                "desired",
                &format!("{to} is not between min, which is {min}, and max, which is {max}"),
            ));
        }
        thing
            .properties
            .insert("desired".to_owned(), Scalar::Int(to));
        thing.shrunk = (to < from).then(|| blame.clone());
        Ok(Outcome::Done)
    }

    /// `SetInstanceProtection`.
    pub(crate) fn set_protection(
        &mut self,
        dep: Dep,
        nodes: &[NodeName],
        protected: bool,
        blame: &Blame,
    ) -> Done {
        for node in nodes {
            match self
                .node(dep, node)
                .and_then(Node::instance)
                .map(|i| i.phase)
            {
                None => return Err(ProviderError::NotFound(node.to_string())),
                Some(Phase::InService) => {}
                Some(phase) => return Err(ProviderError::Conflict(format!("{node} is {phase:?}"))),
            }
        }
        for node in nodes {
            self.with_member(dep, node, |i| {
                i.protected = protected;
                i.blame = (!protected).then(|| blame.clone());
            });
        }
        Ok(Outcome::Done)
    }

    /// `TerminateInstanceInAutoScalingGroup`. One that ends or has ended already is left alone.
    pub(crate) fn terminate(&mut self, dep: Dep, node: &NodeName, decrement: bool, blame: &Blame) {
        let Some(instance) = self.node(dep, node).and_then(Node::instance) else {
            return;
        };
        if instance.phase == Phase::Terminating {
            return;
        }
        let group = instance.group.clone();
        if decrement && let Some(thing) = self.dep_mut(dep).things.get_mut(&group) {
            let desired = thing.number("desired");
            let lowered = Scalar::Int((desired - 1).max(0));
            thing.properties.insert("desired".to_owned(), lowered);
        }
        self.end_member(dep, node, Some(blame));
    }
}
