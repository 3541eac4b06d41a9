//! Life-cycle hooks: waits, completions, time-outs, heartbeats.

use aws_sdk_autoscaling::types::LifecycleHookSpecification;
use ovo_aws::Bed;

use crate::common::{a_member, code, desire, group, members, states};

fn hook(launching: bool, result: &str) -> LifecycleHookSpecification {
    let (name, transition) = if launching {
        ("launch", "autoscaling:EC2_INSTANCE_LAUNCHING")
    } else {
        ("end", "autoscaling:EC2_INSTANCE_TERMINATING")
    };
    LifecycleHookSpecification::builder()
        .lifecycle_hook_name(name)
        .lifecycle_transition(transition)
        .heartbeat_timeout(30)
        .default_result(result)
        .build()
}

/// The hooks of OpenVidu's template: neither is ever completed, both run out.
#[tokio::test]
async fn hooks_that_nobody_completes_run_out() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 1).await;
    let ask = ask.lifecycle_hook_specification_list(hook(true, "CONTINUE"));
    ask.lifecycle_hook_specification_list(hook(false, "ABANDON"))
        .send()
        .await
        .unwrap();
    bed.pass(26);
    assert_eq!(states(&bed, "media").await, ["Pending:Wait"]);
    bed.pass(28);
    assert_eq!(states(&bed, "media").await, ["Pending:Wait"]);
    bed.pass(5);
    assert_eq!(states(&bed, "media").await, ["InService"]);
    desire(&bed, "media", 0).await;
    bed.pass(10);
    assert_eq!(states(&bed, "media").await, ["Terminating:Wait"]);
    bed.pass(30);
    assert_eq!(states(&bed, "media").await, ["Terminating:Proceed"]);
    bed.pass(30);
    assert!(members(&bed, "media").await.is_empty());
}

#[tokio::test]
async fn a_launch_that_is_abandoned_is_replaced() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 1).await;
    ask.lifecycle_hook_specification_list(hook(true, "ABANDON"))
        .send()
        .await
        .unwrap();
    bed.pass(26);
    let first = a_member(&bed, "media").await;
    bed.pass(60);
    let now = members(&bed, "media").await;
    assert!(
        now.iter().any(|m| m.instance_id() != Some(first.as_str())),
        "another was launched"
    );
    let complete = bed
        .scaling
        .complete_lifecycle_action()
        .auto_scaling_group_name("media");
    let complete = complete
        .lifecycle_hook_name("launch")
        .lifecycle_action_result("CONTINUE");
    assert_eq!(
        code(complete.instance_id(&first).send().await),
        "ValidationError"
    );
}

#[tokio::test]
async fn completing_ends_the_wait_and_a_heartbeat_prolongs_it() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 1).await;
    ask.lifecycle_hook_specification_list(hook(true, "ABANDON"))
        .send()
        .await
        .unwrap();
    bed.pass(26);
    let id = a_member(&bed, "media").await;
    for _ in 0..3 {
        bed.pass(25);
        let beat = bed
            .scaling
            .record_lifecycle_action_heartbeat()
            .auto_scaling_group_name("media");
        beat.lifecycle_hook_name("launch")
            .instance_id(&id)
            .send()
            .await
            .unwrap();
    }
    assert_eq!(
        states(&bed, "media").await,
        ["Pending:Wait"],
        "75 s with a time-out of 30"
    );
    let complete = bed
        .scaling
        .complete_lifecycle_action()
        .auto_scaling_group_name("media");
    let complete = complete
        .lifecycle_hook_name("launch")
        .lifecycle_action_result("CONTINUE");
    complete.instance_id(&id).send().await.unwrap();
    bed.pass(1);
    assert_eq!(states(&bed, "media").await, ["InService"]);
}

#[tokio::test]
async fn limits_of_hooks_hold() {
    let bed = Bed::start();
    group(&bed, "media", 0).await.send().await.unwrap();
    let put = bed
        .scaling
        .put_lifecycle_hook()
        .auto_scaling_group_name("media");
    let put = put
        .lifecycle_hook_name("end")
        .lifecycle_transition("autoscaling:EC2_INSTANCE_TERMINATING");
    assert_eq!(
        code(put.clone().heartbeat_timeout(29).send().await),
        "ValidationError"
    );
    put.heartbeat_timeout(3600).send().await.unwrap();
    let found = bed
        .scaling
        .describe_lifecycle_hooks()
        .auto_scaling_group_name("media");
    let found = found.send().await.unwrap().lifecycle_hooks().to_vec();
    assert_eq!(
        found[0].global_timeout(),
        Some(172_800),
        "48 hours, not 100 times an hour"
    );
    assert_eq!(found[0].default_result(), Some("ABANDON"));
}
