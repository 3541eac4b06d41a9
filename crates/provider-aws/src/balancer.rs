//! The balancer itself, and the look at all that hangs on it.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer, LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use ovo_aws_ec2::{Fault, Tags};
use ovo_model::{Outcome, ProviderError, ResourceId, ResourceState, Scalar};

use crate::arguments::Arguments;
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{ADD_TAGS, BALANCER, SET_SECURITY_GROUPS, SET_SUBNETS, THE_BALANCER};
use crate::observed::{Found, Seen};
use crate::provider::{AwsProvider, Site, absent, unknown_call};
use crate::targets::{self, sent, sent_tags};
use crate::{listeners, rules};

fn seen(site: &Site<'_>, balancer: &LoadBalancer, tags: &Tags) -> Found {
    let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let subnets: BTreeSet<String> = balancer
        .availability_zones()
        .iter()
        .filter_map(|zone| zone.subnet_id().map(str::to_owned))
        .collect();
    let found = Found::new(BALANCER, THE_BALANCER, site.names.ownership(tags))
        .is("scheme", of(balancer.scheme().map(|s| s.as_str())))
        .is("securityGroup", balancer.security_groups().join(","))
        .is("subnets", Scalar::List(subnets.into_iter().collect()))
        .tagged(tags)
        .tells("arn", of(balancer.load_balancer_arn()))
        .tells("dnsName", of(balancer.dns_name()))
        .tells("hostedZone", of(balancer.canonical_hosted_zone_id()));
    let state = balancer.state();
    match state.and_then(|state| state.code()) {
        // One that cannot grow serves on.
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => found,
        Some(LoadBalancerStateEnum::Failed) => {
            let why = state.and_then(|state| state.reason()).unwrap_or("failed");
            found.state(ResourceState::Failed(why.to_owned()))
        }
        _ => found.state(ResourceState::Pending),
    }
}

impl AwsProvider {
    async fn balancer(&self, site: &Site<'_>) -> Result<Option<LoadBalancer>, Fault> {
        let call = self
            .elb
            .describe_load_balancers()
            .names(site.full(THE_BALANCER));
        match sent(call.into_paginator().items().send().try_collect().await) {
            Err(fault) if fault.is(&["LoadBalancerNotFound"]) => Ok(None),
            found => Ok(found?.into_iter().next()),
        }
    }

    /// The balancer with its listeners and rules, and the targets behind it.
    pub(crate) async fn balancer_scope(&self, site: &Site<'_>) -> Result<Seen, Fault> {
        let (group, balancer) = (self.targets(site).await?, self.balancer(site).await?);
        let arn = balancer.as_ref().and_then(|b| b.load_balancer_arn());
        let listeners = match arn {
            Some(arn) => self.listeners(arn).await?,
            None => Vec::new(),
        };
        let rules = match listeners::https(&listeners) {
            Some(arn) => self.rules(arn).await?,
            None => Vec::new(),
        };
        let mut arns: Vec<String> = arn.map(str::to_owned).into_iter().collect();
        arns.extend(
            group
                .as_ref()
                .and_then(|g| g.target_group_arn().map(str::to_owned)),
        );
        arns.extend(
            listeners
                .iter()
                .filter_map(|(_, l)| l.listener_arn().map(str::to_owned)),
        );
        arns.extend(
            rules
                .iter()
                .filter_map(|(_, r)| r.rule_arn().map(str::to_owned)),
        );
        let tags = self.elb_tags(&arns).await?;
        let nothing = Tags::new();
        let of = |arn: Option<&str>| arn.and_then(|arn| tags.get(arn)).unwrap_or(&nothing);
        let mut all = Seen::default();
        if let Some(group) = &group {
            all.add(targets::seen(site, group, of(group.target_group_arn())));
        }
        if let Some(balancer) = &balancer {
            all.add(seen(site, balancer, of(arn)));
        }
        for (name, listener) in &listeners {
            let tags = of(listener.listener_arn());
            all.add(listeners::seen(site, name, listener, tags));
        }
        for (name, rule) in &rules {
            all.add(rules::seen(site, name, rule, of(rule.rule_arn())));
        }
        Ok(all)
    }

    /// The ARN of the balancer, if it is there and ours.
    pub(crate) async fn our_balancer(
        &self,
        site: &Site<'_>,
    ) -> Result<Option<String>, ProviderError> {
        let balancer = self.balancer(site).await.map_err(classed)?;
        let Some(arn) = balancer.and_then(|b| b.load_balancer_arn().map(str::to_owned)) else {
            return Ok(None);
        };
        let id = ResourceId::new(BALANCER, THE_BALANCER);
        self.our_part(site, &id, &arn).await?;
        Ok(Some(arn))
    }

    pub(crate) async fn create_balancer(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        if self.our_balancer(site).await?.is_some() {
            return Ok(Outcome::Done);
        }
        let call = self
            .elb
            .create_load_balancer()
            .name(site.full(THE_BALANCER))
            .r#type(LoadBalancerTypeEnum::Application)
            .scheme(LoadBalancerSchemeEnum::from(arguments.text("scheme")?))
            .security_groups(arguments.text("securityGroup")?)
            .set_subnets(Some(arguments.list("subnets")?.to_vec()))
            .set_tags(Some(sent_tags(&site.tags(&arguments)?)));
        made(sent(call.send().await), &["DuplicateLoadBalancerName"])
    }

    pub(crate) async fn set_balancer(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let arn = self.our_balancer(site).await?.ok_or_else(|| absent(id))?;
        match by {
            ADD_TAGS => self.add_tags(&arn, arguments).await,
            SET_SECURITY_GROUPS => {
                let call = self.elb.set_security_groups().load_balancer_arn(arn);
                let call = call.security_groups(arguments.text("securityGroup")?);
                changed(sent(call.send().await))
            }
            SET_SUBNETS => {
                let call = self.elb.set_subnets().load_balancer_arn(arn);
                let call = call.set_subnets(Some(arguments.list("subnets")?.to_vec()));
                changed(sent(call.send().await))
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    pub(crate) async fn delete_balancer(&self, site: &Site<'_>) -> Result<Outcome, ProviderError> {
        let Some(arn) = self.our_balancer(site).await? else {
            return Ok(Outcome::Done);
        };
        let call = self.elb.delete_load_balancer().load_balancer_arn(arn);
        deleted(
            sent(call.send().await),
            &["LoadBalancerNotFound"],
            &["ResourceInUse"],
        )
    }
}
