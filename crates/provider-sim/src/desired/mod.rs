//! The pure half: what a cluster should have in the simulated world.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

mod aws;
mod config;
mod on_prem;

use std::collections::BTreeMap;

use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::annotations::INFRASTRUCTURE_ID;
use ovo_api::profile::{NodeSource, Profile};
use ovo_model::{Property, ProviderError, Resource, ResourceId, Scope, Stage};

/// What a cluster should have. Pure: the same cluster gives the same resources.
///
/// # Errors
/// [`ProviderError::Invalid`] names the field that the simulator can do nothing with.
pub fn desired(
    cluster: &OpenViduCluster,
    profile: &Profile,
) -> Result<Vec<Resource>, ProviderError> {
    let infrastructure = &cluster.spec.infrastructure;
    match (profile.nodes, &infrastructure.aws, &infrastructure.on_prem) {
        (NodeSource::Group, Some(aws), None) => Ok(aws::desired(cluster, profile, aws)),
        (NodeSource::Machines, None, Some(on_prem)) => on_prem::desired(cluster, profile, on_prem),
        (NodeSource::Group, ..) => Err(invalid(
            "spec.infrastructure",
            "this version of OpenVidu runs on groups of a cloud: `aws` and nothing else must be there",
        )),
        (NodeSource::Machines, ..) => Err(invalid(
            "spec.infrastructure",
            "this version of OpenVidu runs on machines: `onPrem` and nothing else must be there",
        )),
    }
}

fn invalid(field: &str, message: &str) -> ProviderError {
    ProviderError::Invalid {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

/// The id from which names derive; a cluster that was never stored has none yet, and its plan says so.
fn infrastructure_id(cluster: &OpenViduCluster) -> &str {
    cluster
        .metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(INFRASTRUCTURE_ID))
        .map_or("<infrastructure-id>", String::as_str)
}

/// A resource under construction.
struct Build(Resource);

impl Build {
    fn new(kind: &str, name: &str, scope: &str, stage: Stage) -> Self {
        Self(Resource {
            id: ResourceId::new(kind, name),
            scope: Scope::from(scope),
            stage,
            role: None,
            after: Vec::new(),
            create: Some(format!("Create{kind}")),
            delete: format!("Delete{kind}"),
            retain: false,
            properties: BTreeMap::new(),
        })
    }

    fn role(mut self, role: Role) -> Self {
        self.0.role = Some(role);
        self
    }

    fn after<'a>(mut self, resources: impl IntoIterator<Item = &'a ResourceId>) -> Self {
        self.0.after.extend(resources.into_iter().cloned());
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
