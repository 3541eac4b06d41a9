//! [`AwsProvider`]: scopes to look at, steps to carry out.

use std::collections::BTreeMap;

use futures::future::join_all;
use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::profile::Profile;
use ovo_api::spec::Aws;
use ovo_aws_ec2::{Connection, Ec2, Fault, Find, Tags, configuration};
use ovo_model::{
    Observation, Op, Outcome, Ownership, ProviderError, Resource, ResourceId, Scope, Step,
};
use ovo_provider::{Call, Provider, ScopeChoice, Target};

use crate::arguments::Arguments;
use crate::desired::{aws, desired};
use crate::errors::classed;
use crate::kinds::{
    BALANCER, BALANCER_SCOPE, FOUNDATION_SCOPE, GROUP, LISTENER, MASTERS, MEDIA, RULE, SCOPES,
    SECURITY_GROUP, TARGET_GROUP, TEMPLATE,
};
use crate::names::{CLUSTER_TAG, Names, OWNER_TAG};
use crate::observed::Seen;

/// One account and region of AWS.
#[derive(Clone, Debug)]
pub struct AwsProvider {
    region: String,
    pub(crate) ec2: Ec2,
    pub(crate) scaling: aws_sdk_autoscaling::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
}

/// One cluster's place in it.
pub(crate) struct Site<'t> {
    pub(crate) target: &'t Target,
    pub(crate) aws: &'t Aws,
    pub(crate) names: Names,
}

impl Site<'_> {
    pub(crate) fn full(&self, short: &str) -> String {
        self.names.full(short)
    }

    /// Refuses what does not carry this cluster's mark.
    pub(crate) fn ours(&self, what: &str, tags: &Tags) -> Result<(), ProviderError> {
        match self.names.ownership(tags) {
            Ownership::Ours => Ok(()),
            Ownership::Unowned => Err(ProviderError::Conflict(format!(
                "{what} is there and carries nobody's {OWNER_TAG}; rename it, or remove it by hand"
            ))),
            Ownership::Foreign(owner) => Err(ProviderError::Conflict(format!(
                "{what} belongs to {owner}"
            ))),
        }
    }

    /// The tags that a new thing gets: those of the step, and the mark.
    pub(crate) fn tags(&self, arguments: &Arguments<'_>) -> Result<Tags, ProviderError> {
        let mut tags = arguments.tags()?;
        tags.insert(OWNER_TAG.to_owned(), self.names.id().to_owned());
        Ok(tags)
    }
}

/// A thing that a step is about, and that is not there.
pub(crate) fn absent(id: &ResourceId) -> ProviderError {
    ProviderError::NotFound(format!("{id} is not there"))
}

/// A call that this kind of thing does not have.
pub(crate) fn unknown_call(id: &ResourceId, call: &str) -> ProviderError {
    ProviderError::Invalid {
        field: id.to_string(),
        message: format!("{call} sets nothing of it"),
    }
}

impl AwsProvider {
    /// A provider over this connection.
    pub fn new(connection: &Connection) -> Self {
        Self {
            region: connection.region.clone(),
            ec2: Ec2::new(connection),
            scaling: aws_sdk_autoscaling::Client::from_conf(configuration!(
                aws_sdk_autoscaling,
                connection
            )),
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(configuration!(
                aws_sdk_elasticloadbalancingv2,
                connection
            )),
        }
    }

