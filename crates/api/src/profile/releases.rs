//! OpenVidu 3 HighAvailability on machines, release by release, as data: what its installer wants and what a machine must
//! offer.
//!
//! Sources: OpenVidu's documentation of on-premises high availability (prerequisites, port rules), the non-interactive
//! commands that its installer prints, and the changes between 3.0 and 3.8 that its release notes name.

use crate::act::Role;
use crate::spec::Module;

/// A version of a program: as many parts as are given count.
pub type ProgramVersion = (u32, u32, u32);

/// What is the same in all releases from one on, until the next.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// The first minor version of OpenVidu 3 that it holds for.
    from_minor: u32,
    /// What the module of the conferencing application is called.
    application: &'static str,
    /// Flags of that application's credentials, with the key of the credentials Secret that each takes.
    application_flags: &'static [(&'static str, &'static str)],
    /// Oldest Docker engine that the installer accepts where one is there; it brings its own where there is none.
    pub docker: Option<ProgramVersion>,
    /// Oldest Compose plugin, likewise.
    pub compose: Option<ProgramVersion>,
}

/// What a machine must offer.
#[derive(Debug, PartialEq, Eq)]
pub struct MachineNeeds {
    /// CPU cores.
    pub cores: u32,
    /// Main memory that the kernel must report, in MiB.
    pub memory_mib: u64,
    /// Free disk space under `/opt`, in GB.
    pub disk_gb: u64,
}

/// Ports that must be open from every machine of one role to every machine of another, TCP.
#[derive(Debug, PartialEq, Eq)]
pub struct PortRule {
    /// Who connects.
    pub from: Role,
    /// Who listens.
    pub to: Role,
    /// Where.
    pub ports: &'static [u16],
}

/// Where OpenVidu's own server has the installers.
pub const INSTALLER_URL: &str = "https://get.openvidu.io";
/// The server that OpenVidu asks about its license, all the time: host and TCP port.
pub const LICENSE_SERVER: (&str, u16) = ("accounts.openvidu.io", 443);

/// Credentials of a master in every release: flag of the installer, key of the credentials Secret.
const MASTER_FLAGS: &[(&str, &str)] = &[
    ("livekit-api-key", "LIVEKIT_API_KEY"),
    ("livekit-api-secret", "LIVEKIT_API_SECRET"),
    ("dashboard-admin-user", "DASHBOARD_ADMIN_USERNAME"),
    ("dashboard-admin-password", "DASHBOARD_ADMIN_PASSWORD"),
    ("redis-password", "REDIS_PASSWORD"),
    ("minio-access-key", "MINIO_ACCESS_KEY"),
    ("minio-secret-key", "MINIO_SECRET_KEY"),
    ("mongo-admin-user", "MONGO_ADMIN_USERNAME"),
    ("mongo-admin-password", "MONGO_ADMIN_PASSWORD"),
    ("mongo-replica-set-key", "MONGO_REPLICA_SET_KEY"),
    ("grafana-admin-user", "GRAFANA_ADMIN_USERNAME"),
    ("grafana-admin-password", "GRAFANA_ADMIN_PASSWORD"),
];

/// Credentials of a media node: the masters' Redis is all that it has to be told.
const MEDIA_FLAGS: &[(&str, &str)] = &[("redis-password", "REDIS_PASSWORD")];

const CALL_FLAGS: &[(&str, &str)] = &[
    ("default-app-user", "DEFAULT_APP_USERNAME"),
    ("default-app-password", "DEFAULT_APP_PASSWORD"),
    ("default-app-admin-user", "DEFAULT_APP_ADMIN_USERNAME"),
    ("default-app-admin-password", "DEFAULT_APP_ADMIN_PASSWORD"),
];

const MEET_FLAGS: &[(&str, &str)] = &[
    ("meet-initial-admin-password", "MEET_INITIAL_ADMIN_PASSWORD"),
    ("meet-initial-api-key", "MEET_INITIAL_API_KEY"),
];

/// Oldest first.
static RELEASES: &[Release] = &[
    Release {
        from_minor: 0,
        application: "app",
        application_flags: CALL_FLAGS,
        docker: None,
        compose: None,
    },
    // OpenVidu Meet takes the place of the default application.
    Release {
        from_minor: 4,
        application: "openviduMeet",
        application_flags: MEET_FLAGS,
        docker: None,
        compose: None,
    },
    // Its installer stops at an engine that is older than the one that it pins.
    Release {
        from_minor: 8,
        application: "openviduMeet",
        application_flags: MEET_FLAGS,
        docker: Some((29, 5, 3)),
        compose: Some((5, 1, 4)),
    },
];

/// Both roles: 4 cores and 4 GB of memory, of which a kernel keeps up to a tenth for itself.
static MASTER_NEEDS: MachineNeeds = MachineNeeds {
    cores: 4,
    memory_mib: 3_600,
    disk_gb: 100,
};

/// OpenVidu names no disk for a media node; below 10 GB its images alone do not fit.
static MEDIA_NEEDS: MachineNeeds = MachineNeeds {
    cores: 4,
    memory_mib: 3_600,
    disk_gb: 10,
};

