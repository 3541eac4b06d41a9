//! What a node's sources of occupancy say.

use ovo_api::profile::OccupancySource;
use ovo_model::{NodeName, Occupancy, ProviderError};

use crate::node::{Node, Phase, Power};
use crate::room::Job;
use crate::world::{Dep, World};

/// What one source says about one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceWord {
    /// What runs there.
    pub occupancy: Occupancy,
    /// Load in permille, if this source tells.
    pub load_permille: Option<u32>,
}

impl World {
    /// Asks one source about one node.
    ///
    /// # Errors
    /// When it does not answer: the machine is away, the service does not run, no master answers.
    pub fn read(
        &self,
        dep: Dep,
        node: &NodeName,
        source: OccupancySource,
    ) -> Result<SourceWord, ProviderError> {
        let deployment = self.deployment(dep);
        let silent = |words: &str| Err(ProviderError::Retryable(format!("{node}: {words}")));
        let Some(found) = deployment.nodes.get(node) else {
            return Err(ProviderError::NotFound(node.to_string()));
        };
        if deployment
            .trouble
            .silent
            .get(&(node.clone(), source))
            .is_some_and(|until| *until > self.now())
        {
            return silent("no answer");
        }
        match source {
            OccupancySource::MediaNodes => {
                let known = found
                    .instance()
                    .is_some_and(|i| i.up && i.phase != Phase::Terminating);
                if !deployment.masters_serve() || !known {
                    return silent("no master knows it");
                }
            }
            OccupancySource::LiveKit | OccupancySource::Egress | OccupancySource::Ingress => {
                if found.power != Power::On || !runs(found, source) {
                    return silent("connection refused");
                }
            }
        }
        let mut occupancy = Occupancy::default();
        if matches!(
            source,
            OccupancySource::MediaNodes | OccupancySource::LiveKit
        ) {
            for room in deployment.rooms_on(node) {
                occupancy.rooms += u32::from(room.participants > 0);
                occupancy.participants += room.participants;
            }
        }
        for ((_, job), at) in &deployment.jobs {
            let asked = match source {
                OccupancySource::MediaNodes => true,
                OccupancySource::LiveKit => false,
                OccupancySource::Egress => *job == Job::Egress,
                OccupancySource::Ingress => *job == Job::Ingress,
            };
            if asked && at == node {
                match job {
                    Job::Egress => occupancy.egress += 1,
                    Job::Ingress => occupancy.ingress += 1,
                }
            }
        }
        let load = matches!(
            source,
            OccupancySource::MediaNodes | OccupancySource::LiveKit
        )
        .then(|| (occupancy.participants * 1000 / self.config.people_per_node.max(1)).min(1000));
        Ok(SourceWord {
            occupancy,
            load_permille: load,
        })
    }
}

fn runs(node: &Node, source: OccupancySource) -> bool {
    let container = match source {
        OccupancySource::Egress => Job::Egress.container(),
        OccupancySource::Ingress => Job::Ingress.container(),
        _ => "openvidu",
    };
    node.machine()
        .and_then(|m| m.process(container))
        .is_some_and(|p| p.running)
}
