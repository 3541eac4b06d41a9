//! Machines that are reached by SSH.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::Role;
use crate::spec::defaults;
use crate::spec::secret::SecretKeySource;

/// Machines that are reached by SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::pool)]
pub struct OnPrem {
    /// How the machines are reached.
    pub ssh: Ssh,
    /// Where OpenVidu's installer comes from.
    #[serde(default)]
    pub installer: Installer,
    /// Checks before anything is installed.
    #[serde(default)]
    pub preflight: Preflight,
    /// The machines. Media machines form a pool: `spec.media.replicas` of them serve, the others stand by.
    #[schemars(length(max = 200))]
    #[schemars(transform = crate::rules::map_by_name)]
    pub machines: Vec<Machine>,
}

/// How machines are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::ssh)]
pub struct Ssh {
    /// User to log in as.
    #[schemars(length(min = 1, max = 32))]
    pub user: String,
    /// Private key, in OpenSSH's or PKCS#8's form, without a passphrase.
    pub private_key: SecretKeySource,
    /// TCP port of sshd on every machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535), extend("default" = defaults::SSH_PORT))]
    pub port: Option<i32>,
    /// What is believed about a machine's identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = HostKeyPolicy::default()))]
    pub host_key_policy: Option<HostKeyPolicy>,
    /// How commands get root's rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = BecomeRoot::default()))]
    pub become_root: Option<BecomeRoot>,
    /// Machine through which all others are reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump_host: Option<JumpHost>,
}

/// What is believed about a machine's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum HostKeyPolicy {
    /// Only the key that the manifest names.
    #[default]
    Pinned,
    /// The key of the first contact, kept from then on, where the manifest names none.
    TrustOnFirstUse,
}

/// How commands get root's rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum BecomeRoot {
    /// With sudo, which must not ask for a password.
    #[default]
    Sudo,
    /// The user has them already.
    NotNeeded,
}

/// A machine through which others are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::jump_host)]
pub struct JumpHost {
    /// Address or name.
    #[schemars(length(min = 1, max = 253))]
    pub address: String,
    /// TCP port of its sshd. Absent: 22.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// User to log in as. Absent: the same as on the machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub user: Option<String>,
    /// Its host key, as in a line of `known_hosts` without the name: `ssh-ed25519 AAAA...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(transform = crate::rules::host_key)]
    pub host_key: Option<String>,
}

/// Where OpenVidu's installer comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::installer)]
pub struct Installer {
    /// Where the installer's scripts are fetched from. Absent: OpenVidu's own server.
    #[serde(rename = "baseURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub base_url: Option<String>,
    /// SHA-256 that a fetched script must have, in hexadecimal digits; one that differs is not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 64))]
    pub sha256: Option<String>,
    /// The same for the media nodes' script, where it is another one than the masters'. Absent: `sha256`.
    #[serde(rename = "mediaSHA256", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 64, max = 64))]
    pub media_sha256: Option<String>,
    /// Further flags for the masters' installer, one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 3, max = 256)))]
    pub extra_flags: Vec<String>,
}

/// Checks before anything is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preflight {
    /// Checks whose failure is only reported. Laboratories need it; status shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[schemars(transform = crate::rules::set)]
    pub ignore: Vec<PreflightCheck>,
}

/// A check of a machine before anything is installed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(transform = crate::rules::leave_description_to_field)]
pub enum PreflightCheck {
    /// Version of Docker.
    DockerVersion,
    /// Number of CPU cores: at least 4.
    #[serde(rename = "CPU")]
    Cpu,
    /// Main memory: at least 4 GB.
    Memory,
    /// Free disk space: 100 GB on masters.
    Disk,
    /// Linux distribution and version.
    OperatingSystem,
    /// Ports that are taken or closed.
    Ports,
    /// Servers on the internet that OpenVidu needs.
    Internet,
    /// Difference of the clocks.
    Clock,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::rules::machine)]
pub struct Machine {
    /// Name, unique in this cluster. The node object is named `<cluster>-<name>`.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Private address: the other nodes and the operator reach it here. A master's never changes.
    #[schemars(length(min = 2, max = 45))]
    #[schemars(transform = crate::rules::ip)]
    pub address: String,
    /// Address at which people's browsers reach a media node. Absent: OpenVidu finds it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 45))]
    #[schemars(transform = crate::rules::ip)]
    pub public_address: Option<String>,
    /// Host key, as in a line of `known_hosts` without the name: `ssh-ed25519 AAAA...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(transform = crate::rules::host_key)]
    pub host_key: Option<String>,
}

// === impl OnPrem ===

impl OnPrem {
    /// The machines in one role, in the order in which they were written.
    pub fn machines_in(&self, role: Role) -> impl Iterator<Item = &Machine> {
        self.machines
            .iter()
            .filter(move |machine| machine.role == role)
    }
}

// === impl Ssh ===

impl Ssh {
    /// TCP port of sshd on every machine.
    pub fn port(&self) -> u16 {
        u16::try_from(self.port.unwrap_or(defaults::SSH_PORT)).unwrap_or(u16::MAX)
    }

    /// What is believed about a machine's identity.
    pub fn host_key_policy(&self) -> HostKeyPolicy {
        self.host_key_policy.unwrap_or_default()
    }

    /// How commands get root's rights.
    pub fn become_root(&self) -> BecomeRoot {
        self.become_root.unwrap_or_default()
    }
}
