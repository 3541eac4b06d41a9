//! Security groups by rule, and what holds them.

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, UserIdGroupPair};
use ovo_aws::Bed;

use crate::common::{code, group, security_group};

fn tcp(port: i32) -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
}

#[tokio::test]
async fn rules_have_ids_and_are_there_once() {
    let bed = Bed::start();
    let (masters, balancer) = (
        security_group(&bed, "masters").await,
        security_group(&bed, "lb").await,
    );
    let from = UserIdGroupPair::builder().group_id(&balancer).build();
    let range = IpRange::builder()
        .cidr_ip("10.1.2.3/8")
        .description("office")
        .build();
    let allow = bed
        .ec2
        .authorize_security_group_ingress()
        .group_id(&masters);
    let allow = allow.ip_permissions(tcp(4443).user_id_group_pairs(from).ip_ranges(range).build());
    let made = allow
        .clone()
        .send()
        .await
        .unwrap()
        .security_group_rules()
        .to_vec();
    assert_eq!(made.len(), 2);
    assert_eq!(code(allow.send().await), "InvalidPermission.Duplicate");

    let of_masters = Filter::builder().name("group-id").values(&masters).build();
    let rules = bed
        .ec2
        .describe_security_group_rules()
        .filters(of_masters)
        .send()
        .await
        .unwrap();
    let rules = rules.security_group_rules();
    assert_eq!(rules.len(), 3, "two, and the one that lets everything out");
    let office = rules
        .iter()
        .find(|r| r.description() == Some("office"))
        .unwrap();
    assert_eq!(
        office.cidr_ipv4(),
        Some("10.0.0.0/8"),
        "host bits are cleared"
    );

    let revoke = bed.ec2.revoke_security_group_ingress().group_id(&masters);
    let revoke = revoke.security_group_rule_ids(office.security_group_rule_id().unwrap());
    revoke.clone().send().await.unwrap();
    assert_eq!(
        code(revoke.send().await),
        "InvalidSecurityGroupRuleId.NotFound"
    );
    let described = bed
        .ec2
        .describe_security_groups()
        .group_ids(&masters)
        .send()
        .await
        .unwrap();
    let permissions = described.security_groups()[0].ip_permissions();
    assert_eq!(permissions.len(), 1);
    assert_eq!(
        permissions[0].user_id_group_pairs()[0].group_id(),
        Some(balancer.as_str())
    );

    let delete = bed.ec2.delete_security_group().group_id(&balancer);
    assert_eq!(
        code(delete.send().await),
        "DependencyViolation",
        "another group's rule names it"
    );
}

/// Interfaces hold a group: those of instances until they have ended, those of a balancer for minutes after it.
#[tokio::test]
async fn a_group_is_held_by_interfaces() {
    let bed = Bed::start();
    let (balancer, _) = crate::balancers::balancer(&bed, "lb").await;
    let by_name = Filter::builder().name("group-name").values("lb").build();
    let found = bed
        .ec2
        .describe_security_groups()
        .filters(by_name)
        .send()
        .await
        .unwrap();
    let id = found.security_groups()[0].group_id().unwrap().to_owned();
    bed.elb
        .delete_load_balancer()
        .load_balancer_arn(&balancer)
        .send()
        .await
        .unwrap();
    let delete = bed.ec2.delete_security_group().group_id(&id);
    assert_eq!(code(delete.clone().send().await), "DependencyViolation");
    let of_group = Filter::builder().name("group-id").values(&id).build();
    let held = bed
        .ec2
        .describe_network_interfaces()
        .filters(of_group)
        .send()
        .await
        .unwrap();
    assert!(
        held.network_interfaces()
            .iter()
            .all(|i| i.description().unwrap().starts_with("ELB app/lb/"))
    );
    assert_eq!(held.network_interfaces().len(), 2);
    bed.pass(180);
    delete.clone().send().await.unwrap();
    assert_eq!(code(delete.send().await), "InvalidGroup.NotFound");
}

#[tokio::test]
async fn what_ec2_refuses() {
    let bed = Bed::start();
    security_group(&bed, "one").await;
    let same = bed
        .ec2
        .create_security_group()
        .group_name("one")
        .description("x")
        .vpc_id(&bed.vpc);
    assert_eq!(code(same.send().await), "InvalidGroup.Duplicate");
    let nowhere = bed
        .ec2
        .create_security_group()
        .group_name("two")
        .description("x")
        .vpc_id("vpc-none");
    assert_eq!(code(nowhere.send().await), "InvalidVpcID.NotFound");
    let subnets = bed.ec2.describe_subnets().subnet_ids("subnet-none");
    assert_eq!(code(subnets.send().await), "InvalidSubnetID.NotFound");
    let keys = bed.ec2.describe_key_pairs().key_names("none");
    assert_eq!(code(keys.send().await), "InvalidKeyPair.NotFound");
    let dry = bed
        .ec2
        .create_security_group()
        .group_name("two")
        .description("x")
        .vpc_id(&bed.vpc);
    assert_eq!(code(dry.dry_run(true).send().await), "DryRunOperation");
    assert_eq!(bed.region().leftovers().len(), 1, "a dry run makes nothing");
    let strange = Filter::builder().name("no-such-filter").values("x").build();
    let strange = bed.ec2.describe_security_groups().filters(strange);
    assert_eq!(code(strange.send().await), "InvalidParameterValue");
}

#[tokio::test]
async fn a_type_that_a_zone_lacks_is_not_offered_there_and_not_launched_there() {
    let bed = Bed::start();
    bed.region().offer("c5.xlarge", &['a']);
    let ask = bed
        .ec2
        .describe_instance_type_offerings()
        .location_type("availability-zone".into());
    let kind = Filter::builder()
        .name("instance-type")
        .values("c5.xlarge")
        .build();
    let offers = ask.filters(kind).send().await.unwrap();
    let zones: Vec<_> = offers
        .instance_type_offerings()
        .iter()
        .map(|o| o.location().unwrap())
        .collect();
    assert_eq!(zones, ["eu-west-1a"]);
    group(&bed, "media", 2).await.send().await.unwrap();
    bed.pass(60);
    let instances = bed.region().instances();
    assert!(instances.len() == 1 && instances[0].zone == "eu-west-1a");
}
