//! Caches: everything takes its time, and what is busy refuses changes.

use ovo_aws::Bed;

use crate::common::{code, security_group};

async fn subnet_group(bed: &Bed) {
    let ask = bed
        .cache
        .create_cache_subnet_group()
        .cache_subnet_group_name("redis");
    let ask = ask.cache_subnet_group_description("for a test");
    ask.set_subnet_ids(Some(bed.subnets.clone()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_replication_group_takes_time_and_spreads_over_zones() {
    let bed = Bed::start();
    subnet_group(&bed).await;
    let security = security_group(&bed, "redis").await;
    let ask = bed
        .cache
        .create_replication_group()
        .replication_group_id("redis");
    let ask = ask
        .replication_group_description("for a test")
        .cache_node_type("cache.t3.medium");
    let ask = ask
        .cache_subnet_group_name("redis")
        .security_group_ids(&security)
        .engine_version("6.x");
    let lonely = ask
        .clone()
        .num_cache_clusters(1)
        .automatic_failover_enabled(true);
    assert_eq!(code(lonely.send().await), "InvalidParameterCombination");
    assert_eq!(
        code(ask.clone().auth_token("0123456789abcdef").send().await),
        "InvalidParameterCombination"
    );
    let ask = ask
        .num_cache_clusters(2)
        .automatic_failover_enabled(true)
        .multi_az_enabled(true);
    let made = ask.clone().send().await.unwrap();
    let made = made.replication_group().unwrap();
    assert_eq!(made.status(), Some("creating"));
    assert!(
        made.node_groups().is_empty(),
        "no endpoint before the nodes are there"
    );
    assert_eq!(code(ask.send().await), "ReplicationGroupAlreadyExists");
    let delete = bed
        .cache
        .delete_replication_group()
        .replication_group_id("redis");
    assert_eq!(
        code(delete.clone().send().await),
        "InvalidReplicationGroupState"
    );
    bed.pass(600);
    let found = bed
        .cache
        .describe_replication_groups()
        .replication_group_id("redis")
        .send()
        .await
        .unwrap();
    let found = &found.replication_groups()[0];
    assert_eq!(found.status(), Some("available"));
    let node_group = &found.node_groups()[0];
    assert!(
        node_group
            .primary_endpoint()
            .unwrap()
            .address()
            .unwrap()
            .starts_with("redis.")
    );
    let zones: Vec<_> = node_group
        .node_group_members()
        .iter()
        .map(|m| m.preferred_availability_zone().unwrap())
        .collect();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1b"]);
    let nodes = bed
        .cache
        .describe_cache_clusters()
        .cache_cluster_id("redis-001")
        .send()
        .await
        .unwrap();
    assert_eq!(
        nodes.cache_clusters()[0].engine_version(),
        Some("6.2.6"),
        "the line that was asked for"
    );

    let group = bed.ec2.delete_security_group().group_id(&security);
    assert_eq!(code(group.clone().send().await), "DependencyViolation");
    let subnets = bed
        .cache
        .delete_cache_subnet_group()
        .cache_subnet_group_name("redis");
    assert_eq!(code(subnets.clone().send().await), "CacheSubnetGroupInUse");
    delete.clone().send().await.unwrap();
    bed.pass(300);
    assert_eq!(code(delete.send().await), "ReplicationGroupNotFoundFault");
    subnets.send().await.unwrap();
    group.send().await.unwrap();
    assert!(bed.region().leftovers().is_empty());
}

#[tokio::test]
async fn a_single_node_is_made_changed_and_deleted() {
    let bed = Bed::start();
    subnet_group(&bed).await;
    let ask = bed
        .cache
        .create_cache_cluster()
        .cache_cluster_id("Single")
        .cache_node_type("cache.t3.medium");
    let ask = ask.num_cache_nodes(1).cache_subnet_group_name("redis");
    ask.send().await.unwrap();
    bed.pass(600);
    let security = security_group(&bed, "redis").await;
    let ask = bed
        .cache
        .modify_cache_cluster()
        .cache_cluster_id("single")
        .security_group_ids(&security);
    ask.clone().send().await.unwrap();
    assert_eq!(code(ask.send().await), "InvalidCacheClusterState");
    bed.pass(300);
    let found = bed
        .cache
        .describe_cache_clusters()
        .show_cache_node_info(true)
        .send()
        .await
        .unwrap();
    let found = &found.cache_clusters()[0];
    assert_eq!(
        found.cache_cluster_id(),
        Some("single"),
        "kept in lower case"
    );
    assert_eq!(
        found.security_groups()[0].security_group_id(),
        Some(security.as_str())
    );
    assert_eq!(
        found.cache_nodes()[0].endpoint().unwrap().port(),
        Some(6379)
    );
    bed.cache
        .delete_cache_cluster()
        .cache_cluster_id("single")
        .send()
        .await
        .unwrap();
    bed.pass(300);
    let gone = bed
        .cache
        .describe_cache_clusters()
        .cache_cluster_id("single");
    assert_eq!(code(gone.send().await), "CacheClusterNotFound");
}

#[tokio::test]
async fn tags_go_by_arn() {
    let bed = Bed::start();
    subnet_group(&bed).await;
    let arn = format!(
        "arn:aws:elasticache:eu-west-1:{}:subnetgroup:redis",
        bed.aws.account()
    );
    let tag = aws_sdk_elasticache::types::Tag::builder()
        .key("color")
        .value("blue")
        .build();
    bed.cache
        .add_tags_to_resource()
        .resource_name(&arn)
        .tags(tag)
        .send()
        .await
        .unwrap();
    let list = bed.cache.list_tags_for_resource().resource_name(&arn);
    assert_eq!(
        list.clone().send().await.unwrap().tag_list()[0].value(),
        Some("blue")
    );
    bed.cache
        .remove_tags_from_resource()
        .resource_name(&arn)
        .tag_keys("color")
        .send()
        .await
        .unwrap();
    assert!(list.send().await.unwrap().tag_list().is_empty());
    let none = bed.cache.list_tags_for_resource().resource_name("nonsense");
    assert_eq!(code(none.send().await), "InvalidARN");
}
