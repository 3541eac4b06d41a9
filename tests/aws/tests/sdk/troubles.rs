//! The test's switches: throttling, answers that are lost before or after the effect, stale reads, short pages, quotas.

use std::time::Duration;

use aws_sdk_ec2::error::ProvideErrorMetadata;
use ovo_aws::Bed;
use ovo_aws_sim::{Quotas, Simulator, Switch, Timings, Trouble};

use crate::common::{code, described, group, security_group, template};

#[tokio::test]
async fn each_service_throttles_in_its_own_words_and_does_nothing() {
    let bed = Bed::start();
    bed.aws
        .faults(|f| f.add(Switch::always(Trouble::Throttled)));
    let ask = bed
        .ec2
        .create_security_group()
        .group_name("one")
        .description("x")
        .vpc_id(&bed.vpc);
    assert_eq!(code(ask.send().await), "RequestLimitExceeded");
    assert_eq!(
        code(bed.scaling.describe_auto_scaling_groups().send().await),
        "Throttling"
    );
    assert_eq!(
        code(bed.elb.describe_load_balancers().send().await),
        "Throttling"
    );
    assert_eq!(
        code(bed.cache.describe_cache_clusters().send().await),
        "Throttling"
    );
    bed.aws.faults(ovo_aws_sim::Faults::clear);
    assert!(bed.region().leftovers().is_empty());
    assert_eq!(
        bed.aws.calls().iter().filter(|call| call.changes()).count(),
        1
    );
}

#[tokio::test]
async fn a_refusal_has_the_code_that_the_test_names() {
    let bed = Bed::start();
    let refuse = Trouble::Refused("UnauthorizedOperation".to_owned());
    bed.aws
        .faults(|f| f.add(Switch::next("DescribeVpcs", refuse)));
    assert_eq!(
        code(bed.ec2.describe_vpcs().send().await),
        "UnauthorizedOperation"
    );
    bed.aws
        .faults(|f| f.add(Switch::next("DescribeVpcs", Trouble::Unavailable)));
    assert_eq!(code(bed.ec2.describe_vpcs().send().await), "Unavailable");
    bed.ec2.describe_vpcs().send().await.unwrap();
}

/// The answer is lost in three ways: only before the effect nothing was done.
#[tokio::test]
async fn a_lost_answer_leaves_what_was_done() {
    let bed = Bed::start();
    for (name, trouble, done) in [
        ("before", Trouble::LostBefore, false),
        ("after", Trouble::LostAfter, true),
        ("half", Trouble::CutAnswer, true),
    ] {
        bed.aws
            .faults(|f| f.add(Switch::next("CreateSecurityGroup", trouble)));
        let ask = bed
            .ec2
            .create_security_group()
            .group_name(name)
            .description("x")
            .vpc_id(&bed.vpc);
        let error = ask.clone().send().await.expect_err("no whole answer");
        assert_eq!(error.code(), None, "{name}: the caller knows nothing");
        let again = ask.send().await.map_err(|e| e.code().map(str::to_owned));
        if done {
            let refused = again.err().flatten();
            assert_eq!(refused.as_deref(), Some("InvalidGroup.Duplicate"), "{name}");
        } else {
            again.unwrap();
        }
    }
}

#[tokio::test]
async fn a_switch_counts_its_requests() {
    let bed = Bed::start();
    bed.aws.faults(|f| {
        f.add(Switch {
            service: Some("ec2".to_owned()),
            operation: None,
            after: 1,
            times: 2,
            trouble: Trouble::Throttled,
        });
    });
    let mut codes = Vec::new();
    for _ in 0..4 {
        let answer = bed.ec2.describe_vpcs().send().await;
        codes.push(answer.err().and_then(|e| e.code().map(str::to_owned)));
    }
    let throttled = Some("RequestLimitExceeded".to_owned());
    assert_eq!(codes, [None, throttled.clone(), throttled, None]);
}

