//! The masters as targets of the balancer, and how healthy they are.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, Tag, TargetGroup, TargetHealthStateEnum, TargetTypeEnum,
};
use ovo_aws_ec2::{Fault, Tags};
use ovo_model::{Outcome, ProviderError, ResourceId};

use crate::arguments::Arguments;
use crate::desired::balancer::FORWARD;
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{ADD_TAGS, MASTERS, MODIFY_TARGET_GROUP, TARGET_GROUP};
use crate::observed::Found;
use crate::provider::{AwsProvider, Site, absent, unknown_call};

/// AWS tells the tags of so many things in one answer.
const TAGGED_AT_ONCE: usize = 20;

pub(crate) fn sent<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Result<T, Fault>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    answer.map_err(|error| Fault::of(&error))
}

/// Tags as they are sent.
pub(crate) fn sent_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

pub(crate) fn seen(site: &Site<'_>, targets: &TargetGroup, tags: &Tags) -> Found {
    let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.map(i64::from);
    let arn = of(targets.target_group_arn());
    Found::new(TARGET_GROUP, MASTERS, site.names.ownership(tags))
        .is("vpc", of(targets.vpc_id()))
        .is("protocol", of(targets.protocol().map(|p| p.as_str())))
        .maybe("port", number(targets.port()))
        .is("targetType", of(targets.target_type().map(|t| t.as_str())))
        .is(
            "healthProtocol",
            of(targets.health_check_protocol().map(|p| p.as_str())),
        )
        .is("healthPort", of(targets.health_check_port()))
        .is("healthPath", of(targets.health_check_path()))
        .is(
            "healthCodes",
            of(targets.matcher().and_then(|m| m.http_code())),
        )
        .maybe(
            "healthIntervalSeconds",
            number(targets.health_check_interval_seconds()),
        )
        .maybe(
            "healthTimeoutSeconds",
            number(targets.health_check_timeout_seconds()),
        )
        .maybe("healthyCount", number(targets.healthy_threshold_count()))
        .maybe(
            "unhealthyCount",
            number(targets.unhealthy_threshold_count()),
        )
        .tagged(tags)
        .tells(FORWARD, format!("{FORWARD} {arn}"))
        .tells("arn", arn)
}

impl AwsProvider {
    /// Tags of what belongs to the balancer, by ARN.
    pub(crate) async fn elb_tags(&self, arns: &[String]) -> Result<BTreeMap<String, Tags>, Fault> {
        let mut all = BTreeMap::new();
        for some in arns.chunks(TAGGED_AT_ONCE) {
            let call = self.elb.describe_tags();
            let answer = sent(call.set_resource_arns(Some(some.to_vec())).send().await)?;
            for described in answer.tag_descriptions() {
                let read = |tag: &Tag| {
                    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                    (text(tag.key()), text(tag.value()))
                };
                let arn = described.resource_arn().unwrap_or_default().to_owned();
                all.insert(arn, described.tags().iter().map(read).collect());
            }
        }
        // One that is left out has tags that nobody told us: that is no answer about whose it is.
        match arns.iter().find(|arn| !all.contains_key(*arn)) {
            Some(missing) => Err(Fault::Lost(format!("the tags of {missing} are missing"))),
            None => Ok(all),
        }
    }

    /// Refuses what belongs to the balancer and does not carry this cluster's mark.
    pub(crate) async fn our_part(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
        arn: &str,
    ) -> Result<(), ProviderError> {
        let tags = self.elb_tags(&[arn.to_owned()]).await.map_err(classed)?;
        site.ours(&id.to_string(), tags.get(arn).unwrap_or(&Tags::new()))
    }

    pub(crate) async fn add_tags(
        &self,
        arn: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let tags = Some(sent_tags(&arguments.tags()?));
        let call = self.elb.add_tags().resource_arns(arn).set_tags(tags);
        changed(sent(call.send().await))
    }

    pub(crate) async fn targets(&self, site: &Site<'_>) -> Result<Option<TargetGroup>, Fault> {
        let call = self.elb.describe_target_groups().names(site.full(MASTERS));
        match sent(call.into_paginator().items().send().try_collect().await) {
            Err(fault) if fault.is(&["TargetGroupNotFound"]) => Ok(None),
            found => Ok(found?.into_iter().next()),
        }
    }

