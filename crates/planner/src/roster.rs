//! All nodes of a snapshot, put together from what speaks of them.
//!
//! A cluster has up to a thousand nodes, and each is spoken of in five places. All of those are in the order of names, or
//! are put into it once, and then read side by side: no name is looked for.

use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

use ovo_api::act::Role;
use ovo_model::{NodeName, ObservedNode, Ownership};

use crate::view::{Found, MACHINE, NodeView, View};

/// The nodes, in the order of their names.
#[derive(Default)]
pub(crate) struct Roster<'a>(Vec<NodeView<'a>>);

impl<'a> Roster<'a> {
    /// Of all that is observed, on record or declared. Whether a node that nobody saw is known not to be there is for
    /// the view to say.
    pub(crate) fn of(view: &View<'a>) -> Self {
        let mut nodes: Vec<_> = view.snap.observed_nodes().map(seen).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        // Seen twice, the later word counts.
        nodes.dedup_by(|later, earlier| {
            let same = later.name == earlier.name;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        let recorded = view.snap.nodes.iter();
        add(
            &mut nodes,
            recorded.map(|(name, record)| (&*name.0, name.clone(), record.spec.role)),
        );
        let mut listed: Vec<_> = view
            .declared
            .iter()
            .filter(|d| d.is_machine())
            .map(|d| d.resource)
            .map(|r| (r.id.name.as_str(), r.role.unwrap_or(Role::Media)))
            .collect();
        listed.sort_unstable();
        add(
            &mut nodes,
            listed
                .iter()
                .map(|&(name, role)| (name, NodeName::from(name), role)),
        );

        let mut records = Beside::of(&view.snap.nodes);
        let mut readings = Beside::of(&view.snap.readings);
        let mut machines = machines(view).peekable();
        let mut listed = listed.into_iter().peekable();
        for (place, node) in nodes.iter_mut().enumerate() {
            let name = &*node.name.0;
            node.place = place;
            node.cluster_goes = view.deleting();
            node.record = records.at(&node.name).map(|record| &**record);
            node.readings = readings.at(&node.name);
            while machines.next_if(|f| *f.resource.id.name < *name).is_some() {}
            node.machine = machines
                .next_if(|f| *f.resource.id.name == *name)
                .map(|f| f.resource)
                .filter(|r| r.ownership == Ownership::Ours);
            while let Some((_, role)) = listed.next_if(|&(listed, _)| *listed == *name) {
                node.listed = true;
                node.role = role;
            }
        }
        Self(nodes)
    }

    pub(crate) fn values(&self) -> std::slice::Iter<'_, NodeView<'a>> {
        self.0.iter()
    }

    pub(crate) fn values_mut(&mut self) -> std::slice::IterMut<'_, NodeView<'a>> {
        self.0.iter_mut()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&NodeView<'a>> {
        let place = self.0.binary_search_by(|n| (*n.name.0).cmp(name)).ok()?;
        self.0.get(place)
    }
}

/// What is there of each machine that is declared, under its place among the declared resources.
pub(crate) fn machines_found<'a>(view: &View<'a>) -> Vec<Option<Found<'a>>> {
    let desired = &view.snap.desired;
    let mut places: Vec<_> = (desired.iter().enumerate())
        .filter(|(_, r)| r.id.kind == MACHINE)
        .map(|(place, r)| (r.id.name.as_str(), place))
        .collect();
    places.sort_unstable();
    let mut machines = machines(view).peekable();
    let mut found = vec![None; desired.len()];
    for (name, place) in places {
        while machines.next_if(|f| *f.resource.id.name < *name).is_some() {}
        if let Some(slot) = found.get_mut(place) {
            *slot = machines
                .peek()
                .filter(|f| *f.resource.id.name == *name)
                .copied();
        }
    }
    found
}

/// The machines that are there, whoever's, by name.
fn machines<'a>(view: &View<'a>) -> impl Iterator<Item = Found<'a>> {
    let found = view.resources.values().copied();
    found.filter(|f| f.resource.id.kind == MACHINE)
}

fn seen(node: &ObservedNode) -> NodeView<'_> {
    NodeView {
        observed: Some(node),
        listed: node.group.is_some(),
        known: true,
        ..blank(node.name.clone(), node.role)
    }
}

fn blank<'a>(name: NodeName, role: Role) -> NodeView<'a> {
    NodeView {
        name,
        place: 0,
        role,
        listed: false,
        cluster_goes: false,
        known: false,
        record: None,
        observed: None,
        machine: None,
        readings: None,
    }
}

/// Adds those that are not there yet. Both are in order, and so is the result.
fn add<'n>(nodes: &mut Vec<NodeView<'_>>, others: impl Iterator<Item = (&'n str, NodeName, Role)>) {
    let mut missing: Vec<NodeView<'_>> = Vec::new();
    let mut there = nodes.iter().peekable();
    for (name, owned, role) in others {
        while there.next_if(|n| *n.name.0 < *name).is_some() {}
        let known = there.peek().is_some_and(|n| *n.name.0 == *name);
        if !known && missing.last().is_none_or(|m| m.name != owned) {
            missing.push(blank(owned, role));
        }
    }
    if !missing.is_empty() {
        nodes.append(&mut missing);
        // Two runs that are in order: merged in one pass.
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// A map that is read side by side with another one of the same order.
struct Beside<'a, V>(Peekable<btree_map::Iter<'a, NodeName, V>>);

impl<'a, V> Beside<'a, V> {
    fn of(map: &'a BTreeMap<NodeName, V>) -> Self {
        Self(map.iter().peekable())
    }

    /// The value under this name, if there is one. Names are asked for in order.
    fn at(&mut self, name: &NodeName) -> Option<&'a V> {
        while self.0.next_if(|(key, _)| *key < name).is_some() {}
        self.0
            .next_if(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}
