//! OpenVidu 2 on groups of a cloud: what the CloudFormation template of OpenVidu Enterprise makes, as far as
//! order, ownership and what cuts whom go. A real account needs more of everything.

use ovo_api::OpenViduCluster;
use ovo_api::act::{ActKind, Role};
use ovo_api::profile::Profile;
use ovo_api::spec::autoscaling::AutoscalingMode;
use ovo_api::spec::{Aws, Retention};
use ovo_model::{Change, Owner, Property, Resource, ResourceId, Scalar, SecretKey, Stage, Value};

use super::{Build, config, infrastructure_id};

/// The call that changes a launch template: what is launched from then on follows it.
const TEMPLATE_CALL: &str = "CreateLaunchTemplateVersion";
/// The key that OpenVidu's API is asked with.
const OPENVIDU_SECRET: &str = "OPENVIDU_SECRET";

pub(super) fn desired(cluster: &OpenViduCluster, profile: &Profile, aws: &Aws) -> Vec<Resource> {
    let spec = &cluster.spec;
    let mut resources = Vec::new();
    let mut add = |build: Build| -> ResourceId {
        let resource = build.done();
        let id = resource.id.clone();
        resources.push(resource);
        id
    };
    let known = |kind: &str, name: &str, scope: &str, stage| {
        // The name is what we find it by again, so it can only ever be made anew.
        let full = format!("{}-{name}", infrastructure_id(cluster));
        Build::new(kind, name, scope, stage).with(
            "name",
            Property::operator(full, &format!("Create{kind}")).change(Change::Refuse),
        )
    };

    let bucket = spec.storage.bucket.name().is_none().then(|| {
        let mut build = known("Bucket", "cluster", "foundation", Stage::Foundation).with(
            "publicAccessBlocked",
            Property::operator(true, "PutPublicAccessBlock"),
        );
        build.0.retain = spec.storage.bucket.deletion_policy() == Retention::Retain;
        add(build)
    });
    let groups = [
        (
            "masters",
            vec![
                "3478/udp",
                "3478/tcp",
                "4443/tcp",
                "5443/tcp",
                "40000-65535",
            ],
        ),
        ("balancer", vec!["80/tcp", "443/tcp"]),
        ("redis", vec!["6379/tcp"]),
        (
            "media",
            vec!["443", "3000/tcp", "4000/tcp", "8888/tcp", "40000-65535"],
        ),
    ]
    .map(|(name, ports)| {
        let rules = ports.into_iter().map(str::to_owned).collect();
        let rules = Property::operator("", "AuthorizeSecurityGroupIngress")
            .value(Value::Known(Scalar::List(rules)));
        add(
            known("SecurityGroup", name, "foundation", Stage::Foundation)
                .with(
                    "vpc",
                    Property::operator(aws.vpc_id.as_str(), "CreateSecurityGroup")
                        .change(Change::Refuse),
                )
                .with("rules", rules),
        )
    });
    let queue = add(
        known("Queue", "events", "foundation", Stage::Foundation).with(
            "retentionSeconds",
            Property::operator(60, "SetQueueAttributes"),
        ),
    );
    for (name, pattern) in [
        ("lifecycle", "LAUNCHING|TERMINATING of the media group"),
        ("tick", "rate(1 minute)"),
    ] {
        add(known("Rule", name, "foundation", Stage::Foundation)
            .after([&queue])
            .with("pattern", Property::operator(pattern, "PutRule")));
    }
    let redis = add(known("Redis", "cluster", "state", Stage::State)
        .after(&groups)
        .with(
            "nodeType",
            Property::operator(aws.redis.node_type(), "ModifyReplicationGroup")
                .change(Change::Replace)
                .act(ActKind::Replace),
        )
        .with(
            "replicas",
            Property::operator(i64::from(aws.redis.replicas()), "IncreaseReplicaCount"),
        ));
    let before_config: Vec<_> = bucket.into_iter().chain([redis.clone()]).collect();
    let config = config::resource(cluster, &before_config);
    let config_id = config.id.clone();
    add(Build(config));

    let subnets = Value::Known(Scalar::List(aws.subnet_ids.clone()));
    let template = |role: Role, name: &str, stage| {
        let (kind, disk, image) = match role {
            Role::Master => (
                spec.masters.instance_type(),
                spec.masters.disk_gib(),
                aws.images.as_ref().map(|images| images.master.id.clone()),
            ),
            _ => (
                spec.media.instance_type(),
                spec.media.disk_gib(),
                aws.images.as_ref().map(|images| images.media.id.clone()),
            ),
        };
        known("LaunchTemplate", name, name, stage)
            .role(role)
            .with("instanceType", Property::operator(kind, TEMPLATE_CALL))
            .with(
                "diskGiB",
                Property::operator(i64::from(disk), TEMPLATE_CALL),
            )
            .with(
                "image",
                Property::operator(
                    image.unwrap_or_else(|| format!("openvidu-{}", spec.version)),
                    TEMPLATE_CALL,
                ),
            )
    };
    let secret = |secret: &str, key: &str| {
        let key = SecretKey {
            secret: secret.to_owned(),
            key: key.to_owned(),
        };
        Property::operator("", TEMPLATE_CALL).value(Value::Secret { key, digest: None })
    };
    let output = |resource: &ResourceId, output: &str| {
        let value = Value::OutputOf {
            resource: resource.clone(),
            output: output.to_owned(),
        };
        Property::operator("", TEMPLATE_CALL).value(value)
    };
    let credentials = spec.credentials.as_ref().map_or_else(
        || {
            format!(
                "{}-credentials",
                cluster.metadata.name.as_deref().unwrap_or_default()
            )
        },
        |source| source.secret_ref.name.clone(),
    );
    let license = &spec.license.secret_key_ref;
    let masters_template = add(template(Role::Master, "masters", Stage::Masters)
        .after([&config_id, &queue])
        .with("license", secret(&license.name, &license.key))
        .with("openviduSecret", secret(&credentials, OPENVIDU_SECRET))
        .with("redisEndpoint", output(&redis, "endpoint"))
        .with("queue", output(&queue, "url")));
    let masters = add(group(
        known("Group", "masters", "masters", Stage::Masters),
        Role::Master,
    )
    .after([&masters_template])
    .with("min", in_place(i64::from(spec.masters.min())))
    .with("max", in_place(i64::from(spec.masters.max())))
    .with("healthCheck", in_place("ELB"))
    .with("subnets", in_place("").value(subnets.clone())));
    let certificate = spec
        .load_balancer
        .certificate
        .as_ref()
        .and_then(|c| c.arn.clone())
        .unwrap_or_default();
    add(
        known("LoadBalancer", "cluster", "balancer", Stage::Balancer)
            .role(Role::LoadBalancer)
            .after([&masters])
            .with(
                "certificate",
                Property::operator(certificate, "ModifyListener").act(ActKind::ReloadBalancer),
            )
            .with(
                "healthPath",
                Property::operator(profile.balancer_health.path, "ModifyTargetGroup"),
            )
            .with(
                "subnets",
                Property::operator("", "SetSubnets").value(subnets.clone()),
            ),
    );
    let media_template = add(template(Role::Media, "media", Stage::Media).after([&config_id]));
    let owner = match spec.media.autoscaling.mode() {
        AutoscalingMode::Provider => Owner::CloudPolicy,
        AutoscalingMode::Operator | AutoscalingMode::Manual => Owner::Operator,
    };
    let mut media = group(known("Group", "media", "media", Stage::Media), Role::Media)
        .after([&media_template, &masters])
        .with("min", in_place(i64::from(spec.media.min())))
        // The surge is room for nodes that take new sessions while others drain.
        .with(
            "max",
            in_place(i64::from(spec.media.max() + spec.media.max_surge())),
        )
        .with("newInstancesProtected", in_place(true))
        .with(
            "launchHookSeconds",
            Property::operator(30, "PutLifecycleHook"),
        )
        .with(
            "terminateHookSeconds",
            Property::operator(30, "PutLifecycleHook"),
        )
        .with("subnets", in_place("").value(subnets));
    if let Some(desired) = media.0.properties.get_mut("desired") {
        desired.owner = owner;
    }
    add(media);
    let tags = tags(aws);
    // OpenVidu's configuration is nothing that is billed.
    for resource in resources.iter_mut().filter(|r| r.id.kind != config::KIND) {
        let tags = Property::operator("", "TagResource").value(tags.clone());
        resource.properties.insert("tags".to_owned(), tags);
    }
    resources
}

/// What bills are split by. An empty list takes away those that were wanted before.
fn tags(aws: &Aws) -> Value {
    let tags = aws
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    Value::Known(Scalar::List(tags.collect()))
}

fn in_place(value: impl Into<Scalar>) -> Property {
    Property::operator(value, "UpdateAutoScalingGroup")
}

/// What both groups have. AZRebalance ends instances to even out the zones: it is off.
fn group(build: Build, role: Role) -> Build {
    let suspended = Value::Known(Scalar::List(vec!["AZRebalance".to_owned()]));
    build
        .role(role)
        .with(
            "desired",
            Property::operator(0, "SetDesiredCapacity")
                .value(Value::Planned)
                .act(ActKind::Grow),
        )
        .with(
            "suspended",
            Property::operator("", "SuspendProcesses").value(suspended),
        )
}
