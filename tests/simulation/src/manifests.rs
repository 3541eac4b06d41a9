//! The clusters that are simulated: the examples of the documentation, made quick to repeat.

use ovo_api::OpenViduCluster;
use serde_json::{Value, json};

/// The two profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// OpenVidu 2 Enterprise HighAvailability on AWS.
    V2,
    /// OpenVidu 3 HighAvailability on machines.
    V3,
}

impl Shape {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V2, Self::V3];
}

/// What of a cluster differs between runs.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Media nodes that serve.
    pub replicas: i32,
    /// Most media nodes.
    pub max: i32,
    /// Machines in the pool (v3).
    pub machines: i32,
    /// Seconds between readings.
    pub reading_s: u32,
    /// Readings in a window.
    pub window: i32,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            replicas: 3,
            max: 5,
            machines: 6,
            reading_s: 5,
            window: 3,
        }
    }
}

/// A cluster manifest as JSON.
pub fn manifest(shape: Shape, size: Size) -> Value {
    let mut spec = match shape {
        Shape::V2 => v2(),
        Shape::V3 => v3(size.machines),
    };
    let media = json!({
        "replicas": size.replicas,
        "min": 1,
        "max": size.max,
        "maxSurge": 1,
        "autoscaling": {
            "mode": "Manual",
            "readingInterval": format!("{}s", size.reading_s),
            "scaleDown": {"readings": size.window},
        },
        "drain": {"maxConcurrent": 2},
    });
    if let Some(spec) = spec.as_object_mut() {
        spec.insert("media".to_owned(), media);
        spec.insert("topology".to_owned(), json!("HighAvailability"));
        spec.insert("deletion".to_owned(), json!({"protected": false}));
        spec.insert(
            "license".to_owned(),
            json!({"secretKeyRef": {"name": "openvidu", "key": "license"}}),
        );
    }
    json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduCluster",
        "metadata": {"name": "demo", "namespace": "video"},
        "spec": spec,
    })
}

/// The same, as an object.
///
/// # Panics
/// When the manifest above is no cluster: a mistake in this file.
#[expect(
    clippy::expect_used,
    reason = "the manifest is written a few lines above"
)]
pub fn cluster(shape: Shape, size: Size) -> OpenViduCluster {
    serde_json::from_value(manifest(shape, size)).expect("a cluster")
}

fn v2() -> Value {
    json!({
        "version": "2.32.1",
        "domainName": "example-multimaster.openvidu.io",
        "mediaEngine": "mediasoup",
        "masters": {"min": 1, "max": 4, "desired": 2},
        "loadBalancer": {"certificate": {"arn": "arn:aws:acm:eu-west-1:111122223333:certificate/0a"}},
        "infrastructure": {"aws": {
            "region": "eu-west-1",
            "vpcID": "vpc-0a1b2c3d",
            "subnetIDs": ["subnet-0a1b2c3d", "subnet-0b1b2c3d"],
            "keyPairName": "my-key",
            "images": {
                "sourceRegion": "eu-west-1",
                "master": {"id": "ami-0a1b2c3d"},
                "media": {"id": "ami-0b1b2c3d"},
            },
        }},
    })
}

fn v3(machines: i32) -> Value {
    let machine = |name: String, role: &str, last: i32| {
        json!({
            "name": name,
            "role": role,
            "address": format!("10.5.0.{last}"),
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUnghIaitOnLG7pIikxbPlvLMGmLTBk+OCrIJzpf26B",
        })
    };
    let masters = (1..=4).map(|n| machine(format!("m{n}"), "Master", n));
    let media = (1..=machines).map(|n| machine(format!("w{n:02}"), "Media", 10 + n));
    let list: Vec<Value> = masters.chain(media).collect();
    json!({
        "version": "3.8.0",
        "domainName": "openvidu.example.com",
        "mediaEngine": "pion",
        "masters": {},
        "loadBalancer": {"external": {}},
        "infrastructure": {"onPrem": {
            "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
            "machines": list,
        }},
    })
}