    fn site<'t>(&self, target: &'t Target) -> Result<Site<'t>, ProviderError> {
        let aws = aws(&target.cluster)?;
        if aws.region != self.region {
            return Err(ProviderError::Invalid {
                field: "spec.infrastructure.aws.region".to_owned(),
                message: format!("is {}; this connection is to {}", aws.region, self.region),
            });
        }
        Ok(Site {
            target,
            aws,
            names: Names::of(&target.infrastructure_id, &target.cluster),
        })
    }

    async fn look(&self, site: &Site<'_>, scope: &Scope) -> Observation {
        let seen: Result<Seen, Fault> = match scope.0.as_str() {
            FOUNDATION_SCOPE => self.foundation(site).await,
            BALANCER_SCOPE => self.balancer_scope(site).await,
            MASTERS => self.group_scope(site, MASTERS, Role::Master).await,
            MEDIA => self.group_scope(site, MEDIA, Role::Media).await,
            other => return Observation::unknown(format!("AWS has no scope {other}")),
        };
        match seen {
            Ok(Seen { resources, nodes }) => Observation::Known { resources, nodes },
            Err(fault) => Observation::unknown(fault.to_string()),
        }
    }

    async fn create(
        &self,
        site: &Site<'_>,
        arguments: Arguments<'_>,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        match arguments.resource().kind.as_str() {
            SECURITY_GROUP => self.create_security_group(site, arguments).await,
            TEMPLATE => self.create_template(site, arguments, call).await,
            GROUP => self.create_group(site, arguments).await,
            TARGET_GROUP => self.create_targets(site, arguments).await,
            BALANCER => self.create_balancer(site, arguments).await,
            LISTENER => self.create_listener(site, arguments).await,
            RULE => self.create_rule(site, arguments).await,
            _ => Err(unknown_kind(arguments.resource())),
        }
    }

    async fn set(
        &self,
        site: &Site<'_>,
        by: &str,
        arguments: Arguments<'_>,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        match arguments.resource().kind.as_str() {
            SECURITY_GROUP => self.set_security_group(site, by, arguments).await,
            TEMPLATE => self.set_template(site, by, arguments, call).await,
            GROUP => self.set_group(site, by, arguments).await,
            TARGET_GROUP => self.set_targets(site, by, arguments).await,
            BALANCER => self.set_balancer(site, by, arguments).await,
            LISTENER => self.set_listener(site, by, arguments).await,
            RULE => self.set_rule(site, by, arguments).await,
            _ => Err(unknown_kind(arguments.resource())),
        }
    }

    async fn delete(&self, site: &Site<'_>, id: &ResourceId) -> Result<Outcome, ProviderError> {
        match id.kind.as_str() {
            SECURITY_GROUP => self.delete_security_group(site, id).await,
            TEMPLATE => self.delete_template(site, id).await,
            GROUP => self.delete_group(site, id).await,
            TARGET_GROUP => self.delete_targets(site, id).await,
            BALANCER => self.delete_balancer(site).await,
            LISTENER => self.delete_listener(site, id).await,
            RULE => self.delete_rule(site, id).await,
            _ => Err(unknown_kind(id)),
        }
    }
}

fn unknown_kind(id: &ResourceId) -> ProviderError {
    ProviderError::Invalid {
        field: id.to_string(),
        message: "is nothing that this release makes on AWS".to_owned(),
    }
}

impl Provider for AwsProvider {
    fn desired(
        &self,
        cluster: &OpenViduCluster,
        profile: &Profile,
    ) -> Result<Vec<Resource>, ProviderError> {
        desired(cluster, profile)
    }

    async fn observe(&self, target: &Target, scopes: &ScopeChoice) -> BTreeMap<Scope, Observation> {
        let wanted: Vec<Scope> = match scopes {
            ScopeChoice::All => SCOPES.map(Scope::from).into(),
            ScopeChoice::Only(scopes) => scopes.iter().cloned().collect(),
        };
        let site = match self.site(target) {
            Ok(site) => site,
            Err(error) => {
                let unknown = |scope| (scope, Observation::unknown(error.to_string()));
                return wanted.into_iter().map(unknown).collect();
            }
        };
        let looks = wanted.iter().map(|scope| self.look(&site, scope));
        let seen = join_all(looks).await;
        wanted.into_iter().zip(seen).collect()
    }

    async fn execute(
        &self,
        target: &Target,
        step: &Step,
        call: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        let site = self.site(target)?;
        match &step.op {
            Op::Create {
                resource,
                properties,
                ..
            } => {
                self.create(&site, Arguments::new(resource, properties), call)
                    .await
            }
            Op::Set {
                resource,
                call: by,
                properties,
            } => {
                self.set(&site, by, Arguments::new(resource, properties), call)
                    .await
            }
            Op::Delete { resource, .. } => self.delete(&site, resource).await,
            Op::SetCapacity { group, from, to } => {
                self.set_capacity(&site, group, *from, *to).await
            }
            Op::SetProtection {
                group,
                nodes,
                protected,
            } => self.set_protection(&site, group, nodes, *protected).await,
            Op::Terminate { node, decrement } => self.terminate(&site, node, *decrement).await,
            _ => Err(ProviderError::Denied(format!(
                "`{}` is nothing that is done on AWS",
                step.id
            ))),
        }
    }

    /// Security groups are the first that is made and the last that goes: they tell of a deployment.
    async fn elsewhere(&self, target: &Target) -> Result<Option<String>, ProviderError> {
        let site = self.site(target)?;
        let find = Find::Tag(CLUSTER_TAG.to_owned(), site.names.cluster().to_owned());
        let found = self.ec2.security_groups(&find, None).await;
        let ids = found.map_err(classed)?.into_iter();
        let mut ids = ids.filter_map(|group| group.tags.get(OWNER_TAG).cloned());
        Ok(ids.find(|id| id != site.names.id()))
    }
}