    /// The masters that pass the balancer's check.
    pub(crate) async fn healthy_targets(&self, site: &Site<'_>) -> Result<BTreeSet<String>, Fault> {
        let Some(targets) = self.targets(site).await? else {
            return Ok(BTreeSet::new());
        };
        let call = self
            .elb
            .describe_target_health()
            .set_target_group_arn(targets.target_group_arn().map(str::to_owned));
        let answer = match sent(call.send().await) {
            Err(fault) if fault.is(&["TargetGroupNotFound"]) => return Ok(BTreeSet::new()),
            answer => answer?,
        };
        let described = answer.target_health_descriptions().iter();
        Ok(described
            .filter(|target| {
                let state = target.target_health().and_then(|health| health.state());
                state == Some(&TargetHealthStateEnum::Healthy)
            })
            .filter_map(|target| target.target()?.id().map(str::to_owned))
            .collect())
    }

    async fn our_targets(&self, site: &Site<'_>, id: &ResourceId) -> Result<String, ProviderError> {
        let targets = self.targets(site).await.map_err(classed)?;
        let arn = targets.and_then(|t| t.target_group_arn().map(str::to_owned));
        let arn = arn.ok_or_else(|| absent(id))?;
        self.our_part(site, id, &arn).await?;
        Ok(arn)
    }

    pub(crate) async fn create_targets(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        match self.our_targets(site, arguments.resource()).await {
            Err(ProviderError::NotFound(_)) => {}
            there => return there.map(|_| Outcome::Done),
        }
        let protocol = |name: &str| arguments.text(name).map(ProtocolEnum::from);
        let codes = Matcher::builder().http_code(arguments.text("healthCodes")?);
        let call = self
            .elb
            .create_target_group()
            .name(site.full(&arguments.resource().name))
            .vpc_id(arguments.text("vpc")?)
            .protocol(protocol("protocol")?)
            .port(arguments.integer("port")?)
            .target_type(TargetTypeEnum::from(arguments.text("targetType")?))
            .health_check_protocol(protocol("healthProtocol")?)
            .health_check_port(arguments.text("healthPort")?)
            .health_check_path(arguments.text("healthPath")?)
            .health_check_interval_seconds(arguments.integer("healthIntervalSeconds")?)
            .health_check_timeout_seconds(arguments.integer("healthTimeoutSeconds")?)
            .healthy_threshold_count(arguments.integer("healthyCount")?)
            .unhealthy_threshold_count(arguments.integer("unhealthyCount")?)
            .matcher(codes.build())
            .set_tags(Some(sent_tags(&site.tags(&arguments)?)));
        made(sent(call.send().await), &["DuplicateTargetGroupName"])
    }

    pub(crate) async fn set_targets(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let arn = self.our_targets(site, arguments.resource()).await?;
        match by {
            ADD_TAGS => self.add_tags(&arn, arguments).await,
            MODIFY_TARGET_GROUP => {
                let word = |name: &str| {
                    let word = arguments.maybe(name, Arguments::text)?;
                    Ok::<_, ProviderError>(word.map(str::to_owned))
                };
                let number = |name: &str| arguments.maybe(name, Arguments::integer);
                let codes =
                    word("healthCodes")?.map(|codes| Matcher::builder().http_code(codes).build());
                let protocol = word("healthProtocol")?.map(|p| ProtocolEnum::from(p.as_str()));
                let call = self
                    .elb
                    .modify_target_group()
                    .target_group_arn(arn)
                    .set_health_check_protocol(protocol)
                    .set_health_check_port(word("healthPort")?)
                    .set_health_check_path(word("healthPath")?)
                    .set_health_check_interval_seconds(number("healthIntervalSeconds")?)
                    .set_health_check_timeout_seconds(number("healthTimeoutSeconds")?)
                    .set_healthy_threshold_count(number("healthyCount")?)
                    .set_unhealthy_threshold_count(number("unhealthyCount")?)
                    .set_matcher(codes);
                changed(sent(call.send().await))
            }
            _ => Err(unknown_call(arguments.resource(), by)),
        }
    }

    pub(crate) async fn delete_targets(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let arn = match self.our_targets(site, id).await {
            Err(ProviderError::NotFound(_)) => return Ok(Outcome::Done),
            arn => arn?,
        };
        let call = self.elb.delete_target_group().target_group_arn(arn);
        deleted(
            sent(call.send().await),
            &["TargetGroupNotFound"],
            &["ResourceInUse"],
        )
    }
}
