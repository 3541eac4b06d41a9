//! Balancers: targets become healthy by checks, drain when they leave, and take sick members with them.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, FixedResponseActionConfig, Matcher, ProtocolEnum,
    RedirectActionConfig, RedirectActionStatusCodeEnum, RuleCondition, TargetGroupAttribute,
};
use ovo_aws::Bed;

use crate::common::{a_member, code, desire, group, members, security_group, states};

fn forward(target_group: &str) -> Action {
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(target_group)
        .build()
}

/// A balancer with a target group that is checked every 10 seconds. Gives the ARNs of both.
pub(crate) async fn balancer(bed: &Bed, name: &str) -> (String, String) {
    let groups = security_group(bed, name).await;
    let ask = bed
        .elb
        .create_load_balancer()
        .name(name)
        .security_groups(groups);
    let answer = ask
        .set_subnets(Some(bed.subnets.clone()))
        .send()
        .await
        .unwrap();
    let balancer = answer.load_balancers()[0]
        .load_balancer_arn()
        .unwrap()
        .to_owned();
    let ask = bed
        .elb
        .create_target_group()
        .name(name)
        .protocol(ProtocolEnum::Http)
        .port(4443);
    let ask = ask
        .health_check_interval_seconds(10)
        .healthy_threshold_count(3)
        .unhealthy_threshold_count(4);
    let ask = ask.matcher(Matcher::builder().http_code("401-403").build());
    let answer = ask.vpc_id(&bed.vpc).send().await.unwrap();
    let targets = answer.target_groups()[0]
        .target_group_arn()
        .unwrap()
        .to_owned();
    let ask = bed
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Http);
    ask.port(80)
        .default_actions(forward(&targets))
        .send()
        .await
        .unwrap();
    (balancer, targets)
}

async fn health(bed: &Bed, targets: &str) -> Vec<String> {
    let answer = bed
        .elb
        .describe_target_health()
        .target_group_arn(targets)
        .send()
        .await
        .unwrap();
    let mut states: Vec<_> = answer
        .target_health_descriptions()
        .iter()
        .map(|d| {
            d.target_health()
                .unwrap()
                .state()
                .unwrap()
                .as_str()
                .to_owned()
        })
        .collect();
    states.sort();
    states
}

#[tokio::test]
async fn targets_become_healthy_by_checks_and_drain_before_they_end() {
    let bed = Bed::start();
    let (_, targets) = balancer(&bed, "lb").await;
    group(&bed, "masters", 2)
        .await
        .target_group_arns(&targets)
        .send()
        .await
        .unwrap();
    bed.pass(40);
    assert_eq!(states(&bed, "masters").await, ["InService"; 2]);
    assert_eq!(health(&bed, &targets).await, ["initial"; 2]);
    bed.pass(80);
    assert_eq!(health(&bed, &targets).await, ["healthy"; 2]);
    desire(&bed, "masters", 1).await;
    bed.pass(60);
    assert_eq!(health(&bed, &targets).await, ["draining", "healthy"]);
    assert_eq!(states(&bed, "masters").await, ["InService", "Terminating"]);
    let activities = bed
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("masters");
    let newest = activities.send().await.unwrap().activities()[0].clone();
    assert_eq!(
        newest.status_code().unwrap().as_str(),
        "WaitingForELBConnectionDraining"
    );
    bed.pass(300);
    assert_eq!(health(&bed, &targets).await, ["healthy"]);
    assert_eq!(states(&bed, "masters").await, ["InService"]);
}

#[tokio::test]
async fn a_shorter_deregistration_delay_is_kept() {
    let bed = Bed::start();
    let (_, targets) = balancer(&bed, "lb").await;
    let delay = TargetGroupAttribute::builder()
        .key("deregistration_delay.timeout_seconds")
        .value("20");
    let ask = bed
        .elb
        .modify_target_group_attributes()
        .target_group_arn(&targets);
    ask.attributes(delay.build()).send().await.unwrap();
    group(&bed, "masters", 1)
        .await
        .target_group_arns(&targets)
        .send()
        .await
        .unwrap();
    bed.pass(120);
    desire(&bed, "masters", 0).await;
    bed.pass(80);
    assert!(health(&bed, &targets).await.is_empty());
    assert!(members(&bed, "masters").await.is_empty());
}

