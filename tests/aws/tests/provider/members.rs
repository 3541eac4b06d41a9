//! Members of groups are nodes, with the life that AWS and OpenVidu's masters give them.

use std::collections::BTreeMap;

use ovo_aws_sim::InstanceState;
use ovo_model::{
    MediaState, NodeName, Observation, ObservedNode, Op, Outcome, Presence, ProviderError,
    ResourceId, Scope,
};
use ovo_provider::{Provider, ScopeChoice};

use crate::site::Site;

async fn nodes(site: &Site, group: &str) -> BTreeMap<NodeName, ObservedNode> {
    let scope = Scope::from(group);
    let only = ScopeChoice::Only([scope.clone()].into());
    let (provider, target) = (site.account.provider(), site.account.target());
    let mut seen = provider.observe(&target, &only).await;
    match seen.remove(&scope) {
        Some(Observation::Known { nodes, .. }) => nodes,
        other => panic!("{other:?}"),
    }
}

fn group(name: &str) -> ResourceId {
    ResourceId::new("Group", name)
}

/// Until both groups have their members.
async fn launched(site: &mut Site) {
    for _ in 0..100 {
        site.round().await;
        if site.account.bed.region().instances().len() == 4 {
            return;
        }
    }
    panic!("nothing was launched");
}

async fn presences(site: &Site, group: &str) -> Vec<Presence> {
    let nodes = nodes(site, group).await;
    nodes.values().map(|node| node.presence).collect()
}

#[tokio::test]
async fn a_node_is_pending_until_it_is_in_service_and_protected_from_then_on() {
    let mut site = Site::start().await;
    launched(&mut site).await;
    assert_eq!(presences(&site, "media").await, [Presence::Pending; 2]);
    let pending = nodes(&site, "media").await;
    assert!(pending.values().all(|node| node.protected == Some(false)));
    site.settle().await;
    site.pass(200);
    let media = nodes(&site, "media").await;
    for node in media.values() {
        assert_eq!(node.presence, Presence::Running);
        assert_eq!(node.protected, Some(true));
        assert_eq!(node.group, Some(group("media")));
        assert!(node.address.starts_with("10.0."), "{}", node.address);
        assert!(node.healthy && !node.boot_id.is_empty());
        // Every node is launched with the word `running`: it tells nothing.
        assert_eq!(node.media, MediaState::Unknown);
    }
    let zones: Vec<_> = media.values().filter_map(|n| n.zone.clone()).collect();
    assert!(zones[0] != zones[1], "{zones:?}");
    let masters = nodes(&site, "masters").await;
    assert!(masters.values().all(|node| node.healthy), "{masters:?}");
    let one = masters.keys().next().unwrap().clone();
    site.account.bed.region().silence(&one.0, true);
    site.pass(60);
    assert!(!nodes(&site, "masters").await[&one].healthy);
}

#[tokio::test]
async fn the_masters_word_on_a_node_says_that_it_is_closed() {
    let mut site = Site::start().await;
    site.settle().await;
    site.pass(60);
    let one = nodes(&site, "media").await.into_keys().next().unwrap();
    for (word, state) in [
        ("waiting-idle-to-terminate", MediaState::Closed),
        ("canceled", MediaState::Canceled),
        ("terminating", MediaState::Leaving),
        ("failed", MediaState::Failed),
        ("something new", MediaState::Unknown),
    ] {
        let tag = aws_sdk_ec2::types::Tag::builder().key("ov-medianode-status");
        let call = site.account.bed.ec2.create_tags().resources(&*one.0);
        let call = call.tags(tag.value(word).build());
        call.send().await.unwrap();
        assert_eq!(nodes(&site, "media").await[&one].media, state, "{word}");
    }
}

#[tokio::test]
async fn a_node_that_somebody_terminates_is_gone_and_one_that_its_group_ends_is_ending() {
    let mut site = Site::start().await;
    site.settle().await;
    site.pass(60);
    let one = nodes(&site, "media").await.into_keys().next().unwrap();
    site.account.bed.region().terminate(&one.0);
    let presence = nodes(&site, "media").await[&one].presence;
    assert!(
        matches!(presence, Presence::Terminating | Presence::Gone),
        "{presence:?}"
    );
    let other = nodes(&site, "media").await.into_keys().nth(1).unwrap();
    let op = Op::Terminate {
        node: other.clone(),
        decrement: false,
    };
    assert_eq!(site.account.execute(op.clone()).await, Ok(Outcome::Done));
    let presence = nodes(&site, "media").await[&other].presence;
    assert_eq!(presence, Presence::Terminating);
    // Asked again, it only waits.
    let changes = site.account.changes();
    let again = site.account.execute(op.clone()).await;
    assert!(matches!(again, Ok(Outcome::InProgress { .. })), "{again:?}");
    assert_eq!(site.account.changes(), changes);
    site.pass(300);
    let gone = site.account.execute(op).await;
    assert!(matches!(gone, Err(ProviderError::NotFound(_))), "{gone:?}");
}

