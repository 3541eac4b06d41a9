//! Auto Scaling groups: found, looked at, made, changed, taken away.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{
    AutoScalingGroup, LaunchTemplateSpecification, LifecycleHook, LifecycleHookSpecification, Tag,
};
use ovo_api::act::Role;
use ovo_aws_ec2::{Fault, Tags};
use ovo_model::{Outcome, ProviderError, ResourceId, ResourceState, Scalar};

use crate::arguments::Arguments;
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{
    ATTACH, CREATE_OR_UPDATE_TAGS, GROUP, MASTERS, PUT_LAUNCH_HOOK, PUT_TERMINATE_HOOK, SUSPEND,
    UPDATE_GROUP,
};
use crate::observed::{Found, Seen};
use crate::provider::{AwsProvider, Site, absent, unknown_call};

/// What evens out the zones, by ending instances.
const REBALANCE: &str = "AZRebalance";

/// Our hooks: the names of their properties, AWS's name of each, and when it holds an instance.
const HOOKS: [(&str, &str, &str); 2] = [
    (
        "launchHook",
        "openvidu-launch",
        "autoscaling:EC2_INSTANCE_LAUNCHING",
    ),
    (
        "terminateHook",
        "openvidu-terminate",
        "autoscaling:EC2_INSTANCE_TERMINATING",
    ),
];

pub(crate) fn sent<T, E, R>(
    answer: Result<T, aws_sdk_autoscaling::error::SdkError<E, R>>,
) -> Result<T, Fault>
where
    E: aws_sdk_autoscaling::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    answer.map_err(|error| Fault::of(&error))
}

fn tags(group: &AutoScalingGroup) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let read =
        |tag: &aws_sdk_autoscaling::types::TagDescription| (text(tag.key()), text(tag.value()));
    group.tags().iter().map(read).collect()
}

/// Tags that stay on the group reach no instance, and that is not what was asked for.
fn shown_tags(group: &AutoScalingGroup) -> Tags {
    let mut tags = tags(group);
    for tag in group.tags() {
        if tag.propagate_at_launch() != Some(true)
            && let Some(value) = tag.key().and_then(|key| tags.get_mut(key))
        {
            value.push_str(" (not passed on)");
        }
    }
    tags
}

fn tag(group: &str, key: &str, value: &str) -> Tag {
    Tag::builder()
        .resource_type("auto-scaling-group")
        .resource_id(group)
        .key(key)
        .value(value)
        .propagate_at_launch(true)
        .build()
}

fn sent_tags(group: &str, tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| tag(group, key, value);
    tags.iter().map(tag).collect()
}

fn template(arguments: Arguments<'_>) -> Result<LaunchTemplateSpecification, ProviderError> {
    Ok(LaunchTemplateSpecification::builder()
        .launch_template_id(arguments.text("launchTemplate")?)
        .version(arguments.text("launchTemplateVersion")?)
        .build())
}

fn seen(site: &Site<'_>, short: &str, group: &AutoScalingGroup, hooks: &[LifecycleHook]) -> Found {
    let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.map(i64::from);
    let subnets: BTreeSet<String> = of(group.vpc_zone_identifier())
        .split(',')
        .filter(|subnet| !subnet.is_empty())
        .map(|subnet| subnet.trim().to_owned())
        .collect();
    let suspended = group
        .suspended_processes()
        .iter()
        .any(|process| process.process_name() == Some(REBALANCE));
    // Whatever else somebody attached is theirs.
    let part = format!(":targetgroup/{}/", site.full(MASTERS));
    let mut targets = group.target_group_arns().iter();
    let targets = targets.find(|arn| arn.contains(&part));
    let launch = group.launch_template();
    let mut found = Found::new(GROUP, short, site.names.ownership(&tags(group)))
        .maybe("min", number(group.min_size()))
        .maybe("max", number(group.max_size()))
        .maybe("desired", number(group.desired_capacity()))
        .is("subnets", Scalar::List(subnets.into_iter().collect()))
        .is(
            "launchTemplate",
            of(launch.and_then(|l| l.launch_template_id())),
        )
        .is(
            "launchTemplateVersion",
            of(launch.and_then(|l| l.version())),
        )
        .is("healthCheck", of(group.health_check_type()))
        .maybe(
            "healthCheckGraceSeconds",
            number(group.health_check_grace_period()),
        )
        .maybe(
            "newInstancesProtected",
            group.new_instances_protected_from_scale_in(),
        )
        .is("azRebalanceSuspended", suspended)
        .maybe("targetGroup", targets.map(String::as_str))
        .tagged(&shown_tags(group));
    for (name, hook, transition) in HOOKS {
        let hook = hooks.iter().find(|h| {
            h.lifecycle_hook_name() == Some(hook) && h.lifecycle_transition() == Some(transition)
        });
        if let Some(hook) = hook {
            found = found
                .maybe(&format!("{name}Seconds"), number(hook.heartbeat_timeout()))
                .maybe(&format!("{name}Result"), hook.default_result());
        }
    }
    if group
        .status()
        .is_some_and(|status| status.starts_with("Delete"))
    {
        found = found.state(ResourceState::Deleting);
    }
    found
}

