//! What the world should know of a cluster before anything of it exists.

use ovo_api::OpenViduCluster;
use ovo_api::act::Role;
use ovo_api::profile::NodeSource;
use ovo_model::Scope;
use ovo_provider::Target;
use ovo_world::{Shape, Sight, SightedMachine};

/// The deployment's shape, its machines, and how many media nodes may ever be up.
pub(crate) fn sight(target: &Target) -> Sight {
    let spec = &target.cluster.spec;
    let machines = spec
        .infrastructure
        .on_prem
        .iter()
        .flat_map(|on_prem| &on_prem.machines);
    let limit = spec.media.max().max(spec.media.replicas()) + spec.media.max_surge();
    Sight {
        deployment: target.infrastructure_id.clone(),
        owner: Some(target.key().into()),
        shape: match target.profile.nodes {
            NodeSource::Group => Shape::Groups,
            NodeSource::Machines => Shape::Machines,
        },
        // A balancer's machine carries no node of OpenVidu.
        machines: machines
            .filter(|machine| machine.role != Role::LoadBalancer)
            .map(|machine| SightedMachine {
                name: machine.name.as_str().into(),
                role: machine.role,
                address: machine.address.as_str().into(),
            })
            .collect(),
        limit: u32::try_from(limit).ok(),
    }
}

/// Whether the cluster's spec lists the machine of this scope.
pub(crate) fn lists(cluster: &OpenViduCluster, scope: &Scope) -> bool {
    let name = scope.0.strip_prefix("machine/");
    let on_prem = cluster.spec.infrastructure.on_prem.as_ref();
    name.is_none_or(|name| on_prem.is_some_and(|o| o.machines.iter().any(|m| m.name == name)))
}
