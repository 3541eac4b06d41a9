//! What can be set.

use std::time::Duration;

use super::bugs::Bugs;
use super::limits::Limits;

/// The name under which every write is made: what it owns of an object is listed under it in `managedFields`.
pub const FIELD_MANAGER: &str = "openvidu-operator";

/// How long a call may take, unless [`KubernetesOptions::call_timeout`] says otherwise. 5 s: the lease is 15 s long, and
/// a call begins only where the lease outlasts it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Which namespaces are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One namespace: a Role is enough.
    Namespace(String),
    /// Every namespace: a ClusterRole is needed.
    AllNamespaces,
}

/// What the operator may do with Secrets beside getting one by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAccess {
    /// Watch which there are and in which version; of each only the metadata is asked for. RBAC knows no such
    /// difference: who may watch may read all values in that namespace. For one namespace.
    Watch,
    /// Nothing else. A rotation is noticed when the cached value is older than
    /// [`KubernetesOptions::secret_max_age`].
    Get,
}

/// How the adapter behaves.
#[derive(Clone, Debug)]
pub struct KubernetesOptions {
    /// Which namespaces are served.
    pub scope: Scope,
    /// What may be done with Secrets.
    pub secrets: SecretAccess,
    /// How long one call may take, connecting and reading the answer included: [`CALL_TIMEOUT`].
    pub call_timeout: Duration,
    /// How often and how many at once.
    pub limits: Limits,
    /// How old a cached Secret may be where nobody tells of a change. 30 s: kubelet takes up to a minute for the same,
    /// and with four Secrets to a cluster a thousand clusters that are looked at every minute ask 67 times a second.
    pub secret_max_age: Duration,
    /// How long one watch call lasts before it is begun anew where it left off. 20 s: a connection that died in
    /// silence is noticed 5 s later, and a watch that is well shows so at least this often.
    pub watch_timeout: Duration,
    /// How long a watch may take to deliver what this process wrote. After that the object is read from the server
    /// each time until the watch has it. 10 s: a loaded API server was seen to be seconds behind.
    pub catch_up: Duration,
    /// Who reports events: the name of the pod. At most 128 bytes of it are used.
    pub instance: String,
    /// Planted bugs: none outside of tests.
    pub bugs: Bugs,
}

// === impl KubernetesOptions ===

impl KubernetesOptions {
    /// The usual options: Secrets are watched in one namespace, and only got in all of them.
    pub fn new(scope: Scope, instance: impl Into<String>) -> Self {
        let secrets = match scope {
            Scope::Namespace(_) => SecretAccess::Watch,
            Scope::AllNamespaces => SecretAccess::Get,
        };
        Self {
            scope,
            secrets,
            call_timeout: CALL_TIMEOUT,
            limits: Limits::default(),
            secret_max_age: Duration::from_secs(30),
            watch_timeout: Duration::from_secs(20),
            catch_up: Duration::from_secs(10),
            instance: instance.into(),
            bugs: Bugs::NONE,
        }
    }
}
