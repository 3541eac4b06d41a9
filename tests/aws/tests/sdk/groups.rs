//! Groups: capacity, zones, protection, health, what is refused, and what is written down.

use ovo_aws::Bed;

use crate::common::{a_member, code, described, desire, group, members, states};

#[tokio::test]
async fn a_group_launches_what_it_lacks_spread_over_its_zones() {
    let bed = Bed::start();
    group(&bed, "media", 4).await.send().await.unwrap();
    assert!(
        members(&bed, "media").await.is_empty(),
        "nothing happens while no time passes"
    );
    bed.pass(10);
    assert_eq!(states(&bed, "media").await, ["Pending"; 4]);
    bed.pass(60);
    assert_eq!(states(&bed, "media").await, ["InService"; 4]);
    let mut zones: Vec<_> = members(&bed, "media")
        .await
        .iter()
        .map(|m| m.availability_zone().unwrap().to_owned())
        .collect();
    zones.sort();
    assert_eq!(
        zones,
        ["eu-west-1a", "eu-west-1a", "eu-west-1b", "eu-west-1b"]
    );
    let activities = bed
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("media");
    let activities = activities.send().await.unwrap();
    let done = activities
        .activities()
        .iter()
        .filter(|a| a.status_code().unwrap().as_str() == "Successful");
    assert_eq!(done.count(), 4);
}

#[tokio::test]
async fn protected_members_outlive_a_smaller_capacity_and_the_group_says_so() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 3)
        .await
        .new_instances_protected_from_scale_in(true);
    ask.send().await.unwrap();
    bed.pass(60);
    assert!(
        members(&bed, "media")
            .await
            .iter()
            .all(|m| m.protected_from_scale_in().unwrap())
    );
    desire(&bed, "media", 1).await;
    bed.pass(600);
    assert_eq!(states(&bed, "media").await, ["InService"; 3]);
    let activities = bed
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("media");
    let newest = activities
        .send()
        .await
        .unwrap()
        .activities()
        .first()
        .cloned()
        .unwrap();
    assert_eq!(newest.status_code().unwrap().as_str(), "Failed");
    assert!(
        newest
            .status_message()
            .unwrap()
            .contains("protected from scale in")
    );

    let first = a_member(&bed, "media").await;
    let lift = bed
        .scaling
        .set_instance_protection()
        .auto_scaling_group_name("media");
    lift.instance_ids(&first)
        .protected_from_scale_in(false)
        .send()
        .await
        .unwrap();
    bed.pass(10);
    assert_eq!(
        states(&bed, "media").await,
        ["InService", "InService", "Terminating:Proceed"]
    );
    bed.pass(60);
    let others = members(&bed, "media").await;
    assert!(
        others.len() == 2
            && others
                .iter()
                .all(|m| m.instance_id() != Some(first.as_str()))
    );
}

/// Protection begins with service: a smaller capacity takes a member that is still pending.
#[tokio::test]
async fn a_pending_member_is_not_protected() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 1)
        .await
        .new_instances_protected_from_scale_in(true);
    ask.send().await.unwrap();
    bed.pass(60);
    desire(&bed, "media", 2).await;
    bed.pass(10);
    assert_eq!(states(&bed, "media").await, ["InService", "Pending"]);
    desire(&bed, "media", 1).await;
    bed.pass(120);
    assert_eq!(states(&bed, "media").await, ["InService"]);
}

#[tokio::test]
async fn an_unhealthy_member_is_replaced_whether_it_is_protected_or_not() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 2)
        .await
        .new_instances_protected_from_scale_in(true);
    ask.send().await.unwrap();
    bed.pass(60);
    let before = members(&bed, "media").await;
    let (sick, dead) = (
        before[0].instance_id().unwrap(),
        before[1].instance_id().unwrap(),
    );
    let health = bed.scaling.set_instance_health().instance_id(sick);
    health.health_status("Unhealthy").send().await.unwrap();
    bed.region().terminate(dead);
    bed.pass(200);
    let after = members(&bed, "media").await;
    assert_eq!(after.len(), 2);
    assert!(
        after
            .iter()
            .all(|m| ![Some(sick), Some(dead)].contains(&m.instance_id()))
    );
}

#[tokio::test]
async fn suspended_processes_do_nothing() {
    let bed = Bed::start();
    group(&bed, "media", 1).await.send().await.unwrap();
    bed.pass(60);
    let suspend = bed
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("media");
    suspend
        .scaling_processes("Launch")
        .scaling_processes("ReplaceUnhealthy")
        .send()
        .await
        .unwrap();
    let one = a_member(&bed, "media").await;
    let health = bed.scaling.set_instance_health().instance_id(&one);
    health.health_status("Unhealthy").send().await.unwrap();
    desire(&bed, "media", 3).await;
    bed.pass(300);
    assert_eq!(members(&bed, "media").await.len(), 1);
    let resume = bed
        .scaling
        .resume_processes()
        .auto_scaling_group_name("media");
    resume.send().await.unwrap();
    bed.pass(300);
    assert_eq!(members(&bed, "media").await.len(), 3);
    assert!(
        described(&bed, "media")
            .await
            .unwrap()
            .suspended_processes()
            .is_empty()
    );
}

