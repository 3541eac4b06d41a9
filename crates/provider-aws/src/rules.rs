//! The rules of the HTTPS listener, each found by its priority.

use aws_sdk_elasticloadbalancingv2::types::{PathPatternConditionConfig, Rule, RuleCondition};
use ovo_aws_ec2::{Fault, Tags};
use ovo_model::{Outcome, ProviderError, ResourceId, Scalar};

use crate::action;
use crate::arguments::Arguments;
use crate::desired::balancer::RULES;
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{ADD_TAGS, LISTENER, MODIFY_RULE, RULE};
use crate::observed::Found;
use crate::provider::{AwsProvider, Site, absent, unknown_call};
use crate::targets::{sent, sent_tags};

pub(crate) fn seen(site: &Site<'_>, name: &str, rule: &Rule, tags: &Tags) -> Found {
    let mut paths: Vec<String> = rule
        .conditions()
        .iter()
        .flat_map(|condition| {
            let paths = condition.path_pattern_config().map(|c| c.values());
            match (condition.field(), paths) {
                (Some("path-pattern"), Some(paths)) => paths.to_vec(),
                (Some("path-pattern"), None) => condition.values().to_vec(),
                // Not a path: the rule asks for more than ours do.
                (other, _) => vec![format!("({})", other.unwrap_or("another condition"))],
            }
        })
        .collect();
    paths.sort();
    Found::new(RULE, name, site.names.ownership(tags))
        .is("paths", Scalar::List(paths))
        .is("action", action::text(rule.actions()))
        .tagged(tags)
}

fn condition(paths: &[String]) -> RuleCondition {
    let config = PathPatternConditionConfig::builder().set_values(Some(paths.to_vec()));
    RuleCondition::builder()
        .field("path-pattern")
        .path_pattern_config(config.build())
        .build()
}

impl AwsProvider {
    /// The rules at our priorities, by their short names. Those at others are somebody else's.
    pub(crate) async fn rules(&self, listener: &str) -> Result<Vec<(&'static str, Rule)>, Fault> {
        let call = self.elb.describe_rules().listener_arn(listener);
        let found = sent(call.into_paginator().items().send().try_collect().await)?;
        let named = found.into_iter().filter_map(|rule| {
            let priority: i32 = rule.priority()?.parse().ok()?;
            let (name, _) = RULES.iter().find(|(_, of)| *of == priority)?;
            Some((*name, rule))
        });
        Ok(named.collect())
    }

    async fn https(&self, site: &Site<'_>) -> Result<Option<String>, ProviderError> {
        let id = ResourceId::new(LISTENER, "https");
        self.our_listener(site, &id).await
    }

    async fn our_rule(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Option<String>, ProviderError> {
        let Some(listener) = self.https(site).await? else {
            return Ok(None);
        };
        let rules = self.rules(&listener).await.map_err(classed)?;
        let found = rules.iter().find(|(name, _)| *name == id.name);
        let Some(arn) = found.and_then(|(_, rule)| rule.rule_arn()) else {
            return Ok(None);
        };
        self.our_part(site, id, arn).await?;
        Ok(Some(arn.to_owned()))
    }

    pub(crate) async fn create_rule(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        if self.our_rule(site, id).await?.is_some() {
            return Ok(Outcome::Done);
        }
        let listener = self.https(site).await?.ok_or_else(|| absent(id))?;
        let Some((_, priority)) = RULES.iter().find(|(name, _)| *name == id.name) else {
            return Err(unknown_call(id, "CreateRule"));
        };
        let call = self
            .elb
            .create_rule()
            .listener_arn(listener)
            .priority(*priority)
            .conditions(condition(arguments.list("paths")?))
            .actions(action::parse(arguments.text("action")?)?)
            .set_tags(Some(sent_tags(&site.tags(&arguments)?)));
        made(sent(call.send().await), &["PriorityInUse"])
    }

    pub(crate) async fn set_rule(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let arn = self.our_rule(site, id).await?.ok_or_else(|| absent(id))?;
        match by {
            ADD_TAGS => self.add_tags(&arn, arguments).await,
            MODIFY_RULE => {
                let mut call = self.elb.modify_rule().rule_arn(arn);
                if let Some(paths) = arguments.maybe("paths", Arguments::list)? {
                    call = call.conditions(condition(paths));
                }
                if let Some(line) = arguments.maybe("action", Arguments::text)? {
                    call = call.actions(action::parse(line)?);
                }
                changed(sent(call.send().await))
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    pub(crate) async fn delete_rule(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let Some(arn) = self.our_rule(site, id).await? else {
            return Ok(Outcome::Done);
        };
        let call = self.elb.delete_rule().rule_arn(arn);
        deleted(
            sent(call.send().await),
            &["RuleNotFound"],
            &["ResourceInUse"],
        )
    }
}
