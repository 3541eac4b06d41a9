//! Finding objects by the names that people type.

use std::sync::Arc;

use ovo_api::{OpenViduCluster, OpenViduNode};
use ovo_store::ObjectKey;

use crate::failure::Failure;
use crate::local::Local;

impl Local {
    /// The cluster of this name: `NAME`, or `NAMESPACE/NAME`.
    pub(super) fn find_cluster(&self, name: &str) -> Result<Arc<OpenViduCluster>, Failure> {
        let all: Vec<_> = self
            .store()
            .list_clusters()
            .into_iter()
            .map(|view| view.cluster)
            .collect();
        let found = all
            .iter()
            .filter(|c| matches(&ObjectKey::of(&***c), name))
            .cloned()
            .collect();
        let known = || {
            all.iter()
                .map(|c| ObjectKey::of(&**c).to_string())
                .collect()
        };
        self.only("cluster", name, found, known)
    }

    /// The node whose object has this name, with or without its namespace; or whose machine has it.
    pub(super) fn find_node(&self, name: &str) -> Result<Arc<OpenViduNode>, Failure> {
        let all = self.store().list_nodes();
        let by = |hit: &dyn Fn(&OpenViduNode) -> bool| -> Vec<_> {
            all.iter().filter(|n| hit(n)).cloned().collect()
        };
        let mut found = by(&|n| matches(&ObjectKey::of(n), name));
        if found.is_empty() {
            found = by(&|n| n.spec.machine == name);
        }
        self.only("node", name, found, || {
            all.iter()
                .map(|n| ObjectKey::of(&**n).to_string())
                .collect()
        })
    }

    fn only<K>(
        &self,
        kind: &'static str,
        name: &str,
        mut found: Vec<Arc<K>>,
        known: impl Fn() -> Vec<String>,
    ) -> Result<Arc<K>, Failure> {
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(Failure::Usage(format!(
                "there is more than one {kind} {name}: say which, as NAMESPACE/NAME, of {}",
                known().join(", ")
            ))),
            (None, _) => Err(Failure::Unknown {
                kind,
                name: name.to_owned(),
                dir: self.root(),
                known: known(),
            }),
        }
    }
}

fn matches(key: &ObjectKey, name: &str) -> bool {
    name.split_once('/')
        .map_or(key.name == name, |(namespace, name)| {
            key.namespace == namespace && key.name == name
        })
}
