//! What stands in front of the masters, what it lets in, and the firewalls of the machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::secret::SecretRef;

/// What stands in front of the masters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// A balancer that the operator installs on the machines in the role `LoadBalancer` (on-prem).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedBalancer>,
    /// A balancer that somebody else runs (on-prem).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalBalancer>,
    /// No balancer: the domain has one A record for each master (on-prem).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsBalancing>,
    /// Certificate of `spec.domainName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// A balancer that the operator installs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedBalancer {
    /// Which software.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = BalancerEngine::default()))]
    pub engine: Option<BalancerEngine>,
    /// Address that moves between two machines in the role `LoadBalancer`.
    #[serde(rename = "virtualIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 45))]
    #[schemars(transform = crate::rules::ip)]
    pub virtual_ip: Option<String>,
}

/// Software of a managed balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum BalancerEngine {
    /// NGINX with its stream module.
    #[default]
    #[serde(rename = "NGINX")]
    Nginx,
    /// HAProxy.
    HAProxy,
}

/// A balancer that somebody else runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalBalancer {
    /// Name or address at which the operator looks whether the balancer answers. Absent: `spec.domainName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub address: Option<String>,
}

/// No balancer: the domain has one A record for each master.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsBalancing {}

/// Where a certificate comes from: exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::certificate)]
pub struct Certificate {
    /// ARN of a certificate in AWS Certificate Manager, in the cluster's region (AWS only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub arn: Option<String>,
    /// Secret of type `kubernetes.io/tls` (on-prem only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// Obtained from Let's Encrypt by the masters themselves (on-prem with `dns` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lets_encrypt: Option<LetsEncrypt>,
    /// Made by OpenVidu itself: browsers warn (on-prem only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_signed: Option<SelfSigned>,
}

/// A certificate from Let's Encrypt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LetsEncrypt {
    /// Where Let's Encrypt writes to before a certificate expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254))]
    #[schemars(transform = crate::rules::email)]
    pub email: Option<String>,
}

/// A certificate that OpenVidu makes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelfSigned {}

/// What the deployment takes in beside browsers (OpenVidu 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingress {
    /// RTMP streams, at port 1935 of the balancer. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmp: Option<bool>,
    /// WebRTC streams by WHIP. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whip: Option<bool>,
    /// WebRTC over TCP, at port 7881 of the media nodes. Default: true.
    #[serde(rename = "webrtcTCP", skip_serializing_if = "Option::is_none")]
    pub webrtc_tcp: Option<bool>,
    /// Which balancer carries RTMP and TURN with TLS. Default: `Shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<IngressBalancer>,
}

/// Which balancer carries RTMP and TURN with TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum IngressBalancer {
    /// The one that carries everything else.
    #[default]
    Shared,
    /// One of their own.
    Separate,
}

/// What the operator does about the machines' firewalls (on-prem).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Firewall {
    /// What the operator does about the machines' firewalls. Default: `Report`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<FirewallMode>,
}

/// What the operator does about the machines' firewalls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum FirewallMode {
    /// Says which port that OpenVidu needs is closed.
    #[default]
    Report,
    /// Opens what OpenVidu needs and closes its other ports.
    Enforce,
    /// Does not look.
    Off,
}

// === impl ManagedBalancer ===

impl ManagedBalancer {
    /// Which software.
    pub fn engine(&self) -> BalancerEngine {
        self.engine.unwrap_or_default()
    }
}

// === impl Ingress ===

impl Ingress {
    /// Whether RTMP is taken in.
    pub fn rtmp(&self) -> bool {
        self.rtmp.unwrap_or(defaults::INGRESS)
    }

    /// Whether WHIP is taken in.
    pub fn whip(&self) -> bool {
        self.whip.unwrap_or(defaults::INGRESS)
    }

    /// Whether WebRTC over TCP is taken in.
    pub fn webrtc_tcp(&self) -> bool {
        self.webrtc_tcp.unwrap_or(defaults::INGRESS)
    }

    /// Which balancer carries RTMP and TURN with TLS.
    pub fn load_balancer(&self) -> IngressBalancer {
        self.load_balancer.unwrap_or_default()
    }
}

// === impl Firewall ===

impl Firewall {
    /// What the operator does about the machines' firewalls.
    pub fn mode(&self) -> FirewallMode {
        self.mode.unwrap_or_default()
    }
}
