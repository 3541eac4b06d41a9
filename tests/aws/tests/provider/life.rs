//! A deployment comes up under the real engine and stays as it is.

use ovo_model::{Ownership, ResourceId, Scalar, Value};
use secrecy::ExposeSecret;

use crate::account::Canaries;
use crate::hands::newest;
use crate::site::Site;

#[tokio::test]
async fn the_example_manifest_makes_the_deployment_and_the_second_plan_is_empty() {
    let mut site = Site::start().await;
    site.settle().await;
    println!(
        "aws.sdk_calls_to_ready {}",
        site.account.bed.aws.calls().len()
    );
    println!("of which {} change something", site.account.changes());
    let seen = site.seen().await;
    for resource in site.account.desired() {
        let found = seen.get(&resource.id).expect("it was made");
        assert_eq!(found.ownership, Ownership::Ours, "{}", resource.id);
        for (name, property) in &resource.properties {
            if let Value::Known(value) = &property.value {
                let is = found.properties.get(name);
                assert_eq!(is, Some(value), "{} {name}", resource.id);
            }
        }
    }
    // And nothing beside it.
    assert_eq!(seen.len(), site.account.desired().len());
    for (group, members) in [("masters", 2), ("media", 2)] {
        let full = site.account.names().full(group);
        let instances = site.account.bed.region().instances();
        let of = instances.iter().filter(|i| i.group.as_ref() == Some(&full));
        assert_eq!(of.count(), members, "{group}");
    }
    // From then on there is nothing to do, for this operator and for another one that remembers nothing; and once the
    // nodes' way into service is on record, nothing to write.
    let changes = site.account.changes();
    for minute in 0..90 {
        if minute == 30 {
            site.restart();
        }
        let report = site.round().await;
        let plan = report.plan.unwrap();
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
        let written = if minute > 60 { report.writes } else { 0 };
        assert_eq!(written, 0, "minute {minute}: {:?}", plan.status);
        site.pass(59);
    }
    assert_eq!(site.account.changes(), changes);
}

/// A change of the spec reaches the launch template, and no instance that is there.
#[tokio::test]
async fn another_instance_type_is_for_new_nodes() {
    let mut site = Site::start().await;
    site.settle().await;
    let before = site.account.bed.region().instances();
    let mut manifest = site.account.manifest.clone();
    manifest["spec"]["media"]["instanceType"] = "c5.2xlarge".into();
    site.apply(manifest).await;
    site.settle().await;
    let template = ResourceId::new("LaunchTemplate", "media");
    let kind = site.property(&template, "instanceType").await;
    assert_eq!(kind, Some(Scalar::from("c5.2xlarge")));
    assert_eq!(site.account.bed.region().instances(), before);
}

/// Masters are told their secrets, and nobody else is.
#[tokio::test]
async fn secrets_stand_in_the_masters_user_data_and_nowhere_else() {
    let mut site = Site::start().await;
    let mut said = Vec::new();
    for _ in 0..40 {
        let report = site.round().await;
        said.push(format!("{:?} {:?}", report.snapshot, report.plan));
        said.push(format!("{:?}", report.executed));
        site.pass(4);
    }
    let masters = newest(&site, &ResourceId::new("LaunchTemplate", "masters")).await;
    said.push(format!("{masters:?}"));
    let user_data = masters.data.user_data.unwrap();
    let user_data = user_data.expose_secret();
    for (key, secret, name) in [
        ("OPENVIDU_PRO_LICENSE", "openvidu", "license"),
        ("OPENVIDU_SECRET", "openvidu-credentials", "OPENVIDU_SECRET"),
        ("ELASTICSEARCH_USERNAME", "elastic", "username"),
        ("ELASTICSEARCH_PASSWORD", "elastic", "password"),
    ] {
        let at = ovo_model::SecretKey {
            secret: secret.to_owned(),
            key: name.to_owned(),
        };
        let line = format!("{key}={}", Canaries::value(&at));
        assert!(
            user_data
                .lines()
                .any(|l| l.trim_end_matches(" | \\") == line),
            "{key} is not told"
        );
    }
    let told = said.iter().any(|text| text.contains("CANARY"));
    assert!(!told, "a secret came to light");
    let media = newest(&site, &ResourceId::new("LaunchTemplate", "media")).await;
    assert!(media.data.user_data.is_none(), "media nodes are passive");
}

/// What stands under our name without our mark is somebody else's: said, and left alone.
#[tokio::test]
async fn a_name_that_is_taken_is_said_and_not_touched() {
    let mut site = Site::start().await;
    let bed = &site.account.bed;
    let name = site.account.names().full("media");
    let call = bed.ec2.create_security_group().group_name(name);
    let call = call.description("theirs").vpc_id(&bed.vpc);
    let theirs = call.send().await.unwrap().group_id().unwrap().to_owned();
    for _ in 0..20 {
        site.round().await;
    }
    let report = site.round().await;
    let plan = report.plan.unwrap();
    let stalled = plan.status.conditions.iter().find(|c| c.type_ == "Stalled");
    let stalled = stalled.unwrap();
    assert_eq!((&*stalled.status, &*stalled.reason), ("True", "Conflict"));
    assert!(stalled.message.contains("SecurityGroup/media"));
    let calls = site.account.bed.aws.calls();
    assert!(calls.iter().all(|c| c.operation != "DeleteSecurityGroup"));
    let found = site.seen().await;
    let found = &found[&ResourceId::new("SecurityGroup", "media")];
    assert_eq!(found.ownership, Ownership::Unowned);
    assert_eq!(found.outputs["id"], Scalar::from(theirs));
}

/// Deletion waits for OpenVidu's masters: as long as they do not let go of a node, it lives.
#[tokio::test]
async fn deletion_ends_no_protected_media_node() {
    let mut site = Site::with(|spec| spec["deletion"]["protected"] = false.into()).await;
    site.settle().await;
    let media = site.account.names().full("media");
    site.delete().await;
    for _ in 0..60 {
        site.round().await;
        site.pass(59);
    }
    let instances = site.account.bed.region().instances();
    let running = instances
        .iter()
        .filter(|i| i.group.as_ref() == Some(&media))
        .filter(|i| i.state == ovo_aws_sim::InstanceState::Running);
    assert_eq!(running.count(), 2);
    let calls = site.account.bed.aws.calls();
    let ends = calls.iter().find(|c| c.operation.starts_with("Terminate"));
    assert_eq!(ends, None);
}
