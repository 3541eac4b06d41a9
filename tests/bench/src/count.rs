//! What was written, as the server tells it.

use std::collections::BTreeMap;

use ovo_kube::Audited;

use crate::bed::{Bed, NAMESPACE};

/// What the operator asked the server to change.
#[derive(Default)]
pub(crate) struct Writes {
    /// Of our own kinds and Secrets, in order, those that were done.
    pub(crate) done: Vec<Audited>,
    /// Of the same, those that were refused.
    pub(crate) refused: usize,
    /// Events, counted apart.
    pub(crate) events: usize,
}

impl Writes {
    /// What the operator wrote in its namespace so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) fn so_far(bed: &Bed) -> Result<Self, String> {
        let mut writes = Self::default();
        let ours = format!("system:serviceaccount:{NAMESPACE}:openvidu-operator");
        for line in bed.api.audit().map_err(|e| e.to_string())? {
            if line.user != ours {
                continue;
            }
            match line.group.as_str() {
                "events.k8s.io" => writes.events += 1,
                "openvidu.io" | "" if line.code < 300 => writes.done.push(line),
                "openvidu.io" | "" => writes.refused += 1,
                // The Lease.
                _ => {}
            }
        }
        Ok(writes)
    }

    /// How many are about this resource.
    pub(crate) fn of(&self, resource: &str) -> usize {
        self.done.iter().filter(|w| w.resource == resource).count()
    }

    /// How many of each kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for write in &self.done {
            let kind = format!("{} {}/{}", write.verb, write.resource, write.subresource);
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}
