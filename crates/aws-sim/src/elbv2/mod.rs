//! Elastic Load Balancing: application load balancers, listeners, rules, target groups and the health of targets.

mod actions;
mod attributes;
mod balancers;
mod health;
mod listeners;
mod rules;
mod tags;
mod target_groups;

pub(crate) use balancers::Balancer;
pub(crate) use listeners::Listener;
pub(crate) use rules::Rule;
pub(crate) use target_groups::TargetGroup;

use crate::dispatch::Handler;
use crate::page::Paging;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("CreateLoadBalancer", balancers::create),
    ("DescribeLoadBalancers", balancers::describe),
    ("DeleteLoadBalancer", balancers::delete),
    ("SetSecurityGroups", balancers::set_groups),
    ("SetSubnets", balancers::set_subnets),
    (
        "DescribeLoadBalancerAttributes",
        attributes::describe_balancer,
    ),
    ("ModifyLoadBalancerAttributes", attributes::modify_balancer),
    ("CreateTargetGroup", target_groups::create),
    ("ModifyTargetGroup", target_groups::modify),
    ("DescribeTargetGroups", target_groups::describe),
    ("DeleteTargetGroup", target_groups::delete),
    (
        "DescribeTargetGroupAttributes",
        attributes::describe_targets,
    ),
    ("ModifyTargetGroupAttributes", attributes::modify_targets),
    ("DescribeTargetHealth", health::describe),
    ("CreateListener", listeners::create),
    ("ModifyListener", listeners::modify),
    ("DescribeListeners", listeners::describe),
    ("DeleteListener", listeners::delete),
    ("CreateRule", rules::create),
    ("ModifyRule", rules::modify),
    ("DescribeRules", rules::describe),
    ("DeleteRule", rules::delete),
    ("AddTags", tags::add),
    ("RemoveTags", tags::remove),
    ("DescribeTags", tags::describe),
];

/// A page: 400 items unless asked for fewer.
fn listed<T>(
    region: &Region,
    input: &Record,
    items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let paging = Paging {
        token: "Marker",
        size: "PageSize",
        default: 400,
        most: 400,
    };
    paging
        .page(region, input, items)
        .ok_or_else(|| Fault::validation("The marker is not valid"))
}

/// Names of balancers and target groups: at most 32 letters, digits and hyphens, no hyphen at either end.
fn check_name(name: &str) -> Result<(), Fault> {
    let wrong = |why: &str| Err(Fault::validation(format!("The name '{name}' {why}")));
    if name.is_empty() || name.chars().count() > 32 {
        return wrong("cannot be longer than '32' characters, nor empty");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return wrong("can only contain characters that are alphanumeric characters or hyphens(-)");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return wrong("cannot begin or end with a hyphen(-)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_as_the_documentation_says() {
        assert!(check_name("ovo-abcd1234-lb").is_ok());
        for bad in ["", "-a", "a-", "a_b", "abcdefghijklmnopqrstuvwxyz0123456"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
