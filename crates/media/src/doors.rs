//! Where OpenVidu 3's services are on a node.
//!
//! Sources: LiveKit's, egress' and ingress' configuration as OpenVidu's deployments have it, and the ports that OpenVidu
//! documents for high availability.

use std::time::Duration;

/// A path on a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    /// TCP port.
    pub(crate) port: u16,
    /// Path of the request.
    pub(crate) path: &'static str,
    /// The container behind it.
    pub(crate) container: &'static str,
}

/// LiveKit's metrics.
pub(crate) const METRICS: Door = Door {
    port: 6789,
    path: "/metrics",
    container: "openvidu",
};
/// Egress' health, which lists what it does.
pub(crate) const EGRESS: Door = Door {
    port: 9091,
    path: "/",
    container: "egress",
};
/// Ingress' health.
pub(crate) const INGRESS: Door = Door {
    port: 9092,
    path: "/",
    container: "ingress",
};

/// The sentinel on each master.
pub(crate) const SENTINEL_PORT: u16 = 7001;
/// What sentinels call OpenVidu's Redis.
pub(crate) const PRIMARY_NAME: &str = "openvidu";
/// The key of the credentials that Redis and its sentinels take.
pub(crate) const REDIS_PASSWORD: &str = "REDIS_PASSWORD";
/// Those that LiveKit's API takes.
pub(crate) const API_KEY: &str = "LIVEKIT_API_KEY";
pub(crate) const API_SECRET: &str = "LIVEKIT_API_SECRET";

/// How long one question may take, from dialling to the end of the answer. All questions of a reading are asked at once, but
/// for Redis' after its sentinels': with the provider's own look a reading stays younger than the 15 s in which it may
/// decide an end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// Nodes that are asked at the same time.
pub(crate) const AT_ONCE: usize = 16;