/// With zones out of balance, AZRebalance launches in one and ends in the other; suspended it leaves them alone.
#[tokio::test]
async fn zones_are_balanced_unless_that_is_suspended() {
    let bed = Bed::start();
    for (name, suspended) in [("left", true), ("right", false)] {
        let ask = group(&bed, name, 4)
            .await
            .vpc_zone_identifier(&bed.subnets[0]);
        ask.send().await.unwrap();
        bed.pass(60);
        if suspended {
            let suspend = bed
                .scaling
                .suspend_processes()
                .auto_scaling_group_name(name);
            suspend
                .scaling_processes("AZRebalance")
                .send()
                .await
                .unwrap();
        }
        let both = bed
            .scaling
            .update_auto_scaling_group()
            .auto_scaling_group_name(name);
        both.vpc_zone_identifier(bed.subnets.join(","))
            .send()
            .await
            .unwrap();
        bed.pass(900);
        let all = members(&bed, name).await;
        let other = all
            .iter()
            .filter(|m| m.availability_zone() == Some("eu-west-1b"))
            .count();
        assert_eq!(
            (all.len(), other),
            if suspended { (4, 0) } else { (4, 2) },
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_auto_scaling_refuses() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 1).await;
    ask.clone().send().await.unwrap();
    assert_eq!(code(ask.clone().send().await), "AlreadyExists");
    let other = ask.auto_scaling_group_name("other");
    assert_eq!(
        code(other.clone().min_size(5).max_size(2).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(other.clone().desired_capacity(10).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(other.clone().target_group_arns("arn:none").send().await),
        "ValidationError"
    );
    assert_eq!(
        code(other.vpc_zone_identifier("subnet-none").send().await),
        "ValidationError"
    );
    let desired = bed
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("media");
    assert_eq!(
        code(desired.desired_capacity(10).send().await),
        "ValidationError"
    );
    let unknown = bed
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("none");
    assert_eq!(
        code(unknown.desired_capacity(1).send().await),
        "ValidationError"
    );
    bed.pass(60);
    let delete = bed
        .scaling
        .delete_auto_scaling_group()
        .auto_scaling_group_name("media");
    assert_eq!(code(delete.send().await), "ResourceInUse");
    let one = a_member(&bed, "media").await;
    let raise = bed
        .scaling
        .update_auto_scaling_group()
        .auto_scaling_group_name("media")
        .min_size(1);
    raise.send().await.unwrap();
    let terminate = bed
        .scaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(one);
    assert_eq!(
        code(
            terminate
                .should_decrement_desired_capacity(true)
                .send()
                .await
        ),
        "ValidationError"
    );
}

#[tokio::test]
async fn force_delete_ends_all_and_takes_the_group_with_the_last() {
    let bed = Bed::start();
    let ask = group(&bed, "media", 2)
        .await
        .new_instances_protected_from_scale_in(true);
    ask.send().await.unwrap();
    bed.pass(60);
    let delete = bed
        .scaling
        .delete_auto_scaling_group()
        .auto_scaling_group_name("media");
    delete.force_delete(true).send().await.unwrap();
    let status = described(&bed, "media")
        .await
        .unwrap()
        .status()
        .map(str::to_owned);
    assert_eq!(status.as_deref(), Some("Delete in progress"));
    bed.pass(60);
    assert!(described(&bed, "media").await.is_none());
}

#[tokio::test]
async fn launches_that_fail_stand_in_the_activities_and_end_with_their_cause() {
    let bed = Bed::start();
    bed.region()
        .fail_launches(Some("InsufficientInstanceCapacity"));
    group(&bed, "media", 1).await.send().await.unwrap();
    bed.pass(120);
    let ask = bed
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("media");
    let activities = ask.send().await.unwrap().activities().to_vec();
    assert_eq!(activities.len(), 1, "the same failure is written once");
    assert_eq!(activities[0].status_code().unwrap().as_str(), "Failed");
    bed.region().fail_launches(None);
    bed.pass(60);
    assert_eq!(states(&bed, "media").await, ["InService"]);
}

#[tokio::test]
async fn a_simple_policy_changes_the_capacity_and_honours_its_cooldown() {
    let bed = Bed::start();
    group(&bed, "media", 1).await.send().await.unwrap();
    bed.pass(600);
    let put = bed
        .scaling
        .put_scaling_policy()
        .auto_scaling_group_name("media")
        .policy_name("up");
    let put = put
        .adjustment_type("ChangeInCapacity")
        .scaling_adjustment(1)
        .cooldown(60);
    let arn = put.send().await.unwrap().policy_arn().unwrap().to_owned();
    let run = bed
        .scaling
        .execute_policy()
        .policy_name(&arn)
        .honor_cooldown(true);
    run.clone().send().await.unwrap();
    assert_eq!(code(run.send().await), "ScalingActivityInProgress");
    assert_eq!(
        described(&bed, "media").await.unwrap().desired_capacity(),
        Some(2)
    );
    let policies = bed
        .scaling
        .describe_policies()
        .auto_scaling_group_name("media")
        .send()
        .await
        .unwrap();
    assert_eq!(
        policies.scaling_policies()[0].policy_arn(),
        Some(arn.as_str())
    );
}
