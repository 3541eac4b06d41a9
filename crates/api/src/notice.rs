//! What a manifest asks for that is accepted and not built yet.
//!
//! Such a field is never dropped in silence: it is named by `validate` and in a condition of the cluster.

use std::fmt;

use crate::spec::{
    AutoscalingMode, FirewallMode, HostKeyPolicy, IngressBalancer, OpenViduClusterSpec,
    TurnPlacement,
};

/// A field whose behaviour is not built yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldNotice {
    /// Path of the field.
    pub field: &'static str,
    /// What happens instead.
    pub message: &'static str,
}

impl fmt::Display for FieldNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not built yet: {}", self.field, self.message)
    }
}

/// The fields that a spec uses and whose behaviour is not built yet, ordered by field.
pub fn not_built_yet(spec: &OpenViduClusterSpec) -> Vec<FieldNotice> {
    let mut notices: Vec<FieldNotice> = TABLE
        .iter()
        .filter(|(_, _, used)| used(spec))
        .map(|(field, message, _)| FieldNotice { field, message })
        .collect();
    notices.sort_unstable();
    notices
}

/// The fields that [`not_built_yet`] knows.
pub fn not_built_yet_fields() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(field, _, _)| *field)
}

type Used = fn(&OpenViduClusterSpec) -> bool;

/// Field, what happens instead, and whether a spec uses it.
const TABLE: &[(&str, &str, Used)] = &[
    (
        "spec.media.autoscaling.mode",
        "acts as Manual: spec.media.replicas decides",
        |spec| spec.media.autoscaling.mode() != AutoscalingMode::Manual,
    ),
    (
        "spec.media.autoscaling.schedules",
        "they are not followed",
        |spec| !spec.media.autoscaling.schedules.is_empty(),
    ),
    (
        "spec.media.autoscaling.reservations",
        "they are not followed",
        |spec| !spec.media.autoscaling.reservations.is_empty(),
    ),
    (
        "spec.media.autoscaling.spareSessions",
        "none are kept free",
        |spec| spec.media.autoscaling.spare_sessions() > 0,
    ),
    (
        "spec.loadBalancer.managed",
        "no balancer is installed, and LoadBalancerReady stays False",
        |spec| spec.load_balancer.managed.is_some(),
    ),
    ("spec.ingress.loadBalancer", "acts as Shared", |spec| {
        spec.ingress.load_balancer() == IngressBalancer::Separate
    }),
    ("spec.turn.placement", "External acts as Masters", |spec| {
        spec.turn.placement() == TurnPlacement::External
    }),
    ("spec.firewall.mode", "acts as Report", |spec| {
        spec.firewall.mode() == FirewallMode::Enforce
    }),
    (
        "spec.infrastructure.aws.dns.hostedZoneID",
        "the record of spec.domainName is yours to make",
        |spec| {
            spec.infrastructure
                .aws
                .as_ref()
                .is_some_and(|aws| aws.dns.hosted_zone_id.is_some())
        },
    ),
    (
        "spec.infrastructure.aws.capacity.spot",
        "media nodes are bought on demand",
        |spec| {
            spec.infrastructure
                .aws
                .as_ref()
                .is_some_and(|aws| aws.capacity.spot())
        },
    ),
    (
        "spec.infrastructure.aws.capacity.instanceTypes",
        "only spec.media.instanceType is bought",
        |spec| {
            spec.infrastructure
                .aws
                .as_ref()
                .is_some_and(|aws| !aws.capacity.instance_types.is_empty())
        },
    ),
    (
        "spec.infrastructure.onPrem.ssh.hostKeyPolicy",
        "a machine without a hostKey is not reached",
        |spec| {
            spec.infrastructure.on_prem.as_ref().is_some_and(|on_prem| {
                on_prem.ssh.host_key_policy() == HostKeyPolicy::TrustOnFirstUse
            })
        },
    ),
    (
        "spec.infrastructure.onPrem.ssh.jumpHost",
        "machines are reached directly",
        |spec| {
            spec.infrastructure
                .on_prem
                .as_ref()
                .is_some_and(|on_prem| on_prem.ssh.jump_host.is_some())
        },
    ),
];
