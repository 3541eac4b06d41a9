//! The two groups that launch and end instances.

use ovo_api::act::{ActKind, Role};
use ovo_api::spec::AutoscalingMode;
use ovo_model::{Owner, Property, Resource, ResourceId, Scalar, Stage, Value};

use super::{Build, Plan, balancer, output, templates};
use crate::kinds::{
    ATTACH, CREATE_OR_UPDATE_TAGS, GROUP, MASTERS, MEDIA, PUT_LAUNCH_HOOK, PUT_TERMINATE_HOOK,
    SUSPEND, TAG, UPDATE_GROUP,
};

/// How long a new master may fail the balancer's check, in seconds (OpenVidu's template).
const GRACE_SECONDS: i64 = 180;
/// How long each hook holds a media node, in seconds: OpenVidu's template, and the least that AWS takes.
const HOOK_SECONDS: i64 = 30;

fn id(name: &str) -> ResourceId {
    ResourceId::new(GROUP, name)
}

fn set(value: impl Into<Scalar>) -> Property {
    Property::operator(value, UPDATE_GROUP)
}

fn mark(value: &str) -> Property {
    Property::operator(value, CREATE_OR_UPDATE_TAGS)
}

pub(super) fn masters(plan: &Plan<'_>) -> Resource {
    let (masters, targets) = (&plan.cluster.spec.masters, balancer::targets_id());
    group(plan, MASTERS, Role::Master, Stage::Masters)
        .after([targets.clone()])
        .with("min", set(i64::from(masters.min())))
        .with("max", set(i64::from(masters.max())))
        .with("healthCheck", set("ELB"))
        .with("healthCheckGraceSeconds", set(GRACE_SECONDS))
        .with("newInstancesProtected", set(false))
        .with(
            "targetGroup",
            Property::operator("", ATTACH).value(output(&targets, "arn")),
        )
        .with(&format!("{TAG}ov-cluster-member"), mark("server"))
        .done()
}

pub(super) fn media(plan: &Plan<'_>) -> Resource {
    let media = &plan.cluster.spec.media;
    let mut build = group(plan, MEDIA, Role::Media, Stage::Media)
        .after([id(MASTERS)])
        .with("min", set(i64::from(media.min())))
        // The surge is room for nodes that take new sessions while others drain.
        .with("max", set(i64::from(media.max() + media.max_surge())))
        .with("healthCheck", set("EC2"))
        // OpenVidu's masters lift it from a node that is empty; a group that could choose would end conversations.
        .with("newInstancesProtected", set(true))
        .with(&format!("{TAG}ov-cluster-member"), mark("kms"))
        // How a node begins. From then on the masters write it on each instance, where it is theirs.
        .with(&format!("{TAG}ov-medianode-status"), mark("running"));
    // The masters hear of launches and ends by these alone.
    for (name, call, result) in [
        ("launchHook", PUT_LAUNCH_HOOK, "CONTINUE"),
        ("terminateHook", PUT_TERMINATE_HOOK, "ABANDON"),
    ] {
        build = build
            .with(
                &format!("{name}Seconds"),
                Property::operator(HOOK_SECONDS, call),
            )
            .with(&format!("{name}Result"), Property::operator(result, call));
    }
    if plan.cluster.spec.media.autoscaling.mode() == AutoscalingMode::Provider
        && let Some(desired) = build.0.properties.get_mut("desired")
    {
        desired.owner = Owner::CloudPolicy;
    }
    build.done()
}

fn group(plan: &Plan<'_>, name: &str, role: Role, stage: Stage) -> Build {
    let template = templates::id(name);
    let calls = ["CreateAutoScalingGroup", "DeleteAutoScalingGroup"];
    Build::new(GROUP, name, name, stage, calls)
        .role(role)
        .after([template.clone()])
        .with(
            "desired",
            Property::operator(0, "SetDesiredCapacity")
                .value(Value::Planned)
                .act(ActKind::Grow),
        )
        .with("subnets", set("").value(plan.subnets()))
        .with("launchTemplate", set("").value(output(&template, "id")))
        // Each new instance is launched from the newest version, so a change reaches new nodes and no others.
        .with("launchTemplateVersion", set("$Latest"))
        // Evening out the zones ends instances, whoever talks there.
        .with("azRebalanceSuspended", Property::operator(true, SUSPEND))
}
