//! The balancer's two ports.

use aws_sdk_elasticloadbalancingv2::types::{Certificate, Listener, ProtocolEnum};
use ovo_aws_ec2::{Fault, Tags};
use ovo_model::{Outcome, ProviderError, ResourceId};

use crate::action;
use crate::arguments::Arguments;
use crate::desired::balancer::LISTENERS;
use crate::errors::{changed, classed, deleted, made};
use crate::kinds::{ADD_TAGS, LISTENER, MODIFY_LISTENER};
use crate::observed::Found;
use crate::provider::{AwsProvider, Site, absent, unknown_call};
use crate::targets::{sent, sent_tags};

/// The ARN of the listener that has rules.
pub(crate) fn https<'l>(listeners: &'l [(&'static str, Listener)]) -> Option<&'l str> {
    let found = listeners.iter().find(|(name, _)| *name == "https");
    found.and_then(|(_, listener)| listener.listener_arn())
}

pub(crate) fn seen(site: &Site<'_>, name: &str, listener: &Listener, tags: &Tags) -> Found {
    let certificate = listener.certificates().first();
    Found::new(LISTENER, name, site.names.ownership(tags))
        .is("protocol", listener.protocol().map_or("", |p| p.as_str()))
        .maybe("certificate", certificate.and_then(|c| c.certificate_arn()))
        .is("action", action::text(listener.default_actions()))
        .tagged(tags)
        .tells("arn", listener.listener_arn().unwrap_or_default())
}

fn certificate(arn: &str) -> Certificate {
    Certificate::builder().certificate_arn(arn).build()
}

impl AwsProvider {
    /// The listeners on our ports, by their short names. Those on others are somebody else's.
    pub(crate) async fn listeners(
        &self,
        balancer: &str,
    ) -> Result<Vec<(&'static str, Listener)>, Fault> {
        let call = self.elb.describe_listeners().load_balancer_arn(balancer);
        let found = sent(call.into_paginator().items().send().try_collect().await)?;
        let named = found.into_iter().filter_map(|listener| {
            let of = |(_, port, _): &&(&str, i32, &str)| Some(*port) == listener.port();
            let (name, ..) = LISTENERS.iter().find(of)?;
            Some((*name, listener))
        });
        Ok(named.collect())
    }

    /// The ARN of a listener, if the balancer and it are there and ours.
    pub(crate) async fn our_listener(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Option<String>, ProviderError> {
        let Some(balancer) = self.our_balancer(site).await? else {
            return Ok(None);
        };
        let listeners = self.listeners(&balancer).await.map_err(classed)?;
        let found = listeners.iter().find(|(name, _)| *name == id.name);
        let Some(arn) = found.and_then(|(_, l)| l.listener_arn()) else {
            return Ok(None);
        };
        self.our_part(site, id, arn).await?;
        Ok(Some(arn.to_owned()))
    }

    pub(crate) async fn create_listener(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        if self.our_listener(site, id).await?.is_some() {
            return Ok(Outcome::Done);
        }
        let balancer = self.our_balancer(site).await?.ok_or_else(|| absent(id))?;
        let listener = LISTENERS.iter().find(|(name, ..)| *name == id.name);
        let Some((_, port, _)) = listener else {
            return Err(unknown_call(id, "CreateListener"));
        };
        let mut call = self
            .elb
            .create_listener()
            .load_balancer_arn(balancer)
            .port(*port)
            .protocol(ProtocolEnum::from(arguments.text("protocol")?))
            .default_actions(action::parse(arguments.text("action")?)?)
            .set_tags(Some(sent_tags(&site.tags(&arguments)?)));
        if let Some(arn) = arguments.maybe("certificate", Arguments::text)? {
            call = call.certificates(certificate(arn));
        }
        made(sent(call.send().await), &["DuplicateListener"])
    }

    pub(crate) async fn set_listener(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
    ) -> Result<Outcome, ProviderError> {
        let id = arguments.resource();
        let arn = self.our_listener(site, id).await?;
        let arn = arn.ok_or_else(|| absent(id))?;
        match by {
            ADD_TAGS => self.add_tags(&arn, arguments).await,
            MODIFY_LISTENER => {
                let mut call = self.elb.modify_listener().listener_arn(arn);
                if let Some(protocol) = arguments.maybe("protocol", Arguments::text)? {
                    call = call.protocol(ProtocolEnum::from(protocol));
                }
                if let Some(arn) = arguments.maybe("certificate", Arguments::text)? {
                    call = call.certificates(certificate(arn));
                }
                if let Some(line) = arguments.maybe("action", Arguments::text)? {
                    call = call.default_actions(action::parse(line)?);
                }
                changed(sent(call.send().await))
            }
            _ => Err(unknown_call(id, by)),
        }
    }

    pub(crate) async fn delete_listener(
        &self,
        site: &Site<'_>,
        id: &ResourceId,
    ) -> Result<Outcome, ProviderError> {
        let Some(arn) = self.our_listener(site, id).await? else {
            return Ok(Outcome::Done);
        };
        let call = self.elb.delete_listener().listener_arn(arn);
        deleted(
            sent(call.send().await),
            &["ListenerNotFound"],
            &["ResourceInUse"],
        )
    }
}
