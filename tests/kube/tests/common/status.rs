//! A status of each kind with every field that the operator may write.

use ovo_api::{OpenViduClusterStatus, OpenViduNodeStatus};
use serde_json::{Value, json};

const THEN: &str = "2026-01-05T09:00:00Z";

fn ready() -> Value {
    json!([{
        "type": "Ready", "status": "False", "reason": "Scaling", "message": "4 of 5 media nodes",
        "lastTransitionTime": THEN, "observedGeneration": 1,
    }])
}

/// As our types write it.
pub(crate) fn of_cluster() -> Value {
    let status = json!({
        "observedGeneration": 1,
        "phase": "Scaling",
        "summary": "2/2 masters, 4/5 media nodes",
        "summaryAt": THEN,
        "conditions": ready(),
        "endpoints": {
            "url": "https://example.com",
            "dashboard": "https://example.com/dashboard",
            "loadBalancer": "balancer.example.com",
            "dnsRecord": {"name": "example.com", "type": "CNAME", "value": "balancer.example.com", "resolves": true},
        },
        "credentials": {"secretName": "video-credentials", "digests": {"OPENVIDU_SECRET": "0a1b"}},
        "masters": {"desired": 2, "running": 2, "ready": 2},
        "media": {
            "replicas": 5, "target": 4, "ready": 4, "draining": 1, "rooms": 41, "participants": 377,
            "averageLoadPercent": 44, "selector": "openvidu.io/cluster=video",
        },
        "autoscaler": {"mode": "Manual", "decision": "4 are declared"},
        "intent": {
            "formatVersion": 1, "revision": 31, "epoch": 4,
            "steps": [{"id": "drain-w3", "step": "drain media node w3", "cuts": "Nothing"}],
        },
        "pending": [{"step": "stop w3", "waitsFor": "3 rooms", "since": THEN}],
        "appliedConfigKeys": ["OPENVIDU_WEBHOOK"],
        "claims": ["address/192.0.2.11", "infrastructureID/abcd1234"],
        "applied": {"Config/cluster": "0a1b"},
        "shrinkUnansweredSince": THEN,
        "simulated": true,
    });
    serde_json::to_value(serde_json::from_value::<OpenViduClusterStatus>(status).unwrap()).unwrap()
}

/// As our types write it.
pub(crate) fn of_node() -> Value {
    let status = json!({
        "formatVersion": 1,
        "observedGeneration": 1,
        "phase": "Draining",
        "since": THEN,
        "reason": "asked-for",
        "conditions": ready(),
        "rooms": 3,
        "participants": 9,
        "loadPercent": 12,
        "occupancyAt": THEN,
        "launchedAt": THEN,
        "joinedAt": THEN,
        "unhealthySince": THEN,
        "drain": {
            "cause": "Requested", "reason": "asked-for", "requestedAt": THEN, "closedAt": THEN,
            "signals": [{
                "container": "openvidu", "containerId": "0a1b", "startedAt": THEN, "state": "Sent", "at": THEN,
            }],
        },
        "address": "10.5.0.11",
        "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUnghIaitOnLG7pIikxbPlvLMGmLTBk+OCrIJzpf26B",
        "zone": "eu-west-1a",
        "version": "3.8.0",
    });
    serde_json::to_value(serde_json::from_value::<OpenViduNodeStatus>(status).unwrap()).unwrap()
}

/// The fields of a schema that a value does not have.
pub(crate) fn missing(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    if let Some(properties) = schema["properties"].as_object() {
        return properties
            .iter()
            .flat_map(|(name, property)| missing(property, &value[name], &format!("{path}.{name}")))
            .collect();
    }
    if schema["items"].is_object() {
        return missing(&schema["items"], &value[0], &format!("{path}[]"));
    }
    if value.is_null() {
        vec![path.to_owned()]
    } else {
        Vec::new()
    }
}
