//! The balancer in front of the masters.
//!
//! An application load balancer takes another certificate, listener action or rule for new requests only: what runs goes
//! on. Another security group or subnet drops connections.

use ovo_api::act::{ActKind, Role};
use ovo_api::profile::Health;
use ovo_model::{Property, ProviderError, Resource, ResourceId, Stage};

use super::{Build, Plan, fixed, invalid, list, network, output};
use crate::kinds::{
    BALANCER, BALANCER_SCOPE, LISTENER, MASTERS, MODIFY_LISTENER, MODIFY_RULE, MODIFY_TARGET_GROUP,
    RULE, SET_SECURITY_GROUPS, SET_SUBNETS, TARGET_GROUP, THE_BALANCER,
};

/// Port and protocol of each listener, by its short name.
pub(crate) const LISTENERS: [(&str, i32, &str); 2] =
    [("http", 80, "HTTP"), ("https", 443, "HTTPS")];
/// Priority of each rule of the HTTPS listener, by its short name.
pub(crate) const RULES: [(&str, i32); 3] = [("root", 1), ("inspector", 2), ("openvidu", 3)];

const TO_HTTPS: &str = "redirect HTTPS://#{host}:443/#{path}?#{query} HTTP_301";
const TO_INSPECTOR: &str = "redirect #{protocol}://#{host}:#{port}/inspector/?#{query} HTTP_301";
const REFUSE: &str = "fixed 401";
/// Names the output that sends to the targets, as an action.
pub(crate) const FORWARD: &str = "forward";

/// The id of the masters as targets.
pub(super) fn targets_id() -> ResourceId {
    ResourceId::new(TARGET_GROUP, MASTERS)
}

fn part(kind: &str, name: &str, create: &str, delete: &str) -> Build {
    let calls = [create, delete];
    Build::new(kind, name, BALANCER_SCOPE, Stage::Balancer, calls).role(Role::LoadBalancer)
}

/// AWS's words for codes that count as healthy.
fn codes(health: &Health) -> String {
    match health.codes {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

pub(super) fn targets(plan: &Plan<'_>) -> Resource {
    let health = &plan.profile.balancer_health;
    let create = "CreateTargetGroup";
    let check = |number: i64| Property::operator(number, MODIFY_TARGET_GROUP);
    let word = |text: String| Property::operator(text, MODIFY_TARGET_GROUP);
    part(TARGET_GROUP, MASTERS, create, "DeleteTargetGroup")
        .with("vpc", fixed(plan.aws.vpc_id.as_str(), create))
        .with("protocol", fixed("HTTP", create))
        .with("port", fixed(i64::from(health.port), create))
        .with("targetType", fixed("instance", create))
        .with("healthProtocol", word("HTTP".to_owned()))
        .with("healthPort", word(health.port.to_string()))
        .with("healthPath", word(health.path.to_owned()))
        .with("healthCodes", word(codes(health)))
        // Seconds and counts of OpenVidu's template.
        .with("healthIntervalSeconds", check(10))
        .with("healthTimeoutSeconds", check(5))
        .with("healthyCount", check(3))
        .with("unhealthyCount", check(4))
        .done()
}

pub(super) fn resources(plan: &Plan<'_>) -> Result<Vec<Resource>, ProviderError> {
    let certificate = plan.cluster.spec.load_balancer.certificate.as_ref();
    let certificate = certificate.and_then(|c| c.arn.as_deref()).ok_or_else(|| {
        invalid(
            "spec.loadBalancer.certificate.arn",
            "the balancer needs a certificate of AWS Certificate Manager in the cluster's region; name its ARN",
        )
    })?;
    let security_group = network::id(network::BALANCER);
    let drops = |call: &str| Property::operator("", call).act(ActKind::ReloadBalancer);
    let balancer = part(
        BALANCER,
        THE_BALANCER,
        "CreateLoadBalancer",
        "DeleteLoadBalancer",
    )
    .after([security_group.clone()])
    .with("scheme", fixed("internet-facing", "CreateLoadBalancer"))
    .with(
        "securityGroup",
        drops(SET_SECURITY_GROUPS).value(output(&security_group, "id")),
    )
    .with("subnets", drops(SET_SUBNETS).value(plan.subnets()))
    .done();
    let mut resources = vec![balancer];
    for (name, _, protocol) in LISTENERS {
        resources.push(listener(name, protocol, certificate));
    }
    resources.extend(RULES.map(|(name, _)| rule(name)));
    Ok(resources)
}

fn listener(name: &str, protocol: &str, certificate: &str) -> Resource {
    let set = |value: &str| Property::operator(value, MODIFY_LISTENER);
    let listener = part(LISTENER, name, "CreateListener", "DeleteListener")
        .after([ResourceId::new(BALANCER, THE_BALANCER)])
        .with("protocol", set(protocol));
    if protocol == "HTTP" {
        return listener.with("action", set(TO_HTTPS)).done();
    }
    listener
        .after([targets_id()])
        .with("certificate", set(certificate))
        .with("action", set("").value(output(&targets_id(), FORWARD)))
        .done()
}

fn rule(name: &str) -> Resource {
    let set = |value: &str| Property::operator(value, MODIFY_RULE);
    let (path, action) = match name {
        // Nobody finds the dashboard by accident.
        "root" => ("/", set(REFUSE)),
        "inspector" => ("/inspector", set(TO_INSPECTOR)),
        _ => ("/openvidu*", set("").value(output(&targets_id(), FORWARD))),
    };
    part(RULE, name, "CreateRule", "DeleteRule")
        .after([ResourceId::new(LISTENER, "https"), targets_id()])
        .with("paths", set("").value(list([path.to_owned()])))
        .with("action", action)
        .done()
}
