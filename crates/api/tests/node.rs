//! `OpenViduNode`: what its own schema refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use ovo_api::act::Role;
use ovo_api::validate::validate_node;
use ovo_api::{OpenViduNode, OpenViduNodeSpec, annotations};

fn node(name: &str, machine: &str) -> OpenViduNode {
    let spec = OpenViduNodeSpec {
        cluster: "video".to_owned(),
        role: Role::Media,
        machine: machine.to_owned(),
    };
    OpenViduNode::new(name, spec)
}

fn refusals(new: &OpenViduNode, old: Option<&OpenViduNode>) -> Vec<String> {
    validate_node(new, old)
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn people_annotate_a_node() {
    let old = node("video-w1", "w1");
    let mut new = old.clone();
    new.metadata.annotations =
        Some([(annotations::DRAIN.to_owned(), "maintenance".to_owned())].into());
    assert_eq!(refusals(&new, Some(&old)), [""; 0]);
}

#[test]
fn nobody_changes_what_a_node_is() {
    let old = node("video-w1", "w1");
    let mut new = old.clone();
    new.spec.role = Role::Master;
    assert_eq!(
        refusals(&new, Some(&old)),
        [
            "spec: a node's spec is written once, by the operator: annotate the node with openvidu.io/drain, openvidu.io/force or openvidu.io/protect, or delete it to have it drained and replaced"
        ]
    );
}

#[test]
fn a_node_is_named_after_its_cluster_and_machine() {
    assert_eq!(refusals(&node("video-i-0abc", "i-0abc"), None), [""; 0]);
    assert_eq!(
        refusals(&node("mine", "w1"), None),
        [
            "spec: a node is named after its cluster and machine, <cluster>-<machine>, and is written by the operator: people do not create nodes"
        ]
    );
}