/// An instance that is no member of our groups is never ended by us.
#[tokio::test]
async fn an_instance_of_somebody_else_is_not_ended() {
    let mut site = Site::start().await;
    site.settle().await;
    let bed = &site.account.bed;
    let template = crate::hands::theirs(bed).await;
    let launch = aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder();
    let call = bed.scaling.create_auto_scaling_group();
    let call = call
        .auto_scaling_group_name("theirs")
        .min_size(1)
        .max_size(1);
    let call = call.launch_template(launch.launch_template_id(template).build());
    let call = call.vpc_zone_identifier(bed.subnets.join(","));
    call.send().await.unwrap();
    site.pass(60);
    let instances = site.account.bed.region().instances();
    let theirs = instances
        .iter()
        .find(|i| i.group.as_deref() == Some("theirs"));
    let theirs = theirs.unwrap();
    let op = Op::Terminate {
        node: NodeName::from(theirs.id.as_str()),
        decrement: false,
    };
    let answer = site.account.execute(op).await;
    assert!(
        matches!(answer, Err(ProviderError::NotFound(_))),
        "{answer:?}"
    );
    let now = site.account.bed.region().instances();
    let theirs = now.iter().find(|i| i.id == theirs.id).unwrap();
    assert_eq!(theirs.state, InstanceState::Running);
}

#[tokio::test]
async fn a_capacity_is_set_only_from_what_was_seen() {
    let mut site = Site::start().await;
    site.settle().await;
    let op = |from, to| Op::SetCapacity {
        group: group("media"),
        from,
        to,
    };
    let answer = site.account.execute(op(1, 3)).await;
    assert!(
        matches!(answer, Err(ProviderError::Conflict(_))),
        "{answer:?}"
    );
    let desired = |site: &Site| {
        let name = site.account.names().full("media");
        let call = site.account.bed.scaling.describe_auto_scaling_groups();
        let call = call.auto_scaling_group_names(name);
        async move {
            let answer = call.send().await.unwrap();
            answer.auto_scaling_groups()[0].desired_capacity()
        }
    };
    assert_eq!(desired(&site).await, Some(2));
    assert_eq!(site.account.execute(op(2, 3)).await, Ok(Outcome::Done));
    // Its answer was lost: the second try finds it done.
    let changes = site.account.changes();
    assert_eq!(site.account.execute(op(2, 3)).await, Ok(Outcome::Done));
    assert_eq!(site.account.changes(), changes);
    assert_eq!(desired(&site).await, Some(3));
}

/// AWS would lower the capacity along with the bound: that is not ours to slip in.
#[tokio::test]
async fn a_lower_bound_never_lowers_the_capacity() {
    let mut site = Site::start().await;
    site.settle().await;
    let max = ovo_model::Value::Known(1.into());
    let op = Op::Set {
        resource: group("media"),
        call: "UpdateAutoScalingGroup".to_owned(),
        properties: [("max".to_owned(), max)].into(),
    };
    let answer = site.account.execute(op).await;
    assert!(
        matches!(answer, Err(ProviderError::Conflict(_))),
        "{answer:?}"
    );
    let desired = site.property(&group("media"), "desired").await;
    assert_eq!(desired, Some(2.into()));
}

#[tokio::test]
async fn protection_is_switched_where_it_is_otherwise() {
    let mut site = Site::start().await;
    site.settle().await;
    site.pass(60);
    let names: Vec<_> = nodes(&site, "media").await.into_keys().collect();
    let op = |protected| Op::SetProtection {
        group: group("media"),
        nodes: names.clone(),
        protected,
    };
    let changes = site.account.changes();
    assert_eq!(site.account.execute(op(true)).await, Ok(Outcome::Done));
    assert_eq!(site.account.changes(), changes, "they have it already");
    let call = site.account.bed.scaling.set_instance_protection();
    let call = call.auto_scaling_group_name(site.account.names().full("media"));
    let call = call
        .instance_ids(&*names[0].0)
        .protected_from_scale_in(false);
    call.send().await.unwrap();
    assert_eq!(site.account.execute(op(true)).await, Ok(Outcome::Done));
    let all = nodes(&site, "media").await;
    assert!(all.values().all(|node| node.protected == Some(true)));
}
