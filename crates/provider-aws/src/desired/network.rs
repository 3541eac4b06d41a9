//! Security groups, rule by rule.
//!
//! The rules are those of OpenVidu's CloudFormation template. It opens no port to people's shells, and neither do we.

use std::fmt;

use ovo_api::act::ActKind;
use ovo_model::{Property, Resource, ResourceId, Stage};

use super::{Build, Plan, fixed, list, output};
use crate::kinds::{
    AUTHORIZE_EGRESS, AUTHORIZE_INGRESS, FOUNDATION_SCOPE, MASTERS, MEDIA, REVOKE_EGRESS,
    REVOKE_INGRESS, SECURITY_GROUP,
};

/// Security group of the balancer.
pub(crate) const BALANCER: &str = "balancer";
/// Security group of the shared Redis.
pub(crate) const REDIS: &str = "redis";
/// The other end of a rule from the group to itself, as a value.
pub(crate) const ITSELF: &str = "self";
/// Everything that IPv4 reaches.
pub(crate) const ANY_V4: &str = "0.0.0.0/0";
/// Everything that IPv6 reaches.
pub(crate) const ANY_V6: &str = "::/0";
/// The rule that lets everything out. EC2 makes it with each group.
pub(crate) const ALL_OUT: &str = "egress all v4";
/// Rules that nobody declared. An empty list takes them away.
pub(crate) const OTHER_IN: &str = "otherIngress";
/// The same for what goes out.
pub(crate) const OTHER_OUT: &str = "otherEgress";

/// Where a rule lets in from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// All of IPv4.
    AnyV4,
    /// All of IPv6.
    AnyV6,
    /// The members of the same group.
    Itself,
    /// The members of another group of the cluster.
    Group(&'static str),
}

/// Ports that are let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) protocol: &'static str,
    pub(crate) first: i32,
    pub(crate) last: i32,
    from: &'static [From],
}

const ANY: &[From] = &[From::AnyV4, From::AnyV6];

const fn ports(protocol: &'static str, first: i32, last: i32, from: &'static [From]) -> Ports {
    Ports {
        protocol,
        first,
        last,
        from,
    }
}

const fn tcp(port: i32, from: &'static [From]) -> Ports {
    ports("tcp", port, port, from)
}

const fn udp(port: i32, from: &'static [From]) -> Ports {
    ports("udp", port, port, from)
}

/// The groups, in an order in which each names only earlier ones, and what is let in.
pub(crate) const GROUPS: &[(&str, &[Ports])] = &[
    (BALANCER, &[tcp(80, ANY), tcp(443, ANY)]),
    (
        MASTERS,
        &[
            // TURN, which does not pass the balancer.
            tcp(3478, ANY),
            udp(3478, ANY),
            // The front door of each master, and what the masters say to each other.
            tcp(4443, &[From::Group(BALANCER), From::Itself]),
            tcp(5443, &[From::Itself]),
            // What TURN relays.
            ports("tcp", 40_000, 65_535, ANY),
            ports("udp", 40_000, 65_535, ANY),
        ],
    ),
    (REDIS, &[tcp(6379, &[From::Group(MASTERS)])]),
    (
        MEDIA,
        &[
            // TURN, where media nodes have it.
            tcp(443, ANY),
            udp(443, ANY),
            // The node's controller, speech to text, and the media server's own door.
            tcp(3000, &[From::Group(MASTERS)]),
            tcp(4000, &[From::Group(MASTERS)]),
            tcp(8888, &[From::Group(MASTERS)]),
            ports("tcp", 40_000, 65_535, ANY),
            ports("udp", 40_000, 65_535, ANY),
        ],
    ),
];

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnyV4 => "v4",
            Self::AnyV6 => "v6",
            Self::Itself => ITSELF,
            Self::Group(name) => name,
        })
    }
}

impl Ports {
    /// The rules that let in here, each with the name of its property.
    pub(crate) fn rules(&'static self) -> impl Iterator<Item = (String, From)> {
        let (protocol, first, last) = (self.protocol, self.first, self.last);
        self.from.iter().map(move |from| {
            let name = if first == last {
                format!("ingress {protocol} {first} {from}")
            } else {
                format!("ingress {protocol} {first}-{last} {from}")
            };
            (name, *from)
        })
    }
}

/// The id of a security group of the cluster.
pub(super) fn id(name: &str) -> ResourceId {
    ResourceId::new(SECURITY_GROUP, name)
}

pub(super) fn resources(plan: &Plan<'_>) -> Vec<Resource> {
    GROUPS
        .iter()
        .map(|(name, ports)| group(plan, name, ports))
        .collect()
}

fn group(plan: &Plan<'_>, name: &str, ports: &'static [Ports]) -> Resource {
    let calls = ["CreateSecurityGroup", "DeleteSecurityGroup"];
    let mut build = Build::new(
        SECURITY_GROUP,
        name,
        FOUNDATION_SCOPE,
        Stage::Foundation,
        calls,
    )
    .with(
        "vpc",
        fixed(plan.aws.vpc_id.as_str(), "CreateSecurityGroup"),
    )
    .with(ALL_OUT, Property::operator(ANY_V4, AUTHORIZE_EGRESS));
    for (other, call) in [(OTHER_IN, REVOKE_INGRESS), (OTHER_OUT, REVOKE_EGRESS)] {
        // Conversations may have come to run through a rule that somebody added. No kind of act says that a rule goes;
        // this one says that connections drop, so it waits until nobody talks.
        let none = Property::operator("", call)
            .value(list([]))
            .act(ActKind::ReloadBalancer);
        build = build.with(other, none);
    }
    for (property, from) in ports.iter().flat_map(Ports::rules) {
        let rule = |text: &str| Property::operator(text, AUTHORIZE_INGRESS);
        let rule = match from {
            From::AnyV4 => rule(ANY_V4),
            From::AnyV6 => rule(ANY_V6),
            From::Itself => rule(ITSELF),
            From::Group(other) => {
                let other = id(other);
                if !build.0.after.contains(&other) {
                    build = build.after([other.clone()]);
                }
                rule("").value(output(&other, "id"))
            }
        };
        build = build.with(&property, rule);
    }
    build.done()
}
