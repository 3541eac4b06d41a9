//! Rules of listeners, by priority; the default rule is the listener's own.

use crate::ec2::Tags;
use crate::region::Region;
use crate::value::Record;
use crate::wire::Fault;

use super::{listed, listeners, tags};

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) listener: String,
    priority: i64,
    /// Patterns of paths.
    paths: Vec<String>,
    pub(crate) actions: Vec<Record>,
    pub(crate) tags: Tags,
}

fn not_found(arn: &str) -> Fault {
    Fault::new("RuleNotFound", format!("Rule '{arn}' not found"))
}

/// The patterns of a request: the only condition that the simulator knows is the path.
fn paths(input: &Record) -> Result<Vec<String>, Fault> {
    let mut paths = Vec::new();
    for condition in input.records("Conditions") {
        let field = condition.text("Field").unwrap_or_default();
        if field != "path-pattern" {
            return Err(Fault::new(
                "NotImplemented",
                format!("the simulator does not know conditions on '{field}'"),
            ));
        }
        let config = condition
            .record("PathPatternConfig")
            .map(|c| c.texts("Values"));
        paths.extend(config.unwrap_or_else(|| condition.texts("Values")));
    }
    // "The maximum length is 128 characters", and five values in a rule.
    if paths.is_empty() || paths.len() > 5 || paths.iter().any(|p| p.len() > 128) {
        return Err(Fault::validation(
            "A rule must have 1 to 5 condition values of at most 128 characters",
        ));
    }
    Ok(paths)
}

fn record(arn: &str, rule: &Rule) -> Record {
    let condition = Record::new()
        .with("Field", "path-pattern")
        .with("Values", rule.paths.clone())
        .with(
            "PathPatternConfig",
            Record::new().with("Values", rule.paths.clone()),
        );
    Record::new()
        .with("RuleArn", arn)
        .with("Priority", rule.priority.to_string())
        .with("Conditions", vec![condition])
        .with("Actions", rule.actions.clone())
        .with("IsDefault", false)
}

fn default_arn(listener: &str) -> String {
    format!(
        "{}/default",
        listener.replacen(":listener/", ":listener-rule/", 1)
    )
}

fn default_record(region: &Region, listener: &str) -> Option<Record> {
    let found = region.listeners.get(listener)?;
    let record = Record::new()
        .with("RuleArn", default_arn(listener))
        .with("Priority", "default")
        .with("Conditions", Vec::<Record>::new())
        .with("Actions", found.actions.clone())
        .with("IsDefault", true);
    Some(record)
}

pub(super) fn create(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("ListenerArn"), region.now());
    let listener = region
        .listeners
        .seen(arn, now)
        .ok_or_else(|| listeners::not_found(arn))?;
    let balancer = listener.balancer.clone();
    let priority = input.integer("Priority").unwrap_or_default();
    let of_listener = |r: &&Rule| r.listener == arn;
    if region
        .rules
        .values()
        .filter(of_listener)
        .any(|r| r.priority == priority)
    {
        return Err(Fault::new(
            "PriorityInUse",
            format!("Priority '{priority}' is currently in use"),
        ));
    }
    if region.rules.values().filter(of_listener).count() >= region.quotas.rules_per_listener {
        return Err(Fault::new(
            "TooManyRules",
            "The maximum number of rules has been reached",
        ));
    }
    let rule = Rule {
        listener: arn.to_owned(),
        priority,
        paths: paths(input)?,
        actions: region.actions(input, "Actions", &balancer)?,
        tags: tags::asked(input)?,
    };
    let (id, seen_from) = (region.short_id(), region.seen_from());
    let rule_arn = format!("{}/{id}", arn.replacen(":listener/", ":listener-rule/", 1));
    let answer = record(&rule_arn, &rule);
    region.rules.insert(&rule_arn, rule, seen_from);
    Ok(Record::new().with("Rules", vec![answer]))
}

pub(super) fn modify(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arn, now) = (input.needed("RuleArn"), region.now());
    refuse_default(arn)?;
    let mut rule = region
        .rules
        .seen(arn, now)
        .cloned()
        .ok_or_else(|| not_found(arn))?;
    if input.list("Conditions").is_some() {
        rule.paths = paths(input)?;
    }
    if input.list("Actions").is_some() {
        let balancer = region
            .listeners
            .get(&rule.listener)
            .map(|l| l.balancer.clone());
        rule.actions = region.actions(input, "Actions", &balancer.unwrap_or_default())?;
    }
    let answer = record(arn, &rule);
    if let Some(old) = region.rules.get_mut(arn) {
        *old = rule;
    }
    Ok(Record::new().with("Rules", vec![answer]))
}

pub(super) fn describe(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let (arns, now) = (input.texts("RuleArns"), region.now());
    let listener = input.text("ListenerArn");
    if let Some(arn) = listener.filter(|arn| region.listeners.seen(arn, now).is_none()) {
        return Err(listeners::not_found(arn));
    }
    if listener.is_none() && arns.is_empty() {
        return Err(Fault::validation(
            "You must specify either listener rule ARNs or a listener ARN",
        ));
    }
    let mut items: Vec<_> = region
        .rules
        .seen_all(now)
        .filter(|(arn, rule)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn))
                && listener.is_none_or(|l| l == rule.listener)
        })
        .map(|(arn, rule)| (format!("{:06}", rule.priority), record(arn, rule)))
        .collect();
    if let Some(arn) = arns
        .iter()
        .find(|arn| region.rules.seen(arn, now).is_none())
    {
        return Err(not_found(arn));
    }
    if let Some(default) = listener.and_then(|arn| default_record(region, arn)) {
        items.push(("default".to_owned(), default));
    }
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let (rules, next) = listed(region, input, items)?;
    Ok(Record::new().with("Rules", rules).with("NextMarker", next))
}

fn refuse_default(arn: &str) -> Result<(), Fault> {
    if arn.ends_with("/default") {
        return Err(Fault::new(
            "OperationNotPermitted",
            format!("Default rule '{arn}' cannot be modified or deleted here"),
        ));
    }
    Ok(())
}

pub(super) fn delete(region: &mut Region, input: &Record) -> Result<Record, Fault> {
    let arn = input.needed("RuleArn");
    refuse_default(arn)?;
    region
        .rules
        .seen(arn, region.now())
        .ok_or_else(|| not_found(arn))?;
    region.rules.remove(arn);
    Ok(Record::new())
}
