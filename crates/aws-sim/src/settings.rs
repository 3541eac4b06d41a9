//! How long things take, and how many there may be.

use std::time::Duration;

/// How long things take. AWS promises none of these: they are of the order that its documentation and users report.
#[derive(Clone, Debug)]
pub struct Timings {
    /// Auto Scaling looks at a group this often, and this long after a request changed it.
    pub group_look: Duration,
    /// An instance is pending so long.
    pub instance_pending: Duration,
    /// What runs on an instance answers health checks so long after it runs.
    pub application_start: Duration,
    /// An instance is shutting down so long.
    pub instance_shutting_down: Duration,
    /// A terminated instance is described so long: "visible for a short while, about an hour" in EC2's guide.
    pub instance_remembered: Duration,
    /// An image copy is pending so long.
    pub image_copy: Duration,
    /// A balancer is provisioning so long.
    pub balancer_provisioning: Duration,
    /// The interfaces of a deleted balancer stay so long, and hold their security groups.
    pub balancer_interfaces: Duration,
    /// A replication group or cache cluster is creating so long.
    pub cache_creating: Duration,
    /// A cache is modifying so long.
    pub cache_modifying: Duration,
    /// A cache is deleting so long.
    pub cache_deleting: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            group_look: Duration::from_secs(10),
            instance_pending: Duration::from_secs(15),
            application_start: Duration::from_mins(1),
            instance_shutting_down: Duration::from_secs(30),
            instance_remembered: Duration::from_hours(1),
            image_copy: Duration::from_mins(5),
            balancer_provisioning: Duration::from_mins(2),
            balancer_interfaces: Duration::from_mins(3),
            cache_creating: Duration::from_mins(10),
            cache_modifying: Duration::from_mins(5),
            cache_deleting: Duration::from_mins(5),
        }
    }
}

/// How many there may be in a region; the defaults are AWS's default quotas.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Auto Scaling groups.
    pub groups: usize,
    /// Hooks of a group.
    pub hooks_per_group: usize,
    /// Virtual CPUs of all instances that run. AWS's default for a new account is 5, which no cluster fits in.
    pub vcpus: u32,
    /// Security groups.
    pub security_groups: usize,
    /// Inbound or outbound rules of a security group.
    pub rules_per_security_group: usize,
    /// Launch templates.
    pub launch_templates: usize,
    /// Application load balancers.
    pub balancers: usize,
    /// Target groups.
    pub target_groups: usize,
    /// Rules of a listener, its default rule not counted.
    pub rules_per_listener: usize,
    /// Cache nodes.
    pub cache_nodes: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            groups: 500,
            hooks_per_group: 50,
            vcpus: 256,
            security_groups: 2500,
            rules_per_security_group: 60,
            launch_templates: 5000,
            balancers: 50,
            target_groups: 3000,
            rules_per_listener: 100,
            cache_nodes: 300,
        }
    }
}
