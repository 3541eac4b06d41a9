//! The kinds that are kept in an API server under our group.

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use ovo_api::node::NODE_FORMAT_VERSION;
use ovo_api::status::INTENT_FORMAT_VERSION;
use ovo_api::{OpenViduCluster, OpenViduNode};

use crate::embedded::object::Object;
use crate::key::ObjectKey;

/// One of our kinds.
pub(crate) trait Kind:
    Object + Resource<Scope = NamespaceResourceScope> + std::fmt::Debug
{
    /// The newest format that this release knows.
    const FORMAT: i32;

    /// The cluster that is to be looked at when this object changes.
    fn cluster(&self) -> ObjectKey;

    /// The format in which it was written; 0 where its status was never written.
    fn format(&self) -> i32;

    /// The same object without what only a server sets, and without status.
    fn bare(self) -> Self;
}

impl Kind for OpenViduCluster {
    const FORMAT: i32 = INTENT_FORMAT_VERSION;

    fn cluster(&self) -> ObjectKey {
        ObjectKey::of(self)
    }

    fn format(&self) -> i32 {
        let intent = self
            .status
            .as_ref()
            .and_then(|status| status.intent.as_ref());
        intent.map_or(0, |intent| intent.format_version)
    }

    fn bare(self) -> Self {
        Self {
            metadata: bare(self.metadata),
            status: None,
            ..self
        }
    }
}

impl Kind for OpenViduNode {
    const FORMAT: i32 = NODE_FORMAT_VERSION;

    fn cluster(&self) -> ObjectKey {
        ObjectKey::of(self).sibling(self.spec.cluster.clone())
    }

    fn format(&self) -> i32 {
        self.status
            .as_ref()
            .map_or(0, |status| status.format_version)
    }

    fn bare(self) -> Self {
        Self {
            metadata: bare(self.metadata),
            status: None,
            ..self
        }
    }
}

/// What whoever makes an object may say of it.
pub(crate) fn bare(meta: kube::core::ObjectMeta) -> kube::core::ObjectMeta {
    kube::core::ObjectMeta {
        name: meta.name,
        namespace: meta.namespace,
        labels: meta.labels,
        annotations: meta.annotations,
        finalizers: meta.finalizers,
        owner_references: meta.owner_references,
        ..kube::core::ObjectMeta::default()
    }
}
