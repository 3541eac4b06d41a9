//! `OpenViduCluster`: what a person writes.

#![allow(
    clippy::duplicated_attributes,
    reason = "clippy takes the columns of kubectl for repetitions"
)]

pub mod autoscaling;
pub mod defaults;
pub mod disruption;
pub mod infrastructure;
pub mod load_balancer;
pub mod masters;
pub mod media;
pub mod secret;
pub mod storage;
pub mod turn;

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use autoscaling::{Autoscaling, AutoscalingMode, Reservation, ScaleDown, ScaleUp, Schedule};
pub use disruption::{
    Deletion, DeletionDrain, DeletionPolicy, Disruption, DisruptionPolicy, DriftPolicy, Window,
};
pub use infrastructure::{
    Aws, AwsDns, BecomeRoot, Capacity, HostKeyPolicy, Iam, Image, Images, Infrastructure,
    Installer, JumpHost, Machine, OnPrem, Preflight, PreflightCheck, Redis, Ssh,
};
pub use load_balancer::{
    BalancerEngine, Certificate, DnsBalancing, ExternalBalancer, Firewall, FirewallMode, Ingress,
    IngressBalancer, LetsEncrypt, LoadBalancer, ManagedBalancer, SelfSigned,
};
pub use masters::Masters;
pub use media::{AtDeadline, Drain, Media, Remediation};
pub use secret::{SecretKeyRef, SecretKeySource, SecretRef, SecretSource};
pub use storage::{Bucket, ElasticStack, Recording, Retention, Storage};
pub use turn::{Turn, TurnPlacement};

use crate::act::Role;
use crate::profile::{self, Profile};
use crate::status::OpenViduClusterStatus;

/// A whole OpenVidu deployment.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "openvidu.io",
    version = "v1alpha1",
    kind = "OpenViduCluster",
    plural = "openviduclusters",
    shortname = "ovc",
    category = "openvidu",
    namespaced,
    status = "OpenViduClusterStatus",
    derive = "PartialEq",
    doc = "A whole OpenVidu deployment: masters, media nodes, load balancer and what they share.",
    scale(
        spec_replicas_path = ".spec.media.replicas",
        status_replicas_path = ".status.media.replicas",
        label_selector_path = ".status.media.selector"
    ),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Masters",
        type_ = "integer",
        json_path = ".status.masters.ready"
    ),
    printcolumn(name = "Media", type_ = "integer", json_path = ".status.media.ready"),
    printcolumn(name = "Rooms", type_ = "integer", json_path = ".status.media.rooms"),
    printcolumn(
        name = "People",
        type_ = "integer",
        json_path = ".status.media.participants"
    ),
    printcolumn(name = "As-Of", type_ = "date", json_path = ".status.summaryAt"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.endpoints.url",
        priority = 1
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.infrastructure.aws.region",
        priority = 1
    ),
    printcolumn(
        name = "Load",
        type_ = "integer",
        json_path = ".status.media.averageLoadPercent",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::spec)]
pub struct OpenViduClusterSpec {
    /// Version of OpenVidu.
    #[schemars(length(min = 5, max = 16))]
    #[schemars(transform = crate::rules::version)]
    pub version: String,
    /// How the deployment is made up.
    pub topology: Topology,
    /// Domain name at which the deployment is reached. It points to the load balancer.
    #[schemars(length(min = 1, max = 253))]
    #[schemars(transform = crate::rules::domain_name)]
    pub domain_name: String,
    /// Name under which statistics are indexed, and from which names in the cloud derive. Kept from the first
    /// sight on. Default: the object's name, lower-cased, `.` replaced by `-`.
    #[serde(rename = "clusterID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[schemars(transform = crate::rules::cluster_id)]
    pub cluster_id: Option<String>,
    /// License key of OpenVidu Pro or Enterprise.
    pub license: SecretKeySource,
    /// Secret with credentials that you choose. Those not found there are generated once, into
    /// `<cluster>-credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretSource>,
    /// Media server. Default: `mediasoup` in OpenVidu 2, `pion` in OpenVidu 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_engine: Option<MediaEngine>,
    /// Whether sessions can be recorded.
    #[serde(default)]
    pub recording: Recording,
    /// Where recordings and shared configuration lie.
    #[serde(default)]
    pub storage: Storage,
    /// TURN, for people behind restrictive firewalls.
    #[serde(default)]
    pub turn: Turn,
    /// An Elastic Stack that runs elsewhere (OpenVidu 2). Absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic_stack: Option<ElasticStack>,
    /// OpenVidu's own configuration keys. What is removed here goes back to the profile's default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = crate::rules::config_keys)]
    pub config: BTreeMap<String, String>,
    /// Configuration keys whose values are secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[schemars(transform = crate::rules::map_by_name)]
    pub config_from: Vec<ConfigFrom>,
    /// Whether OpenVidu restarts its masters by itself when its configuration file changes
    /// (`OPENVIDU_ENTERPRISE_S3_CONFIG_AUTORESTART`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_restart: Option<ConfigRestart>,
    /// The masters.
    #[serde(default)]
    pub masters: Masters,
    /// The media nodes.
    #[serde(default)]
    pub media: Media,
    /// What stands in front of the masters.
    #[serde(default)]
    pub load_balancer: LoadBalancer,
    /// When an act that cuts conversations may run.
    #[serde(default)]
    pub disruption: Disruption,
    /// What the operator does about properties that somebody else changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DriftPolicy::default()))]
    pub drift: Option<DriftPolicy>,
    /// Stops writes to the infrastructure. Status goes on; deletion waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = defaults::PAUSED))]
    pub paused: Option<bool>,
    /// What happens when the object is deleted.
    #[serde(default)]
    pub deletion: Deletion,
    /// Where the deployment runs: exactly one member.
    pub infrastructure: Infrastructure,
    /// OpenVidu's optional modules (OpenVidu 3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[schemars(transform = crate::rules::set)]
    pub modules: Vec<Module>,
    /// What the deployment takes in beside browsers (OpenVidu 3).
    #[serde(default)]
    pub ingress: Ingress,
    /// What the operator does about the machines' firewalls (on-prem).
    #[serde(default)]
    pub firewall: Firewall,
}

