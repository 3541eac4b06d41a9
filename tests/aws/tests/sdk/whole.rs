//! A small deployment from nothing to nothing, as an operator would go.

use aws_sdk_autoscaling::types::{LifecycleHookSpecification, Tag};
use aws_sdk_ec2::types::Filter;
use ovo_aws::Bed;

use crate::balancers::balancer;
use crate::common::{a_member, code, described, desire, group, members, states};

#[tokio::test]
async fn a_deployment_comes_scales_and_goes_without_leaving_anything() {
    let bed = Bed::start();
    let (balancer, targets) = balancer(&bed, "ovo").await;
    let masters = group(&bed, "masters", 2).await.target_group_arns(&targets);
    masters
        .health_check_type("ELB")
        .health_check_grace_period(180)
        .send()
        .await
        .unwrap();
    let end = LifecycleHookSpecification::builder()
        .lifecycle_hook_name("end")
        .heartbeat_timeout(30);
    let end = end
        .lifecycle_transition("autoscaling:EC2_INSTANCE_TERMINATING")
        .build();
    let tag = Tag::builder()
        .key("ov-medianode-status")
        .value("running")
        .propagate_at_launch(true);
    let media = group(&bed, "media", 1)
        .await
        .new_instances_protected_from_scale_in(true);
    media
        .lifecycle_hook_specification_list(end)
        .tags(tag.build())
        .send()
        .await
        .unwrap();
    bed.pass(300);

    // Out, and the tags go along.
    desire(&bed, "media", 3).await;
    bed.pass(60);
    assert_eq!(states(&bed, "media").await, ["InService"; 3]);
    let running = Filter::builder()
        .name("tag:ov-medianode-status")
        .values("running")
        .build();
    let tagged = bed
        .ec2
        .describe_instances()
        .filters(running)
        .send()
        .await
        .unwrap();
    assert_eq!(tagged.reservations().len(), 3);

    // In: somebody lifts the protection of one, and it goes through its hook.
    let one = a_member(&bed, "media").await;
    desire(&bed, "media", 2).await;
    let lift = bed
        .scaling
        .set_instance_protection()
        .auto_scaling_group_name("media");
    lift.instance_ids(&one)
        .protected_from_scale_in(false)
        .send()
        .await
        .unwrap();
    bed.pass(10);
    assert_eq!(
        states(&bed, "media").await,
        ["InService", "InService", "Terminating:Wait"]
    );
    bed.pass(120);
    assert_eq!(members(&bed, "media").await.len(), 2);

    // Gone, in order; what holds another thing says so.
    for name in ["media", "masters"] {
        desire(&bed, name, 0).await;
        for member in members(&bed, name).await {
            let lift = bed
                .scaling
                .set_instance_protection()
                .auto_scaling_group_name(name);
            let lift = lift.instance_ids(member.instance_id().unwrap());
            lift.protected_from_scale_in(false).send().await.unwrap();
        }
        let delete = bed
            .scaling
            .delete_auto_scaling_group()
            .auto_scaling_group_name(name);
        assert_eq!(code(delete.clone().send().await), "ResourceInUse");
        bed.pass(600);
        delete.send().await.unwrap();
        assert!(described(&bed, name).await.is_none());
        let template = bed
            .ec2
            .delete_launch_template()
            .launch_template_name(format!("{name}-template"));
        template.send().await.unwrap();
    }
    bed.elb
        .delete_load_balancer()
        .load_balancer_arn(&balancer)
        .send()
        .await
        .unwrap();
    bed.elb
        .delete_target_group()
        .target_group_arn(&targets)
        .send()
        .await
        .unwrap();
    bed.pass(300);
    let named = Filter::builder().name("group-name").values("ovo").build();
    let found = bed
        .ec2
        .describe_security_groups()
        .filters(named)
        .send()
        .await
        .unwrap();
    let id = found.security_groups()[0].group_id().unwrap();
    bed.ec2
        .delete_security_group()
        .group_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(bed.region().leftovers(), Vec::<String>::new());
}

/// The same requests at the same times make the same account, down to its ids.
#[tokio::test]
async fn every_run_is_the_same() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let bed = Bed::start();
        group(&bed, "media", 5).await.send().await.unwrap();
        bed.pass(100);
        desire(&bed, "media", 2).await;
        bed.pass(100);
        runs.push((
            bed.region().instances(),
            bed.region().leftovers(),
            bed.aws.now(),
        ));
    }
    assert_eq!(runs[0], runs[1]);
}
