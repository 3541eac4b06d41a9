//! Attributes of balancers and target groups: those that were set, and the defaults of the others.

use std::collections::BTreeMap;

use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{balancers, target_groups};

/// Defaults of an application load balancer, as its guide has them.
const BALANCER: &[(&str, &str)] = &[
    ("deletion_protection.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("routing.http2.enabled", "true"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("access_logs.s3.enabled", "false"),
];

/// Defaults of a target group of instances.
const TARGETS: &[(&str, &str)] = &[
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("slow_start.duration_seconds", "0"),
    ("load_balancing.algorithm.type", "round_robin"),
];

fn all(set: &BTreeMap<String, String>, defaults: &[(&str, &str)]) -> Vec<Record> {
    defaults
        .iter()
        .map(|(key, default)| {
            let value = set.get(*key).map_or(*default, String::as_str);
            Record::new().with("Key", *key).with("Value", value)
        })
        .collect()
}

fn put(
    set: &mut BTreeMap<String, String>,
    input: &Record,
    known: &[(&str, &str)],
) -> Result<(), Fault> {
    for attribute in input.records("Attributes") {
        let text = |name: &str| attribute.text(name).unwrap_or_default().to_owned();
        let key = text("Key");
        if !known.iter().any(|(name, _)| *name == key) {
            return Err(Fault::new(
                "InvalidConfigurationRequest",
                format!("Attribute key '{key}' is not recognized"),
            ));
        }
        set.insert(key, text("Value"));
    }
    Ok(())
}

pub(super) fn describe_balancer(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("LoadBalancerArn");
    let found = region.balancers.seen(arn, region.now());
    let found = found.ok_or_else(|| balancers::not_found(arn))?;
    Ok(Record::new().with("Attributes", all(&found.attributes, BALANCER)))
}

pub(super) fn modify_balancer(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("LoadBalancerArn"), region.now());
    let found = region.balancers.seen_mut(arn, now);
    let found = found.ok_or_else(|| balancers::not_found(arn))?;
    put(&mut found.attributes, input, BALANCER)?;
    Ok(Record::new().with("Attributes", all(&found.attributes, BALANCER)))
}

pub(super) fn describe_targets(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("TargetGroupArn");
    let found = region.target_groups.seen(arn, region.now());
    let found = found.ok_or_else(|| target_groups::not_found(arn))?;
    Ok(Record::new().with("Attributes", all(&found.attributes, TARGETS)))
}

pub(super) fn modify_targets(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("TargetGroupArn"), region.now());
    let found = region.target_groups.seen_mut(arn, now);
    let found = found.ok_or_else(|| target_groups::not_found(arn))?;
    let delay =
        |record: &&Record| record.text("Key") == Some("deregistration_delay.timeout_seconds");
    if let Some(wanted) = input.records("Attributes").find(delay) {
        let seconds = wanted.text("Value").unwrap_or_default().parse::<u32>();
        if !seconds.is_ok_and(|seconds| seconds <= 3600) {
            return Err(Fault::validation(
                "deregistration_delay.timeout_seconds must be 0 to 3600",
            ));
        }
    }
    put(&mut found.attributes, input, TARGETS)?;
    Ok(Record::new().with("Attributes", all(&found.attributes, TARGETS)))
}
