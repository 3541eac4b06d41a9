//! What others decide is changed by them and left alone.

use std::sync::atomic::Ordering;

use aws_sdk_autoscaling::types::Tag as GroupTag;
use aws_sdk_ec2::types::Tag;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, FixedResponseActionConfig, LoadBalancerAttribute,
    RuleCondition, Tag as ElbTag, TargetGroupAttribute,
};
use ovo_model::ResourceId;

use crate::site::Site;

fn id(kind: &str, name: &str) -> ResourceId {
    ResourceId::new(kind, name)
}

fn refuse() -> Action {
    let config = FixedResponseActionConfig::builder().status_code("503");
    Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(config.build())
        .build()
}

/// Each change, in words.
const CHANGES: [&str; 15] = [
    "a tag of the user's on a security group",
    "a tag of the user's on a launch template",
    "a tag of the user's on a group",
    "a tag of the user's on the balancer",
    "what OpenVidu's masters write on a media node",
    "the protection of a media node, which is the masters' to lift",
    "a group's cooldown",
    "another suspended process",
    "a hook of the user's",
    "a scaling policy of the user's",
    "the balancer's idle time",
    "how long the balancer lets a master drain",
    "which ciphers the balancer takes",
    "another port of the balancer",
    "another rule of the listener",
];

/// Makes one of the changes.
async fn change(site: &Site, number: usize) {
    let bed = &site.account.bed;
    let media = site.account.names().full("media");
    let out = |kind: &'static str, name: &'static str, output: &'static str| {
        let id = id(kind, name);
        async move { site.output(&id, output).await }
    };
    let node = || {
        let instances = bed.region().instances();
        let found = instances.iter().find(|i| i.group.as_ref() == Some(&media));
        found.unwrap().id.clone()
    };
    let ec2_tag = |id: String, key: &str, value: &str| {
        let tag = Tag::builder().key(key).value(value).build();
        bed.ec2.create_tags().resources(id).tags(tag)
    };
    match number {
        0 => drop(
            ec2_tag(out("SecurityGroup", "media", "id").await, "team", "a")
                .send()
                .await
                .unwrap(),
        ),
        1 => drop(
            ec2_tag(out("LaunchTemplate", "media", "id").await, "team", "a")
                .send()
                .await
                .unwrap(),
        ),
        2 => {
            let tag = GroupTag::builder().resource_type("auto-scaling-group");
            let tag = tag.resource_id(media).key("team").value("a");
            let call = bed.scaling.create_or_update_tags();
            let call = call.tags(tag.propagate_at_launch(false).build());
            call.send().await.unwrap();
        }
        3 => {
            let tag = ElbTag::builder().key("team").value("a").build();
            let arn = out("LoadBalancer", "cluster", "arn").await;
            let call = bed.elb.add_tags().resource_arns(arn).tags(tag);
            call.send().await.unwrap();
        }
        4 => drop(
            ec2_tag(node(), "ov-medianode-status", "failed")
                .send()
                .await
                .unwrap(),
        ),
        5 => {
            let call = bed.scaling.set_instance_protection();
            let call = call.auto_scaling_group_name(&media).instance_ids(node());
            let call = call.protected_from_scale_in(false);
            call.send().await.unwrap();
        }
        6 => {
            let call = bed.scaling.update_auto_scaling_group();
            let call = call.auto_scaling_group_name(media).default_cooldown(7);
            call.send().await.unwrap();
        }
        7 => {
            let call = bed.scaling.suspend_processes();
            let call = call.auto_scaling_group_name(media);
            let call = call.scaling_processes("AlarmNotification");
            call.send().await.unwrap();
        }
        8 => {
            let call = bed.scaling.put_lifecycle_hook();
            let call = call.auto_scaling_group_name(media);
            let call = call.lifecycle_hook_name("theirs").heartbeat_timeout(30);
            let call = call.lifecycle_transition("autoscaling:EC2_INSTANCE_TERMINATING");
            call.send().await.unwrap();
        }
        9 => {
            let call = bed.scaling.put_scaling_policy();
            let call = call.auto_scaling_group_name(media).policy_name("theirs");
            let call = call.adjustment_type("ChangeInCapacity");
            call.scaling_adjustment(1).send().await.unwrap();
        }
        10 => {
            let idle = LoadBalancerAttribute::builder().key("idle_timeout.timeout_seconds");
            let call = bed.elb.modify_load_balancer_attributes();
            let call = call.load_balancer_arn(out("LoadBalancer", "cluster", "arn").await);
            let call = call.attributes(idle.value("120").build());
            call.send().await.unwrap();
        }
        11 => {
            let delay = TargetGroupAttribute::builder().key("deregistration_delay.timeout_seconds");
            let call = bed.elb.modify_target_group_attributes();
            let call = call.target_group_arn(out("TargetGroup", "masters", "arn").await);
            let call = call.attributes(delay.value("30").build());
            call.send().await.unwrap();
        }
        12 => {
            let call = bed.elb.modify_listener();
            let call = call.listener_arn(out("Listener", "https", "arn").await);
            let call = call.ssl_policy("ELBSecurityPolicy-TLS13-1-2-2021-06");
            call.send().await.unwrap();
        }
        13 => {
            let certificate = Certificate::builder();
            let certificate = certificate.certificate_arn(bed.region().add_certificate());
            let call = bed.elb.create_listener();
            let call = call.load_balancer_arn(out("LoadBalancer", "cluster", "arn").await);
            let call = call.protocol("HTTPS".into()).port(8443);
            let call = call.certificates(certificate.build());
            call.default_actions(refuse()).send().await.unwrap();
        }
        14 => {
            let path = RuleCondition::builder().field("path-pattern");
            let path = path.values("/app/*").build();
            let call = bed.elb.create_rule().priority(10).conditions(path);
            let call = call.listener_arn(out("Listener", "https", "arn").await);
            call.actions(refuse()).send().await.unwrap();
        }
        other => panic!("there is no change {other}"),
    }
}

#[tokio::test]
async fn what_others_decide_is_left_as_they_decided() {
    let mut site = Site::start().await;
    site.masters.say_idle.store(true, Ordering::SeqCst);
    site.settle().await;
    // Until the nodes are in service, and on record.
    site.pass(120);
    site.settle().await;
    let mut touched = Vec::new();
    for (number, what) in CHANGES.iter().enumerate() {
        change(&site, number).await;
        let changes = site.account.changes();
        for _ in 0..3 {
            site.round().await;
        }
        if site.account.changes() != changes {
            touched.push(*what);
        }
    }
    println!(
        "aws.foreign_properties_touched {} of {}",
        touched.len(),
        CHANGES.len()
    );
    assert_eq!(touched, Vec::<&str>::new());
}

/// In mode Provider the capacity is the cloud's policies' own.
#[tokio::test]
async fn a_capacity_that_a_policy_set_stays() {
    let provider = |spec: &mut serde_json::Value| {
        spec["media"]["autoscaling"]["mode"] = "Provider".into();
    };
    let mut site = Site::with(provider).await;
    site.masters.say_idle.store(true, Ordering::SeqCst);
    site.settle().await;
    let media = site.account.names().full("media");
    let call = site.account.bed.scaling.set_desired_capacity();
    let call = call.auto_scaling_group_name(media).desired_capacity(3);
    call.send().await.unwrap();
    let changes = site.account.changes();
    for _ in 0..20 {
        site.pass(10);
        site.round().await;
    }
    assert_eq!(site.account.changes(), changes);
    let desired = site.property(&id("Group", "media"), "desired").await;
    assert_eq!(desired, Some(3.into()));
}
