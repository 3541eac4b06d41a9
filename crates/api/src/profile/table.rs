//! The supported profiles.

use super::{ConfigStore, DrainDriver, Health, NodeSource, OccupancySource, Profile, Quorum};

/// OpenVidu 2 Enterprise HighAvailability on AWS.
pub static V2_HA_AWS: Profile = Profile {
    name: "v2-ha-aws",
    drain: DrainDriver::MastersByCapacity,
    nodes: NodeSource::Group,
    config: ConfigStore::BucketEnv,
    occupancy: &[OccupancySource::MediaNodes],
    drained_containers: &[],
    masters: (1, 100),
    quorum: Quorum::One,
    // The masters answer for the node; one more tick of theirs is what their answer may lag.
    settle_ms: 10_000,
    balancer_health: Health {
        port: 4443,
        path: "/",
        codes: (401, 403),
    },
};

/// OpenVidu 2 Enterprise HighAvailability on AWS up to 2.31, whose balancer check differs.
static V2_HA_AWS_2_31: Profile = Profile {
    name: "v2-ha-aws",
    drain: DrainDriver::MastersByCapacity,
    nodes: NodeSource::Group,
    config: ConfigStore::BucketEnv,
    occupancy: &[OccupancySource::MediaNodes],
    drained_containers: &[],
    masters: (1, 100),
    quorum: Quorum::One,
    settle_ms: 10_000,
    balancer_health: Health {
        port: 4443,
        path: "/openvidu/health",
        codes: (200, 200),
    },
};

/// OpenVidu 3 HighAvailability on machines reached by SSH.
pub static V3_HA_ON_PREM: Profile = Profile {
    name: "v3-ha-onprem",
    drain: DrainDriver::SignalOnce,
    nodes: NodeSource::Machines,
    config: ConfigStore::ReplicatedFiles,
    occupancy: &[
        OccupancySource::LiveKit,
        OccupancySource::Egress,
        OccupancySource::Ingress,
    ],
    drained_containers: &["openvidu", "ingress", "egress"],
    masters: (4, 4),
    quorum: Quorum::Majority,
    // LiveKit's own ticker is 5 s and its record is rewritten every 2 s: two tickers.
    settle_ms: 10_000,
    balancer_health: Health {
        port: 7880,
        path: "/health/caddy",
        codes: (200, 200),
    },
};

/// The profile of a version on AWS (`aws`) or on machines (`!aws`), or `None` where there is none yet.
///
/// `version` is `major.minor.patch`.
pub fn lookup(version: &str, aws: bool) -> Option<&'static Profile> {
    let mut parts = version.split('.').map(|p| p.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    match (major, aws) {
        (2, true) if minor >= 32 => Some(&V2_HA_AWS),
        (2, true) => Some(&V2_HA_AWS_2_31),
        (3, false) => Some(&V3_HA_ON_PREM),
        _ => None,
    }
}
