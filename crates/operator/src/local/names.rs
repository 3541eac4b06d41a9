//! Finding objects by the names that people type.

use std::borrow::Borrow;
use std::sync::Arc;

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::ObjectKey;

use crate::failure::Failure;
use crate::local::Local;

impl Local {
    /// The cluster of this name: `NAME`, or `NAMESPACE/NAME`.
    pub(super) fn find_cluster(&self, name: &str) -> Result<Arc<OpenViduCluster>, Failure> {
        let views = self.store().list_clusters().into_iter();
        let all: Vec<_> = views.map(|view| view.cluster).collect();
        find_cluster(&all, name, &self.place())
    }

    /// The node whose object has this name, with or without its namespace; or whose machine has it.
    pub(super) fn find_node(&self, name: &str) -> Result<Arc<OpenViduNode>, Failure> {
        find_node(&self.store().list_nodes(), name, &self.place())
    }

    fn place(&self) -> String {
        self.root().display().to_string()
    }
}

/// The cluster of this name among those that are in `place`: `NAME`, or `NAMESPACE/NAME`.
pub(crate) fn find_cluster<C>(all: &[C], name: &str, place: &str) -> Result<C, Failure>
where
    C: Borrow<OpenViduCluster> + Clone,
{
    let hit = |c: &&C| matches(&ObjectKey::of((*c).borrow()), name);
    let found = all.iter().filter(hit).cloned().collect();
    only("cluster", name, place, found, || {
        all.iter()
            .map(|c| ObjectKey::of(c.borrow()).to_string())
            .collect()
    })
}

/// The node whose object has this name, with or without its namespace; or whose machine has it.
pub(crate) fn find_node<N>(all: &[N], name: &str, place: &str) -> Result<N, Failure>
where
    N: Borrow<OpenViduNode> + Clone,
{
    let by = |hit: &dyn Fn(&OpenViduNode) -> bool| -> Vec<N> {
        all.iter().filter(|n| hit((*n).borrow())).cloned().collect()
    };
    let mut found = by(&|n| matches(&ObjectKey::of(n), name));
    if found.is_empty() {
        found = by(&|n| n.spec.machine == name);
    }
    only("node", name, place, found, || {
        all.iter()
            .map(|n| ObjectKey::of(n.borrow()).to_string())
            .collect()
    })
}

fn only<K>(
    kind: &'static str,
    name: &str,
    place: &str,
    mut found: Vec<K>,
    known: impl Fn() -> Vec<String>,
) -> Result<K, Failure> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Failure::Usage(format!(
            "there is more than one {kind} {name}: say which, as NAMESPACE/NAME, of {}",
            known().join(", ")
        ))),
        (None, _) => Err(Failure::Unknown {
            kind,
            name: name.to_owned(),
            place: place.to_owned(),
            known: known(),
        }),
    }
}

fn matches(key: &ObjectKey, name: &str) -> bool {
    name.split_once('/')
        .map_or(key.name == name, |(namespace, name)| {
            key.namespace == namespace && key.name == name
        })
}
