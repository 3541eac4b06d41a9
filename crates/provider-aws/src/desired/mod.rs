//! The pure half: what a cluster should have on AWS.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

pub(crate) mod balancer;
mod groups;
pub(crate) mod network;
pub(crate) mod templates;
pub(crate) mod user_data;

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::profile::{NodeSource, Profile};
use ovo_api::spec::Aws;
use ovo_model::{
    Change, Property, ProviderError, Resource, ResourceId, Scalar, Scope, Stage, Value,
};

use crate::kinds::{
    ADD_TAGS, CREATE_OR_UPDATE_TAGS, CREATE_TAGS, GROUP, SECURITY_GROUP, TAG, TEMPLATE,
};
use crate::names::{CLUSTER_TAG, Names};

/// What a cluster should have: the same cluster gives the same resources.
///
/// # Errors
/// [`ProviderError::Invalid`] names the field that AWS, or this release of the operator, can do nothing with.
pub fn desired(
    cluster: &OpenViduCluster,
    profile: &Profile,
) -> Result<Vec<Resource>, ProviderError> {
    let aws = aws(cluster)?;
    if profile.nodes != NodeSource::Group {
        return Err(invalid(
            "spec.version",
            format!("{} does not run on AWS's groups", cluster.spec.version),
        ));
    }
    let annotations = cluster.metadata.annotations.as_ref();
    // A cluster that was never stored has no id yet, and its plan says so.
    let id = annotations
        .and_then(|all| all.get(INFRASTRUCTURE_ID))
        .map_or("<infrastructure-id>", String::as_str);
    let plan = Plan {
        cluster,
        profile,
        aws,
        names: Names::of(id, cluster),
    };
    let mut resources = network::resources(&plan);
    resources.push(balancer::targets(&plan));
    resources.push(templates::masters(&plan)?);
    resources.push(groups::masters(&plan));
    resources.extend(balancer::resources(&plan)?);
    resources.push(templates::media(&plan)?);
    resources.push(groups::media(&plan));
    for resource in &mut resources {
        plan.tag(resource);
    }
    Ok(resources)
}

/// Where in AWS a cluster is.
pub(crate) fn aws(cluster: &OpenViduCluster) -> Result<&Aws, ProviderError> {
    let infrastructure = &cluster.spec.infrastructure;
    match (&infrastructure.aws, &infrastructure.on_prem) {
        (Some(aws), None) => Ok(aws),
        _ => Err(invalid(
            "spec.infrastructure",
            "this version of OpenVidu runs on AWS: `aws` and nothing else must be there",
        )),
    }
}

fn invalid(field: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Invalid {
        field: field.to_owned(),
        message: message.into(),
    }
}

/// What all resources follow from.
struct Plan<'c> {
    cluster: &'c OpenViduCluster,
    profile: &'c Profile,
    aws: &'c Aws,
    names: Names,
}

impl Plan<'_> {
    /// Subnets are a set.
    fn subnets(&self) -> Value {
        let subnets: BTreeSet<String> = self.aws.subnet_ids.iter().cloned().collect();
        list(subnets)
    }

    /// One property for each tag: what is under other keys is somebody else's.
    fn tag(&self, resource: &mut Resource) {
        let call = match resource.id.kind.as_str() {
            SECURITY_GROUP | TEMPLATE => CREATE_TAGS,
            GROUP => CREATE_OR_UPDATE_TAGS,
            _ => ADD_TAGS,
        };
        let own = [
            ("Name".to_owned(), self.names.full(&resource.id.name)),
            (CLUSTER_TAG.to_owned(), self.names.cluster().to_owned()),
        ];
        for (key, value) in self.aws.tags.clone().into_iter().chain(own) {
            let property = Property::operator(value, call);
            resource.properties.insert(format!("{TAG}{key}"), property);
        }
    }
}

fn list(words: impl IntoIterator<Item = String>) -> Value {
    Value::Known(Scalar::List(words.into_iter().collect()))
}

fn output(of: &ResourceId, output: &str) -> Value {
    Value::OutputOf {
        resource: of.clone(),
        output: output.to_owned(),
    }
}

/// A property that is decided when the resource is made, and cannot change on it.
fn fixed(value: impl Into<Scalar>, call: &str) -> Property {
    Property::operator(value, call).change(Change::Refuse)
}

/// A resource under construction.
struct Build(Resource);

impl Build {
    fn new(kind: &str, name: &str, scope: &str, stage: Stage, [create, delete]: [&str; 2]) -> Self {
        Self(Resource {
            id: ResourceId::new(kind, name),
            scope: Scope::from(scope),
            stage,
            role: None,
            after: Vec::new(),
            create: Some(create.to_owned()),
            delete: delete.to_owned(),
            retain: false,
            properties: BTreeMap::new(),
        })
    }

    fn role(mut self, role: Role) -> Self {
        self.0.role = Some(role);
        self
    }

    fn after(mut self, resources: impl IntoIterator<Item = ResourceId>) -> Self {
        self.0.after.extend(resources);
        self
    }

    fn with(mut self, name: &str, property: Property) -> Self {
        self.0.properties.insert(name.to_owned(), property);
        self
    }

    fn done(self) -> Resource {
        self.0
    }
}
