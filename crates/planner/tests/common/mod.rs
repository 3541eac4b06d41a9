//! What the planner's tests share.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use ovo_api::OpenViduNode;
use ovo_model::{NodeWrite, Plan, Snapshot};

/// The snapshot after everything that the plan writes to the store was written.
pub(crate) fn apply_writes(mut snapshot: Snapshot, plan: &Plan) -> Snapshot {
    let mut cluster = (*snapshot.cluster).clone();
    cluster.status = Some((*plan.status).clone());
    let name = cluster.metadata.name.clone().unwrap();
    snapshot.cluster = Arc::new(cluster);
    for write in &plan.nodes {
        match write {
            NodeWrite::Create { node, spec, status } => {
                let mut object = OpenViduNode::new(&format!("{name}-{node}"), spec.clone());
                object.status = Some((**status).clone());
                snapshot.nodes.insert(node.clone(), Arc::new(object));
            }
            NodeWrite::Status { node, status } => {
                let mut object = (*snapshot.nodes[node]).clone();
                object.status = Some((**status).clone());
                snapshot.nodes.insert(node.clone(), Arc::new(object));
            }
            NodeWrite::Remove { node } => {
                snapshot.nodes.remove(node);
            }
        }
    }
    snapshot
}

/// The ids of the planned steps.
pub(crate) fn step_ids(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|s| s.id.to_string()).collect()
}
