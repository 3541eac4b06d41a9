//! Objects for the cases.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use ovo_api::node::{NODE_FORMAT_VERSION, NodePhase};
use ovo_api::status::ClusterPhase;
use ovo_api::{
    OpenViduCluster, OpenViduClusterStatus, OpenViduNode, OpenViduNodeSpec, OpenViduNodeStatus,
    Role,
};
use serde_json::{Value, json};

use crate::key::ObjectKey;

/// A finalizer for the cases.
pub(crate) const FINALIZER: &str = "openvidu.io/conformance";

/// A valid cluster: OpenVidu 3, four masters, two media machines.
pub fn cluster(key: &ObjectKey) -> Value {
    let machine = |name: &str, role: &str, last: u8| json!({"name": name, "role": role, "address": format!("192.0.2.{last}"), "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFixtureFixtureFixtureFixtureFixtureFixtureFix"});
    json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduCluster",
        "metadata": {"namespace": key.namespace, "name": key.name},
        "spec": {
            "version": "3.8.0",
            "topology": "HighAvailability",
            "domainName": "openvidu.example.com",
            "license": {"secretKeyRef": {"name": "openvidu", "key": "license"}},
            "masters": {},
            "media": {"replicas": 2, "autoscaling": {"mode": "Manual"}},
            "loadBalancer": {"external": {}},
            "infrastructure": {"onPrem": {
                "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
                "machines": [
                    machine("m1", "Master", 11),
                    machine("m2", "Master", 12),
                    machine("m3", "Master", 13),
                    machine("m4", "Master", 14),
                    machine("w1", "Media", 21),
                    machine("w2", "Media", 22),
                ],
            }},
        },
    })
}

/// A document with one value set.
pub fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    if let Some(Value::Object(map)) = document.pointer_mut(parent) {
        map.insert(field.to_owned(), value);
    }
    document
}

/// A document with one value removed.
pub fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    if let Some(Value::Object(map)) = document.pointer_mut(parent) {
        map.remove(field);
    }
    document
}

/// A node record of a cluster, in phase Serving.
pub fn node(cluster: &ObjectKey, machine: &str) -> OpenViduNode {
    OpenViduNode {
        metadata: ObjectMeta {
            namespace: Some(cluster.namespace.clone()),
            name: Some(format!("{}-{machine}", cluster.name)),
            ..ObjectMeta::default()
        },
        spec: OpenViduNodeSpec {
            cluster: cluster.name.clone(),
            role: Role::Media,
            machine: machine.to_owned(),
        },
        status: Some(OpenViduNodeStatus {
            format_version: NODE_FORMAT_VERSION,
            phase: NodePhase::Serving,
            reason: "made for a test".to_owned(),
            ..OpenViduNodeStatus::default()
        }),
    }
}

/// The same object with a status that says something.
pub(crate) fn with_summary(cluster: &OpenViduCluster, summary: &str) -> OpenViduCluster {
    OpenViduCluster {
        status: Some(OpenViduClusterStatus {
            observed_generation: cluster.metadata.generation,
            phase: Some(ClusterPhase::Running),
            summary: summary.to_owned(),
            ..OpenViduClusterStatus::default()
        }),
        ..cluster.clone()
    }
}

/// A reference that makes a cluster the owner.
pub(crate) fn owned_by(cluster: &OpenViduCluster) -> OwnerReference {
    OwnerReference {
        api_version: "openvidu.io/v1alpha1".to_owned(),
        kind: "OpenViduCluster".to_owned(),
        name: cluster.metadata.name.clone().unwrap_or_default(),
        uid: cluster.metadata.uid.clone().unwrap_or_default(),
        ..OwnerReference::default()
    }
}
