//! The CEL rules of the CRD, as data.
//!
//! Each table belongs to one type or field of [`crate::spec`], whose schema attribute names it. A rule says
//! what is wrong, with the value where it can, and the way out; the API server and [`crate::validate`] put the
//! field before it. Rules are written for Kubernetes' CEL and run unchanged through kube-cel.
//!
//! Lists, maps and texts that a rule walks are bounded in the schema: the API server refuses a CRD whose rules
//! could cost too much. A transition rule on a field is skipped when the field comes or goes, so the ones for
//! optional fields stand on their parent.

mod balancer;
mod cluster;
mod config;
mod infrastructure;
mod machines;
mod media;
mod node;
mod values;

use kube::core::{Message, Rule, validate};
use schemars::Schema;

pub(crate) use balancer::certificate;
pub(crate) use cluster::{elastic_stack, object, spec, turn};
pub(crate) use config::{config_from, config_keys};
pub(crate) use infrastructure::{aws, images, infrastructure, tags};
pub(crate) use machines::{installer, jump_host, machine, pool, ssh};
pub(crate) use media::{autoscaling, disruption, drain, media, reading_interval, reservation};
pub(crate) use node::{node_object, node_spec};
pub(crate) use values::{
    ami, bucket_name, cluster_id, cron, domain_name, duration, email, host_key, hosted_zone,
    iam_arn, instance_type, instance_types, ip, key_pair, leave_description_to_field, map_by_name,
    port_url, redis_node_type, region, secret_key, secret_name, set, subnet_ids, time_zone,
    turn_urls, version, vpc, window_duration,
};

/// One CEL rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CelRule {
    /// Field that the error names, relative to where the rule stands; empty for that place itself.
    at: &'static str,
    /// The rule: true for what is allowed.
    cel: &'static str,
    /// What to say when it is false.
    says: Says,
}

/// What a broken rule says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// Always the same.
    Text(&'static str),
    /// A text with `%s` and `%d`, and the CEL expressions that stand for them.
    ///
    /// Formatting is the one way to name a value that the API server can bound: it takes the cost of a text
    /// put together with `+` or `join` for unlimited, and refuses the CRD.
    Format(&'static str, &'static str),
}

const fn text(at: &'static str, cel: &'static str, says: &'static str) -> CelRule {
    CelRule {
        at,
        cel,
        says: Says::Text(says),
    }
}

const fn tell(
    at: &'static str,
    cel: &'static str,
    template: &'static str,
    values: &'static str,
) -> CelRule {
    CelRule {
        at,
        cel,
        says: Says::Format(template, values),
    }
}

/// Hangs rules on a schema.
#[expect(
    clippy::expect_used,
    reason = "a rule is made of texts, which always serialize"
)]
fn attach(schema: &mut Schema, rules: &[CelRule]) {
    for rule in rules {
        let mut built = Rule::new(rule.cel).message(match rule.says {
            Says::Text(message) => Message::Message(message.to_owned()),
            Says::Format(template, values) => {
                let template = template.replace('\\', "\\\\").replace('\'', "\\'");
                Message::Expression(format!("'{template}'.format([{values}])"))
            }
        });
        if !rule.at.is_empty() {
            built = built.field_path(rule.at);
        }
        validate(schema, built).expect("a rule serializes");
    }
}

// Fragments that many rules share, as macros because only those can stand inside `concat!`.

/// The cluster runs OpenVidu 2. For rules that stand on the spec.
macro_rules! v2 {
    () => {
        "self.version.startsWith('2.')"
    };
}

/// The cluster runs OpenVidu 3. For rules that stand on the spec.
macro_rules! v3 {
    () => {
        "self.version.startsWith('3.')"
    };
}

/// The cluster runs on AWS. For rules that stand on the spec.
macro_rules! on_aws {
    () => {
        "has(self.infrastructure.aws)"
    };
}

/// The cluster runs on machines. For rules that stand on the spec.
macro_rules! on_prem {
    () => {
        "has(self.infrastructure.onPrem)"
    };
}

/// How many machines have a role. For rules that stand on the spec.
macro_rules! machines_in {
    ($role:literal) => {
        concat!(
            "self.infrastructure.onPrem.machines.filter(m, m.role == '",
            $role,
            "').size()"
        )
    };
}

/// The text is no duration, and its bounds say so: what follows it in a rule may take it for one. Without this the API server would
/// add that it cannot convert it. For rules that stand on a text.
macro_rules! no_duration_or {
    ($rule:literal) => {
        concat!(
            "self.size() < 2 || !self.matches('",
            crate::value::duration_pattern!(),
            "') || ",
            $rule
        )
    };
}

use {machines_in, no_duration_or, on_aws, on_prem, v2, v3};
