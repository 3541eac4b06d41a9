//! Amazon Web Services.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::defaults;

/// Amazon Web Services: where in it, and what the cluster may use there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::aws)]
pub struct Aws {
    /// Region.
    #[schemars(length(min = 1, max = 32))]
    #[schemars(transform = crate::rules::region)]
    pub region: String,
    /// VPC in that region.
    #[serde(rename = "vpcID")]
    #[schemars(length(min = 1, max = 64))]
    #[schemars(transform = crate::rules::vpc)]
    pub vpc_id: String,
    /// Subnets of the VPC, at least two, each in another availability zone.
    #[serde(rename = "subnetIDs")]
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)))]
    #[schemars(transform = crate::rules::subnet_ids)]
    pub subnet_ids: Vec<String>,
    /// Name of the EC2 key pair with which people log in to the machines. Absent: nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    #[schemars(transform = crate::rules::key_pair)]
    pub key_pair_name: Option<String>,
    /// Role that the operator assumes. Absent: its own identity, where its configuration allows this namespace.
    #[serde(rename = "roleARN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(transform = crate::rules::iam_arn)]
    pub role_arn: Option<String>,
    /// Machine images. OpenVidu 2 cannot be installed otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,
    /// The shared Redis.
    #[serde(default)]
    pub redis: Redis,
    /// DNS.
    #[serde(default)]
    pub dns: AwsDns,
    /// Tags for everything that is made for this cluster, beside the operator's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = crate::rules::tags)]
    pub tags: BTreeMap<String, String>,
    /// Which machines may be bought.
    #[serde(default)]
    pub capacity: Capacity,
    /// Identities of the machines.
    #[serde(default)]
    pub iam: Iam,
}

/// Machine images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::images)]
pub struct Images {
    /// Region that holds the images. OpenVidu publishes its own in eu-west-1. Absent: the cluster's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[schemars(transform = crate::rules::region)]
    pub source_region: Option<String>,
    /// Image of the masters.
    pub master: Image,
    /// Image of the media nodes.
    pub media: Image,
    /// Whether the images are copied into the account and region first, so that the cluster can grow after
    /// they were withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::IMAGES_COPY))]
    pub copy: Option<bool>,
}

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Id of the image: `ami-` and hexadecimal digits.
    #[schemars(length(min = 5, max = 64))]
    #[schemars(transform = crate::rules::ami)]
    pub id: String,
}

/// The Redis (ElastiCache) that the masters share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redis {
    /// ElastiCache node type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("default" = defaults::REDIS_NODE_TYPE))]
    #[schemars(transform = crate::rules::redis_node_type)]
    pub node_type: Option<String>,
    /// Replicas beside the primary. With none, the loss of one node is the loss of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 5), extend("default" = defaults::REDIS_REPLICAS))]
    pub replicas: Option<i32>,
}

/// DNS in Route 53.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsDns {
    /// Hosted zone in which the operator keeps the record of `spec.domainName`. Absent: the record is yours to
    /// make, and status says what it must be.
    #[serde(rename = "hostedZoneID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[schemars(transform = crate::rules::hosted_zone)]
    pub hosted_zone_id: Option<String>,
}

/// Which machines may be bought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capacity {
    /// Whether media nodes may be spot instances, which AWS ends with two minutes' notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::SPOT))]
    pub spot: Option<bool>,
    /// Further instance types for media nodes when `spec.media.instanceType` is not to be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 64)))]
    #[schemars(transform = crate::rules::instance_types)]
    pub instance_types: Vec<String>,
}

/// Identities of the machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Iam {
    /// Instance profile of the masters. Absent: one is made for this cluster.
    #[serde(
        rename = "masterInstanceProfileARN",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(transform = crate::rules::iam_arn)]
    pub master_instance_profile_arn: Option<String>,
    /// Permissions boundary for the roles that are made for this cluster.
    #[serde(
        rename = "permissionsBoundaryARN",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(transform = crate::rules::iam_arn)]
    pub permissions_boundary_arn: Option<String>,
}

// === impl Images ===

impl Images {
    /// Whether the images are copied first.
    pub fn copy(&self) -> bool {
        self.copy.unwrap_or(defaults::IMAGES_COPY)
    }
}

// === impl Redis ===

impl Redis {
    /// ElastiCache node type.
    pub fn node_type(&self) -> &str {
        self.node_type
            .as_deref()
            .unwrap_or(defaults::REDIS_NODE_TYPE)
    }

    /// Replicas beside the primary.
    pub fn replicas(&self) -> i32 {
        self.replicas.unwrap_or(defaults::REDIS_REPLICAS)
    }
}

// === impl Capacity ===

impl Capacity {
    /// Whether media nodes may be spot instances.
    pub fn spot(&self) -> bool {
        self.spot.unwrap_or(defaults::SPOT)
    }
}
