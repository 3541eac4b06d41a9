//! Rules for `OpenViduNode`: people annotate or delete it, the operator writes the rest.

use schemars::Schema;

use super::{CelRule, attach, text};

/// Rules for the spec of a node.
pub(crate) fn node_spec(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        "",
        "self == oldSelf",
        "a node's spec is written once, by the operator: annotate the node with openvidu.io/drain, openvidu.io/force or openvidu.io/protect, or delete it to have it drained and replaced",
    )];
    attach(schema, RULES);
}

/// Rules for the whole object.
pub(crate) fn node_object(schema: &mut Schema) {
    const RULES: &[CelRule] = &[text(
        ".spec",
        "self.metadata.name == self.spec.cluster + '-' + self.spec.machine",
        "a node is named after its cluster and machine, <cluster>-<machine>, and is written by the operator: people do not create nodes",
    )];
    attach(schema, RULES);
}