/// How a deployment is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum Topology {
    /// Several masters, several media nodes.
    HighAvailability,
    /// One master, several media nodes (OpenVidu 2). Not yet.
    SingleMaster,
    /// One master, several media nodes (OpenVidu 3). Not yet.
    Elastic,
    /// Everything on one machine. Not yet.
    SingleNode,
}

/// Media server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum MediaEngine {
    /// mediasoup: OpenVidu 2, and OpenVidu 3 where it is experimental.
    Mediasoup,
    /// Kurento: OpenVidu 2.
    Kurento,
    /// Pion, LiveKit's own: OpenVidu 3.
    Pion,
}

/// An optional module of OpenVidu 3.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum Module {
    /// Grafana, Mimir, Loki and their collectors.
    Observability,
    /// The API of OpenVidu 2.
    V2Compatibility,
    /// The video-conferencing application: OpenVidu Meet, up to 3.3 the default app, OpenVidu Call.
    Meet,
}

/// Whether OpenVidu restarts its masters by itself when its configuration file changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum ConfigRestart {
    /// It does not; the operator restarts them as `spec.disruption` allows.
    #[default]
    Never,
    /// It does, whatever runs there.
    Always,
}

/// A configuration key whose value is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::config_from)]
pub struct ConfigFrom {
    /// The key, as OpenVidu names it.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// Where its value is.
    pub secret_key_ref: SecretKeyRef,
}

// === impl OpenViduClusterSpec ===

impl OpenViduClusterSpec {
    /// OpenVidu's major version, or 0 where `version` is none.
    pub fn major(&self) -> u32 {
        self.version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .unwrap_or(0)
    }

    /// Media server.
    pub fn media_engine(&self) -> MediaEngine {
        self.media_engine.unwrap_or(if self.major() >= 3 {
            MediaEngine::Pion
        } else {
            MediaEngine::Mediasoup
        })
    }

    /// Whether OpenVidu restarts its masters by itself when its configuration file changes.
    pub fn config_restart(&self) -> ConfigRestart {
        self.config_restart.unwrap_or_default()
    }

    /// What the operator does about properties that somebody else changed.
    pub fn drift(&self) -> DriftPolicy {
        self.drift.unwrap_or_default()
    }

    /// The keys of Secrets without which nothing works: the license, and on machines the SSH key.
    pub fn required_secrets(&self) -> impl Iterator<Item = &SecretKeyRef> {
        let ssh = self.infrastructure.on_prem.as_ref();
        [&self.license.secret_key_ref]
            .into_iter()
            .chain(ssh.map(|o| &o.ssh.private_key.secret_key_ref))
    }

    /// Whether writes to the infrastructure are stopped.
    pub fn paused(&self) -> bool {
        self.paused.unwrap_or(defaults::PAUSED)
    }

    /// How many masters are declared: the machines in that role on-prem, `spec.masters.desired` elsewhere.
    pub fn declared_masters(&self) -> i32 {
        match &self.infrastructure.on_prem {
            // The schema bounds the list at 200.
            Some(on_prem) => {
                i32::try_from(on_prem.machines_in(Role::Master).count()).unwrap_or(i32::MAX)
            }
            None => self.masters.desired(),
        }
    }

    /// The profile that follows from version, topology and infrastructure, or `None` where there is none yet.
    pub fn profile(&self) -> Option<&'static Profile> {
        match self.topology {
            Topology::HighAvailability => {
                profile::lookup(&self.version, self.infrastructure.aws.is_some())
            }
            Topology::SingleMaster | Topology::Elastic | Topology::SingleNode => None,
        }
    }
}

// === impl OpenViduCluster ===

impl OpenViduCluster {
    /// The cluster id: as declared, else derived from the object's name.
    pub fn cluster_id(&self) -> String {
        self.spec
            .cluster_id
            .clone()
            .unwrap_or_else(|| derive_cluster_id(self.metadata.name.as_deref().unwrap_or("")))
    }
}

/// The cluster id of an object without one: its name, lower-cased, `.` replaced by `-`.
pub fn derive_cluster_id(name: &str) -> String {
    name.to_ascii_lowercase().replace('.', "-")
}