impl AwsProvider {
    pub(crate) async fn group(
        &self,
        site: &Site<'_>,
        short: &str,
    ) -> Result<Option<AutoScalingGroup>, Fault> {
        let call = self
            .scaling
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(site.full(short));
        let groups = sent(call.into_paginator().items().send().try_collect().await)?;
        Ok(groups.into_iter().next())
    }

    /// The group if it is there and ours.
    pub(crate) async fn our_group(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<AutoScalingGroup, ProviderError> {
        let group = self.group(site, &id.name).await.map_err(classed)?;
        let group = group.ok_or_else(|| absent(id))?;
        site.ours(&id.to_string(), &tags(&group))?;
        Ok(group)
    }

    /// A role's template, group and members.
    pub(crate) async fn group_scope(
        &self,
        site: &Site<'_>,
        short: &str,
        role: Role,
    ) -> Result<Seen, Fault> {
        let mut all = Seen::default();
        self.see_template(site, short, &mut all).await?;
        let Some(group) = self.group(site, short).await? else {
            return Ok(all);
        };
        let call = self
            .scaling
            .describe_lifecycle_hooks()
            .auto_scaling_group_name(site.full(short));
        let hooks = sent(call.send().await)?;
        let found = seen(site, short, &group, hooks.lifecycle_hooks());
        all.add(found);
        // Members of somebody else's group are none of this cluster's nodes.
        if site.names.ownership(&tags(&group)) == ovo_model::Ownership::Ours {
            all.nodes = self.members(site, short, role, &group).await?;
        }
        Ok(all)
    }

    pub(crate) async fn create_group(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let (id, name) = (arguments.resource(), site.full(&arguments.resource().name));
        if let Some(group) = self.group(site, &id.name).await.map_err(classed)? {
            return site
                .ours(&id.to_string(), &tags(&group))
                .map(|()| Outcome::Done);
        }
        let mut call = self
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(&name)
            .launch_template(template(arguments)?)
            .min_size(arguments.integer("min")?)
            .max_size(arguments.integer("max")?)
            .desired_capacity(arguments.integer("desired")?)
            .vpc_zone_identifier(arguments.list("subnets")?.join(","))
            .health_check_type(arguments.text("healthCheck")?)
            .set_health_check_grace_period(
                arguments.maybe("healthCheckGraceSeconds", Arguments::integer)?,
            )
            .new_instances_protected_from_scale_in(arguments.boolean("newInstancesProtected")?)
            .set_tags(Some(sent_tags(&name, &site.tags(&arguments)?)));
        if let Some(arn) = arguments.maybe("targetGroup", Arguments::text)? {
            call = call.target_group_arns(arn);
        }
        // With the group itself: its first instances already wait in them.
        for (hook, aws_name, transition) in HOOKS {
            if arguments.has(&format!("{hook}Seconds")) {
                let specification = LifecycleHookSpecification::builder()
                    .lifecycle_hook_name(aws_name)
                    .lifecycle_transition(transition)
                    .heartbeat_timeout(arguments.integer(&format!("{hook}Seconds"))?)
                    .default_result(arguments.text(&format!("{hook}Result"))?);
                call = call.lifecycle_hook_specification_list(specification.build());
            }
        }
        made(sent(call.send().await), &["AlreadyExists"])
    }

    pub(crate) async fn set_group(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let group = self.our_group(site, id).await?;
        let name = site.full(&id.name);
        match by {
            UPDATE_GROUP => self.update_group(&name, &group, arguments).await,
            SUSPEND => {
                let call = self.scaling.suspend_processes();
                let call = call
                    .auto_scaling_group_name(name)
                    .scaling_processes(REBALANCE);
                changed(sent(call.send().await))
            }
            PUT_LAUNCH_HOOK | PUT_TERMINATE_HOOK => {
                let [launch, terminate] = HOOKS;
                let hook = if by == PUT_LAUNCH_HOOK {
                    launch
                } else {
                    terminate
                };
                self.put_hook(&name, hook, arguments).await
            }
            ATTACH => {
                let call = self.scaling.attach_load_balancer_target_groups();
                let call = call
                    .auto_scaling_group_name(name)
                    .target_group_arns(arguments.text("targetGroup")?);
                changed(sent(call.send().await))
            }
            CREATE_OR_UPDATE_TAGS => {
                let tags = sent_tags(&name, &arguments.tags()?);
                let call = self.scaling.create_or_update_tags().set_tags(Some(tags));
                changed(sent(call.send().await))
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    async fn update_group(
        &self,
        name: &str,
        group: &AutoScalingGroup,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let max = arguments.maybe("max", Arguments::integer)?;
        let desired = group.desired_capacity().unwrap_or_default();
        // AWS would lower the capacity along with the bound, which nobody has judged.
        if let Some(max) = max.filter(|max| *max < desired) {
            return Err(ProviderError::Conflict(format!(
                "max {max} is below the desired capacity {desired} of {name}, which is lowered first"
            )));
        }
        let mut call = self
            .scaling
            .update_auto_scaling_group()
            .auto_scaling_group_name(name)
            .set_min_size(arguments.maybe("min", Arguments::integer)?)
            .set_max_size(max)
            .set_health_check_grace_period(
                arguments.maybe("healthCheckGraceSeconds", Arguments::integer)?,
            )
            .set_new_instances_protected_from_scale_in(
                arguments.maybe("newInstancesProtected", Arguments::boolean)?,
            );
        if let Some(health) = arguments.maybe("healthCheck", Arguments::text)? {
            call = call.health_check_type(health);
        }
        if let Some(subnets) = arguments.maybe("subnets", Arguments::list)? {
            call = call.vpc_zone_identifier(subnets.join(","));
        }
        // Which template and which version go out together; the half that stays is the one that is there.
        if arguments.has("launchTemplate") || arguments.has("launchTemplateVersion") {
            let there = group.launch_template();
            let id = arguments.maybe("launchTemplate", Arguments::text)?;
            let version = arguments.maybe("launchTemplateVersion", Arguments::text)?;
            let specification = LaunchTemplateSpecification::builder()
                .set_launch_template_id(
                    id.or_else(|| there?.launch_template_id())
                        .map(str::to_owned),
                )
                .set_version(version.or_else(|| there?.version()).map(str::to_owned));
            call = call.launch_template(specification.build());
        }
        changed(sent(call.send().await))
    }

    async fn put_hook(
        &self,
        group: &str,
        (hook, aws_name, transition): (&str, &str, &str),
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let call = self
            .scaling
            .put_lifecycle_hook()
            .auto_scaling_group_name(group)
            .lifecycle_hook_name(aws_name)
            .lifecycle_transition(transition)
            .set_heartbeat_timeout(arguments.maybe(&format!("{hook}Seconds"), Arguments::integer)?)
            .set_default_result(
                arguments
                    .maybe(&format!("{hook}Result"), Arguments::text)?
                    .map(str::to_owned),
            );
        changed(sent(call.send().await))
    }

    pub(crate) async fn delete_group(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let group = match self.our_group(site, id).await {
            Err(ProviderError::NotFound(_)) => return Ok(Outcome::Done),
            group => group?,
        };
        // Never by force: that ends instances, whoever talks there.
        let call = self
            .scaling
            .delete_auto_scaling_group()
            .set_auto_scaling_group_name(group.auto_scaling_group_name().map(str::to_owned));
        let held = ["ResourceInUse", "ScalingActivityInProgress"];
        deleted(sent(call.send().await), &[], &held)
    }
}