/// What was created is not found for a while, and its name is taken all the same.
#[tokio::test]
async fn reads_are_consistent_only_after_a_while() {
    let bed = Bed::start();
    let late = Duration::from_secs(20);
    bed.aws.faults(|f| {
        f.unseen_for.insert("ec2".to_owned(), late);
        f.unseen_for.insert("autoscaling".to_owned(), late);
    });
    let id = template(&bed, "masters").await;
    let find = bed.ec2.describe_launch_templates().launch_template_ids(&id);
    assert_eq!(
        code(find.clone().send().await),
        "InvalidLaunchTemplateId.NotFound"
    );
    assert!(
        bed.ec2
            .describe_launch_templates()
            .send()
            .await
            .unwrap()
            .launch_templates()
            .is_empty()
    );
    bed.pass(20);
    find.send().await.unwrap();
    bed.aws.faults(|f| {
        f.unseen_for.remove("ec2");
    });
    let ask = group(&bed, "media", 1).await;
    ask.clone().send().await.unwrap();
    assert!(described(&bed, "media").await.is_none());
    assert_eq!(code(ask.send().await), "AlreadyExists");
    bed.pass(20);
    assert!(described(&bed, "media").await.is_some());
}

#[tokio::test]
async fn long_lists_come_in_pages_that_hold_all() {
    let bed = Bed::start();
    for number in 0..7 {
        security_group(&bed, &format!("group-{number}")).await;
        let ask = bed
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(format!("group-{number}"));
        let of = template(&bed, &format!("template-{number}")).await;
        let of = aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder()
            .launch_template_id(of)
            .build();
        let ask = ask.launch_template(of).min_size(0).max_size(1);
        ask.vpc_zone_identifier(&bed.subnets[0])
            .send()
            .await
            .unwrap();
    }
    bed.aws.faults(|f| f.page_size = Some(3));
    let pages = bed
        .ec2
        .describe_security_groups()
        .into_paginator()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let sizes: Vec<_> = pages.iter().map(|p| p.security_groups().len()).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let pages = bed
        .scaling
        .describe_auto_scaling_groups()
        .into_paginator()
        .items()
        .send();
    let groups = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(groups.len(), 7);
    let bad = bed
        .scaling
        .describe_auto_scaling_groups()
        .next_token("nonsense");
    assert_eq!(code(bad.send().await), "InvalidNextToken");
    let bad = bed.ec2.describe_security_groups().next_token("nonsense");
    assert_eq!(code(bad.send().await), "InvalidPaginationToken");
}

#[tokio::test]
async fn quotas_end_what_there_may_be() {
    let quotas = Quotas {
        security_groups: 1,
        vcpus: 8,
        ..Quotas::default()
    };
    let bed = Bed::before(Simulator::start_with(Timings::default(), quotas).unwrap());
    security_group(&bed, "one").await;
    let ask = bed
        .ec2
        .create_security_group()
        .group_name("two")
        .description("x")
        .vpc_id(&bed.vpc);
    assert_eq!(code(ask.send().await), "SecurityGroupLimitExceeded");
    group(&bed, "media", 3).await.send().await.unwrap();
    bed.pass(60);
    assert_eq!(bed.region().instances().len(), 2, "of 4 vCPUs each");
    let ask = bed
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("media");
    let messages = ask.send().await.unwrap();
    let limit = messages
        .activities()
        .iter()
        .filter_map(|a| a.status_message())
        .any(|m| m.contains("vCPU limit"));
    assert!(limit);
}

/// What the simulator does not know is refused by name, never ignored.
#[tokio::test]
async fn what_is_not_modelled_is_refused() {
    let bed = Bed::start();
    let ask = bed
        .scaling
        .describe_auto_scaling_groups()
        .include_managed_resources(true);
    let error = ask.send().await.expect_err("not known");
    assert_eq!(error.code(), Some("NotImplemented"));
    assert!(
        error.message().unwrap().contains("IncludeManagedResources"),
        "{:?}",
        error.message()
    );
    assert_eq!(
        code(bed.scaling.describe_account_limits().send().await),
        "InvalidAction"
    );
}
