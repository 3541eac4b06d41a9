//! What the example manifest should have on AWS, property by property. `INSTA_UPDATE=always` writes the file anew.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ovo_api::OpenViduCluster;
use ovo_api::act::ActKind;
use ovo_model::{Change, Owner, ProviderError, Resource, Value};
use ovo_provider_aws::desired;

const MANIFEST: &str = include_str!("../../../docs/examples/v2-aws.yaml");

fn example() -> OpenViduCluster {
    let mut cluster: OpenViduCluster = serde_saphyr::from_str(MANIFEST).unwrap();
    let id = ("openvidu.io/infrastructure-id", "abcdefgh");
    let id = (id.0.to_owned(), id.1.to_owned());
    cluster.metadata.annotations = Some(BTreeMap::from([id]));
    cluster
}

fn made(cluster: &OpenViduCluster) -> Result<Vec<Resource>, ProviderError> {
    desired(cluster, cluster.spec.profile().unwrap())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Secret { key, .. } => format!("the secret {key}"),
        Value::OutputOf { resource, output } => format!("{output} of {resource}"),
        Value::Planned => "as planned".to_owned(),
        Value::Known(value) => value.to_string(),
    }
}

fn text(resources: &[Resource]) -> String {
    let mut text = String::new();
    for resource in resources {
        let after: Vec<String> = resource.after.iter().map(ToString::to_string).collect();
        writeln!(
            text,
            "{} scope={} stage={:?} role={:?} create={} delete={} after=[{}]",
            resource.id,
            resource.scope.0,
            resource.stage,
            resource.role,
            resource.create.as_deref().unwrap_or("-"),
            resource.delete,
            after.join(", ")
        )
        .unwrap();
        for (name, property) in &resource.properties {
            write!(
                text,
                "  {name} = {} by {}",
                shown(&property.value),
                property.call
            )
            .unwrap();
            if property.owner != Owner::Operator {
                write!(text, ", decided by {:?}", property.owner).unwrap();
            }
            if property.change != Change::InPlace {
                write!(text, ", {:?}", property.change).unwrap();
            }
            if property.act != ActKind::Update {
                write!(text, ", an act {:?}", property.act).unwrap();
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn what_the_example_manifest_makes() {
    insta::assert_snapshot!(text(&made(&example()).unwrap()));
}

/// The check of the balancer fits the version: OpenVidu answered otherwise before 2.32.
#[test]
fn the_health_check_fits_the_version() {
    let mut cluster = example();
    cluster.spec.version = "2.31.0".to_owned();
    let resources = made(&cluster).unwrap();
    let targets = resources
        .iter()
        .find(|r| r.id.kind == "TargetGroup")
        .unwrap();
    let value = |name: &str| shown(&targets.properties[name].value);
    assert_eq!(value("healthPath"), "\"/openvidu/health\"");
    assert_eq!(value("healthCodes"), "\"200\"");
}

/// In mode Provider the capacity is the cloud's own.
#[test]
fn a_capacity_that_a_policy_sets_is_not_ours() {
    let mut cluster = example();
    cluster.spec.media.autoscaling.mode = Some(ovo_api::spec::AutoscalingMode::Provider);
    let resources = made(&cluster).unwrap();
    let group = |name: &str| {
        let of = |r: &&Resource| r.id.kind == "Group" && r.id.name == name;
        resources.iter().find(of).unwrap().properties["desired"].owner
    };
    assert_eq!(group("media"), Owner::CloudPolicy);
    assert_eq!(group("masters"), Owner::Operator);
}

/// What AWS, the masters' boot script or this release can do nothing with is refused by its field.
#[test]
fn what_cannot_be_is_refused_by_its_field() {
    type Change = fn(&mut OpenViduCluster);
    let cases: [(Change, &str); 5] = [
        (
            |c| c.spec.infrastructure.aws.as_mut().unwrap().images = None,
            "spec.infrastructure.aws.images",
        ),
        (
            |c| {
                let aws = c.spec.infrastructure.aws.as_mut().unwrap();
                aws.region = "eu-central-1".to_owned();
            },
            "spec.infrastructure.aws.images.sourceRegion",
        ),
        (
            |c| c.spec.load_balancer.certificate = None,
            "spec.loadBalancer.certificate.arn",
        ),
        (
            |c| {
                let elastic = c.spec.elastic_stack.as_mut().unwrap();
                elastic.kibana_url = Some("https://kibana:443/?a=b".to_owned());
            },
            "spec.elasticStack.kibanaURL",
        ),
        (|c| c.spec.infrastructure.aws = None, "spec.infrastructure"),
    ];
    for (change, blamed) in cases {
        let mut cluster = example();
        let profile = cluster.spec.profile().unwrap();
        change(&mut cluster);
        match desired(&cluster, profile) {
            Err(ProviderError::Invalid { field, message }) => {
                assert_eq!(field, blamed);
                assert!(!message.is_empty());
            }
            other => panic!("{blamed}: {other:?}"),
        }
    }
}

/// AWS takes names of at most 32 characters for balancers and target groups.
#[test]
fn names_are_short_enough() {
    let cluster = example();
    let names = ovo_provider_aws::Names::of("abcdefgh", &cluster);
    for resource in made(&cluster).unwrap() {
        assert!(names.full(&resource.id.name).len() <= 32, "{}", resource.id);
    }
}
