//! What one scope was seen to hold, while it is put together.

use std::collections::BTreeMap;

use ovo_aws_ec2::Tags;
use ovo_model::{
    NodeName, ObservedNode, ObservedResource, Ownership, ResourceId, ResourceState, Scalar,
};

use crate::kinds::TAG;

/// One scope.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) resources: BTreeMap<ResourceId, ObservedResource>,
    pub(crate) nodes: BTreeMap<NodeName, ObservedNode>,
}

impl Seen {
    pub(crate) fn add(&mut self, resource: Found) {
        let Found(resource) = resource;
        self.resources.insert(resource.id.clone(), resource);
    }
}

/// One resource while it is put together.
pub(crate) struct Found(ObservedResource);

impl Found {
    /// A resource that is there and ready.
    pub(crate) fn new(kind: &str, name: &str, ownership: Ownership) -> Self {
        Self(ObservedResource {
            id: ResourceId::new(kind, name),
            ownership,
            state: ResourceState::Ready,
            properties: BTreeMap::new(),
            outputs: BTreeMap::new(),
            progress: None,
        })
    }

    pub(crate) fn state(mut self, state: ResourceState) -> Self {
        self.0.state = state;
        self
    }

    pub(crate) fn is(mut self, property: &str, value: impl Into<Scalar>) -> Self {
        self.0.properties.insert(property.to_owned(), value.into());
        self
    }

    /// The same where AWS said something.
    pub(crate) fn maybe(self, property: &str, value: Option<impl Into<Scalar>>) -> Self {
        match value {
            Some(value) => self.is(property, value),
            None => self,
        }
    }

    pub(crate) fn tagged(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.0
                .properties
                .insert(format!("{TAG}{key}"), value.as_str().into());
        }
        self
    }

    pub(crate) fn tells(mut self, output: &str, value: impl Into<Scalar>) -> Self {
        self.0.outputs.insert(output.to_owned(), value.into());
        self
    }
}