/// LiveKit, WHIP, RTMP, TURN with TLS; Redis, Sentinel, MongoDB, MinIO; Loki, Mimir, OpenVidu 2's API, Meet and an
/// application of one's own, whose webhooks come from the media nodes; consoles and gossip among the masters.
static PORTS: &[PortRule] = &[
    PortRule {
        from: Role::Master,
        to: Role::Media,
        ports: &[1935, 5349, 7880, 8080],
    },
    PortRule {
        from: Role::Media,
        to: Role::Master,
        ports: &[3100, 4443, 6080, 7000, 7001, 9009, 9080, 9100, 20000],
    },
    PortRule {
        from: Role::Master,
        to: Role::Master,
        ports: &[
            3000, 4443, 5000, 6080, 7000, 7001, 7946, 7947, 9080, 9095, 9096, 9100, 9101, 20000,
        ],
    },
];

/// TCP ports beyond those of the rules that a machine listens on for balancers, people or itself.
const MASTER_OWN: &[u16] = &[1945, 5349, 7880];
const MEDIA_OWN: &[u16] = &[6789, 7881, 9092];
/// Without a balancer the masters serve people themselves.
const MASTER_PUBLIC: &[u16] = &[80, 443, 1935];

/// UDP ports of a media node that people reach from the internet, in words.
pub const MEDIA_UDP: &str = "443/udp, 7885/udp and 50000-60000/udp";

/// The release that a version belongs to, or `None` where it is not OpenVidu 3.
pub fn release(version: &str) -> Option<&'static Release> {
    let mut parts = version.split('.').map(|p| p.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    if major != 3 {
        return None;
    }
    RELEASES.iter().rev().find(|r| r.from_minor <= minor)
}

/// What a machine of this role must offer.
pub fn needs(role: Role) -> &'static MachineNeeds {
    match role {
        Role::Media => &MEDIA_NEEDS,
        Role::Master | Role::LoadBalancer => &MASTER_NEEDS,
    }
}

/// The ports on which `to` must be reached from `from`.
pub fn ports_between(from: Role, to: Role) -> &'static [u16] {
    let rule = PORTS.iter().find(|r| r.from == from && r.to == to);
    rule.map_or(&[], |rule| rule.ports)
}

/// Every TCP port that OpenVidu will listen on there, in order. `public`: the masters stand behind no balancer.
pub fn ports_of(role: Role, public: bool) -> Vec<u16> {
    let (own, more): (&[u16], &[u16]) = match role {
        Role::Master if public => (MASTER_OWN, MASTER_PUBLIC),
        Role::Master => (MASTER_OWN, &[]),
        Role::Media => (MEDIA_OWN, &[]),
        Role::LoadBalancer => (&[], &[]),
    };
    let rules = PORTS.iter().filter(|r| r.to == role);
    let mut ports: Vec<u16> = rules
        .flat_map(|r| r.ports)
        .chain(own)
        .chain(more)
        .copied()
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

impl Release {
    /// What the installer calls a module.
    pub const fn module(&self, module: Module) -> &'static str {
        match module {
            Module::Observability => "observability",
            Module::V2Compatibility => "v2compatibility",
            Module::Meet => self.application,
        }
    }

    /// Flags that carry a credential, with the key of the credentials Secret that each takes.
    pub fn credential_flags(
        &self,
        role: Role,
    ) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let (own, application): (&[_], &[_]) = match role {
            Role::Master => (MASTER_FLAGS, self.application_flags),
            Role::Media => (MEDIA_FLAGS, &[]),
            Role::LoadBalancer => (&[], &[]),
        };
        own.iter().chain(application)
    }
}

/// The path of the installer of a role and a version under the base URL.
pub fn installer_path(role: Role, version: &str) -> String {
    let node = match role {
        Role::Media => "media",
        Role::Master | Role::LoadBalancer => "master",
    };
    format!("pro/ha/{version}/install_ov_{node}_node.sh")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Place, credential_keys};
    use crate::profile::V3_HA_ON_PREM;

    #[test]
    fn each_version_has_the_flags_of_its_time() {
        let has = |version: &str, flag: &str| {
            let release = release(version).unwrap();
            release
                .credential_flags(Role::Master)
                .any(|(name, _)| *name == flag)
        };
        assert!(has("3.3.0", "default-app-user") && !has("3.3.0", "meet-initial-api-key"));
        assert!(has("3.4.1", "meet-initial-api-key") && !has("3.4.1", "default-app-user"));
        assert_eq!(release("3.0.0").unwrap().module(Module::Meet), "app");
        assert_eq!(
            release("3.8.0").unwrap().module(Module::Meet),
            "openviduMeet"
        );
        assert_eq!(release("3.7.0").unwrap().docker, None);
        assert_eq!(release("3.11.2").unwrap().docker, Some((29, 5, 3)));
        assert_eq!(release("2.32.1"), None);
        assert_eq!(release("x"), None);
    }

    #[test]
    fn every_flag_takes_a_key_that_the_profile_has() {
        let keys: Vec<_> = credential_keys(&V3_HA_ON_PREM)
            .iter()
            .filter(|k| k.place == Place::Credentials)
            .map(|k| k.name)
            .collect();
        for version in ["3.0.0", "3.8.0"] {
            for role in [Role::Master, Role::Media] {
                for (flag, key) in release(version).unwrap().credential_flags(role) {
                    assert!(keys.contains(key), "{flag} takes {key}");
                }
            }
        }
    }

    #[test]
    fn ports_are_named_once_and_in_order() {
        let media = ports_of(Role::Media, false);
        assert_eq!(media, [1935, 5349, 6789, 7880, 7881, 8080, 9092]);
        let masters = ports_of(Role::Master, true);
        assert!(masters.is_sorted() && masters.contains(&443) && masters.contains(&20000));
        assert!(!ports_of(Role::Master, false).contains(&443));
        assert_eq!(ports_between(Role::Media, Role::Media), &[] as &[u16]);
    }
}
