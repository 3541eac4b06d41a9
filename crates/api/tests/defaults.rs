//! Defaults: the schema's and the accessors' are the same, and writing twice changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use ovo_api::spec::{DisruptionPolicy, OpenViduClusterSpec};
use ovo_api::{OpenViduCluster, apply_defaults};
use serde_json::{Value, json};

/// The least that can be written for AWS.
fn least() -> Value {
    json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduCluster",
        "metadata": { "name": "least" },
        "spec": {
            "version": "2.32.1",
            "topology": "HighAvailability",
            "domainName": "video.example.com",
            "license": { "secretKeyRef": { "name": "openvidu", "key": "license" } },
            "loadBalancer": { "certificate": { "arn": "arn:aws:acm:eu-west-1:111122223333:certificate/a" } },
            "infrastructure": { "aws": {
                "region": "eu-west-1",
                "vpcID": "vpc-0a",
                "subnetIDs": ["subnet-0a", "subnet-0b"],
                "images": { "master": { "id": "ami-0a" }, "media": { "id": "ami-0b" } },
            } },
        },
    })
}

fn read(value: Value) -> OpenViduCluster {
    serde_json::from_value(value).unwrap()
}

fn defaulted(mut value: Value) -> Value {
    apply_defaults(&mut value);
    value
}

/// Everything that an accessor tells.
fn told(spec: &OpenViduClusterSpec) -> Vec<String> {
    let (masters, media, drain) = (&spec.masters, &spec.media, &spec.media.drain);
    let (scaling, deletion, ingress) = (&media.autoscaling, &spec.deletion, &spec.ingress);
    let (up, down) = (&scaling.scale_up, &scaling.scale_down);
    let aws = spec.infrastructure.aws.as_ref().unwrap();
    let all: Vec<Box<dyn std::fmt::Debug + '_>> = vec![
        Box::new((
            spec.media_engine(),
            spec.recording.enabled(),
            spec.turn.placement(),
        )),
        Box::new((
            spec.storage.bucket.name(),
            spec.storage.bucket.deletion_policy(),
        )),
        Box::new((
            spec.config_restart(),
            spec.drift(),
            spec.paused(),
            spec.firewall.mode(),
        )),
        Box::new((
            masters.min(),
            masters.max(),
            masters.desired(),
            spec.declared_masters(),
        )),
        Box::new((masters.instance_type(), masters.disk_gib())),
        Box::new((
            media.min(),
            media.max(),
            media.replicas(),
            media.max_surge(),
        )),
        Box::new((
            media.instance_type(),
            media.disk_gib(),
            media.remediation.max_unhealthy(),
        )),
        Box::new((drain.deadline, drain.at_deadline(), media.max_concurrent())),
        Box::new((
            scaling.mode(),
            scaling.reading_interval(),
            scaling.spare_sessions(),
        )),
        Box::new((up.average_load_percent(), up.readings(), up.stabilization())),
        Box::new((
            down.average_load_percent(),
            down.readings(),
            down.stabilization(),
        )),
        Box::new((
            spec.disruption.config(),
            spec.disruption.masters(),
            spec.disruption.load_balancer(),
        )),
        Box::new((
            deletion.policy(),
            deletion.protected(),
            deletion.drain(),
            deletion.storage(),
        )),
        Box::new((
            ingress.rtmp(),
            ingress.whip(),
            ingress.webrtc_tcp(),
            ingress.load_balancer(),
        )),
        Box::new((
            aws.redis.node_type(),
            aws.redis.replicas(),
            aws.capacity.spot(),
        )),
        Box::new(aws.images.as_ref().unwrap().copy()),
    ];
    all.iter().map(|told| format!("{told:?}")).collect()
}

#[test]
fn accessors_tell_what_the_schema_writes() {
    let bare = read(least());
    let filled = read(defaulted(least()));
    assert_ne!(bare, filled, "nothing was filled in");
    assert_eq!(told(&bare.spec), told(&filled.spec));
}

#[test]
fn ssh_defaults_are_the_schemas() {
    let ssh = |value: Value| {
        let ssh = read(value).spec.infrastructure.on_prem.unwrap().ssh;
        (ssh.port(), ssh.host_key_policy(), ssh.become_root())
    };
    let mut bare = common::example("v3-onprem");
    let written = bare
        .pointer_mut("/spec/infrastructure/onPrem/ssh")
        .unwrap()
        .as_object_mut()
        .unwrap();
    for name in ["port", "hostKeyPolicy", "becomeRoot"] {
        written.remove(name);
    }
    assert_eq!(ssh(bare.clone()), ssh(defaulted(bare)));
}

#[test]
fn the_least_manifest_is_valid() {
    assert_eq!(ovo_api::validate(&read(least()), None), Ok(()));
}

#[test]
fn defaults_are_filled_into_what_was_filled_in() {
    let filled = defaulted(least());
    assert_eq!(
        filled.pointer("/spec/media/drain/maxConcurrent"),
        Some(&json!(1))
    );
    assert_eq!(
        filled.pointer("/spec/disruption/config"),
        Some(&json!("WhenIdle"))
    );
    assert_eq!(
        read(filled).spec.disruption.config,
        Some(DisruptionPolicy::WhenIdle)
    );
}

#[test]
fn defaulting_twice_changes_nothing_more() {
    for name in ["v2-aws", "v3-onprem"] {
        let once = defaulted(common::example(name));
        assert_eq!(defaulted(once.clone()), once);
    }
}

#[test]
fn null_is_absent() {
    let mut with = least();
    with["spec"]["media"] = json!({ "max": null, "drain": { "maxConcurrent": null } });
    let mut without = least();
    without["spec"]["media"] = json!({ "drain": {} });
    assert_eq!(defaulted(with), defaulted(without));
}

#[test]
fn no_member_of_a_list_gets_defaults() {
    let filled = defaulted(common::example("v3-onprem"));
    let machine = filled
        .pointer("/spec/infrastructure/onPrem/machines/0")
        .unwrap()
        .as_object()
        .unwrap();
    assert_eq!(
        machine.keys().collect::<Vec<_>>(),
        ["address", "hostKey", "name", "role"]
    );
}