/// With ELB health checks a member whose application stops answering is replaced, after its grace.
#[tokio::test]
async fn a_member_that_does_not_answer_is_replaced_after_its_grace() {
    let bed = Bed::start();
    let (_, targets) = balancer(&bed, "lb").await;
    let ask = group(&bed, "masters", 1).await.target_group_arns(&targets);
    ask.health_check_type("ELB")
        .health_check_grace_period(300)
        .send()
        .await
        .unwrap();
    bed.pass(120);
    let first = a_member(&bed, "masters").await;
    bed.region().silence(&first, true);
    bed.pass(100);
    assert_eq!(health(&bed, &targets).await, ["unhealthy"]);
    assert_eq!(
        members(&bed, "masters").await[0]
            .lifecycle_state()
            .unwrap()
            .as_str(),
        "InService",
        "in its grace"
    );
    bed.pass(900);
    let now = members(&bed, "masters").await;
    assert!(now.len() == 1 && now[0].instance_id() != Some(first.as_str()));
}

#[tokio::test]
async fn answers_fill_in_what_a_request_left_out() {
    let bed = Bed::start();
    let (balancer, targets) = balancer(&bed, "lb").await;
    let to_https = RedirectActionConfig::builder()
        .protocol("HTTPS")
        .port("443");
    let to_https = to_https
        .status_code(RedirectActionStatusCodeEnum::Http301)
        .build();
    let action = Action::builder()
        .r#type(ActionTypeEnum::Redirect)
        .redirect_config(to_https)
        .build();
    let ask = bed
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Https)
        .port(443);
    let ask = ask.default_actions(action);
    assert_eq!(
        code(ask.clone().send().await),
        "ValidationError",
        "HTTPS needs a certificate"
    );
    let unknown = Certificate::builder()
        .certificate_arn("arn:aws:acm:none")
        .build();
    assert_eq!(
        code(ask.clone().certificates(unknown).send().await),
        "CertificateNotFound"
    );
    let known = Certificate::builder()
        .certificate_arn(bed.region().add_certificate())
        .build();
    let answer = ask.certificates(known).send().await.unwrap();
    let listener = &answer.listeners()[0];
    let redirect = listener.default_actions()[0].redirect_config().unwrap();
    assert_eq!(
        (redirect.host(), redirect.path(), redirect.query()),
        (Some("#{host}"), Some("/#{path}"), Some("#{query}"))
    );

    let arn = listener.listener_arn().unwrap();
    let path = RuleCondition::builder()
        .field("path-pattern")
        .values("/")
        .build();
    let refuse = FixedResponseActionConfig::builder()
        .status_code("401")
        .build();
    let refuse = Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(refuse)
        .build();
    let ask = bed
        .elb
        .create_rule()
        .listener_arn(arn)
        .priority(1)
        .conditions(path)
        .actions(refuse);
    ask.clone().send().await.unwrap();
    assert_eq!(code(ask.send().await), "PriorityInUse");
    let rules = bed
        .elb
        .describe_rules()
        .listener_arn(arn)
        .send()
        .await
        .unwrap();
    let priorities: Vec<_> = rules
        .rules()
        .iter()
        .map(|r| r.priority().unwrap())
        .collect();
    assert_eq!(priorities, ["1", "default"]);
    let condition = &rules.rules()[0].conditions()[0];
    assert_eq!(condition.path_pattern_config().unwrap().values(), ["/"]);

    let used = bed.elb.delete_target_group().target_group_arn(&targets);
    assert_eq!(code(used.send().await), "ResourceInUse");
}

#[tokio::test]
async fn names_are_unique_and_short_and_the_same_again_is_no_error() {
    let bed = Bed::start();
    let groups = security_group(&bed, "lb").await;
    let ask = bed
        .elb
        .create_load_balancer()
        .name("lb")
        .security_groups(groups);
    let ask = ask.set_subnets(Some(bed.subnets.clone()));
    let first = ask.clone().send().await.unwrap();
    let again = ask.clone().send().await.unwrap();
    assert_eq!(
        first.load_balancers()[0].load_balancer_arn(),
        again.load_balancers()[0].load_balancer_arn()
    );
    let other = ask.clone().scheme("internal".into());
    assert_eq!(code(other.send().await), "DuplicateLoadBalancerName");
    assert_eq!(
        code(ask.clone().name("a".repeat(33)).send().await),
        "ValidationError"
    );
    let one_zone = ask
        .name("other")
        .set_subnets(Some(vec![bed.subnets[0].clone()]));
    assert_eq!(code(one_zone.send().await), "ValidationError");
    let state = |answer: &aws_sdk_elasticloadbalancingv2::operation::describe_load_balancers::DescribeLoadBalancersOutput| {
        answer.load_balancers()[0].state().unwrap().code().unwrap().as_str().to_owned()
    };
    let describe = bed.elb.describe_load_balancers().names("lb");
    assert_eq!(
        state(&describe.clone().send().await.unwrap()),
        "provisioning"
    );
    bed.pass(120);
    assert_eq!(state(&describe.send().await.unwrap()), "active");
}
