//! Names and owner tags, all of which follow from the infrastructure id and the cluster's own name.

use ovo_api::OpenViduCluster;
use ovo_api::annotations::{CLUSTER_LABEL, INFRASTRUCTURE_ID};
use ovo_aws_ec2::Tags;
use ovo_model::Ownership;

/// The tag that holds the infrastructure id: what carries another one, or none, is never touched.
pub const OWNER_TAG: &str = INFRASTRUCTURE_ID;
/// The tag that says `namespace/name` of the cluster, for people and for a cluster that lost its id.
pub(crate) const CLUSTER_TAG: &str = CLUSTER_LABEL;

/// What the things of one cluster are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    id: String,
    cluster: String,
}

impl Names {
    /// The names under this infrastructure id of this cluster.
    pub fn of(infrastructure_id: &str, cluster: &OpenViduCluster) -> Self {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let metadata = &cluster.metadata;
        Self {
            id: infrastructure_id.to_owned(),
            cluster: format!("{}/{}", part(&metadata.namespace), part(&metadata.name)),
        }
    }

    /// AWS's name of what we call by a short one. Balancers and target groups take 32 characters: the id's eight leave
    /// fourteen for the short name.
    pub fn full(&self, short: &str) -> String {
        format!("openvidu-{}-{short}", self.id)
    }

    /// The infrastructure id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `namespace/name`.
    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Whose something with these tags is.
    pub(crate) fn ownership(&self, tags: &Tags) -> Ownership {
        match tags.get(OWNER_TAG) {
            Some(id) if *id == self.id => Ownership::Ours,
            Some(id) => Ownership::Foreign(
                tags.get(CLUSTER_TAG)
                    .map_or_else(|| id.clone(), |cluster| format!("{cluster} ({id})")),
            ),
            None => Ownership::Unowned,
        }
    }
}
