//! The client: all questions about some nodes, and what the answers mean together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use ovo_api::act::Role;
use ovo_api::credentials::GENERATED_SUFFIX;
use ovo_api::profile::OccupancySource;
use ovo_api::spec::OnPrem;
use ovo_model::{
    MediaState, NodeName, ObservedNode, Occupancy, Outcome, ProviderError, SecretKey, SharedStore,
    Step,
};
use ovo_provider::{Answers, Call, Dial, Media, NodeAnswers, SecretSource, SourceAnswer, Target};
use secrecy::SecretString;

use crate::connection::At;
use crate::doors::{API_KEY, API_SECRET, AT_ONCE, Door, EGRESS, INGRESS, METRICS, REDIS_PASSWORD};
use crate::http::get;
use crate::metrics::Gauges;
use crate::node::{Record, occupancy};
use crate::registry::Registry;
use crate::sentinel::{self, Primary};
use crate::trial::{Entrance, Keys};
use crate::workers::{egress_jobs, ingress_healthy};

/// A client of OpenVidu 3, which is LiveKit and what OpenVidu puts around it.
#[derive(Clone, Debug)]
pub struct LiveKit<D> {
    dial: D,
}

impl<D: Dial> LiveKit<D> {
    /// A client that reaches nodes this way.
    pub const fn new(dial: D) -> Self {
        Self { dial }
    }
}

/// What a container that runs answered; `None`: it has exited, and holds nobody.
type Said<T> = Result<Option<T>, ProviderError>;

/// What the services on one node say.
struct Told {
    server: Said<Gauges>,
    egress: Said<u32>,
    ingress: Said<()>,
}

impl<D: Dial> Media for LiveKit<D> {
    async fn read(
        &self,
        target: &Target,
        nodes: &[&ObservedNode],
        secrets: &dyn SecretSource,
    ) -> Answers {
        let dial: &dyn Dial = &self.dial;
        let mut questions = Vec::new();
        for node in nodes {
            questions.push(ask(dial, target, node));
        }
        let told = stream::iter(questions).buffered(AT_ONCE);
        let (told, (shared_store, registry)) =
            futures::join!(told.collect::<Vec<_>>(), shared(dial, target, secrets));
        let mut answers = Answers {
            shared_store: Some(shared_store),
            ..Answers::default()
        };
        for (node, told) in nodes.iter().zip(&told) {
            let name = &node.name;
            let (said, state) = judge(target, node, told, &registry);
            answers.nodes.insert(name.clone(), said);
            answers
                .states
                .extend(state.map(|state| (name.clone(), state)));
        }
        answers
    }

    async fn execute(
        &self,
        _: &Target,
        step: &Step,
        _: Call<'_>,
    ) -> Result<Outcome, ProviderError> {
        Err(ProviderError::Denied(format!(
            "{}: OpenVidu 3 lets nobody close or reopen a node but by signal",
            step.id
        )))
    }

    fn tries_out(&self) -> bool {
        true
    }

    async fn try_out(
        &self,
        target: &Target,
        secrets: &dyn SecretSource,
    ) -> Result<(), ProviderError> {
        let keys = Keys {
            key: credential(target, secrets, API_KEY)?,
            secret: credential(target, secrets, API_SECRET)?,
        };
        let masters = masters(target)?;
        // A balancer takes people to any of them that is well: one way in is enough.
        let tried = masters.iter().map(|(master, _)| {
            let entrance = Entrance {
                dial: &self.dial,
                target,
                master,
                keys: &keys,
            };
            async move { entrance.try_out().await }
        });
        let mut failed = Vec::new();
        for tried in join_all(tried).await {
            match tried {
                Ok(()) => return Ok(()),
                Err(error) => failed.push(error.to_string()),
            }
        }
        Err(ProviderError::Retryable(failed.join("; ")))
    }
}

/// Asks one node's services, all at once.
async fn ask(dial: &dyn Dial, target: &Target, node: &ObservedNode) -> Told {
    let one = async |door: Door| {
        if exited(node, door) {
            return Ok(None);
        }
        get(dial, target, &node.name, door).await.map(Some)
    };
    let (server, egress, ingress) = futures::join!(one(METRICS), one(EGRESS), one(INGRESS));
    Told {
        server: read(node, METRICS, server, Gauges::parse),
        egress: read(node, EGRESS, egress, egress_jobs),
        ingress: read(node, INGRESS, ingress, ingress_healthy),
    }
}

/// Whether the container behind a door is known to have exited. One that is not listed may be there.
fn exited(node: &ObservedNode, door: Door) -> bool {
    let mut listed = node.containers.iter().flatten();
    listed
        .find(|container| container.name == door.container)
        .is_some_and(|container| !container.running)
}

fn read<T>(
    node: &ObservedNode,
    door: Door,
    said: Said<String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Said<T> {
    let parsed = said?.map(|text| parse(&text)).transpose();
    parsed.map_err(|why| {
        let (node, name, port) = (&node.name, door.container, door.port);
        ProviderError::Retryable(format!("{node}: {name} on port {port}: {why}"))
    })
}

/// How the shared Redis stands, and what is in it.
async fn shared(
    dial: &dyn Dial,
    target: &Target,
    secrets: &dyn SecretSource,
) -> (SharedStore, Result<Registry, ProviderError>) {
    let unknown = |error: ProviderError| {
        let why = error.to_string().into();
        (SharedStore::Unknown { why }, Err(error))
    };
    let (masters, password) = match (masters(target), credential(target, secrets, REDIS_PASSWORD)) {
        (Ok(masters), Ok(password)) => (masters, password),
        (Err(error), _) | (_, Err(error)) => return unknown(error),
    };
    let names: Vec<NodeName> = masters.iter().map(|(name, _)| name.clone()).collect();
    let (address, port, voices) = match sentinel::find(dial, target, &names, &password).await {
        Primary::At {
            address,
            port,
            voices,
        } => (address, port, voices),
        Primary::Changing(why) => {
            let error = ProviderError::Retryable(format!("Redis changes hands: {why}"));
            return (SharedStore::Changing { why: why.into() }, Err(error));
        }
        Primary::Unknown(why) => return unknown(ProviderError::Retryable(why)),
    };
    let Some(primary) = masters.iter().find(|(_, own)| same(own, &address)) else {
        return unknown(ProviderError::Retryable(format!(
            "the sentinels name {address} as the primary, and no master of the manifest has that address"
        )));
    };
    let at = At {
        dial,
        target,
        node: &primary.0,
        what: "Redis",
        port,
    };
    match Registry::read(&at, &password).await {
        Ok(registry) => {
            let store = SharedStore::Steady {
                primary: primary.0.clone(),
                voices,
                of: u32::try_from(names.len()).unwrap_or(u32::MAX),
            };
            (store, Ok(registry))
        }
        Err(error) => unknown(error),
    }
}

/// Names and addresses of the masters.
fn masters(target: &Target) -> Result<Vec<(NodeName, String)>, ProviderError> {
    let on_prem = on_prem(target)?;
    let listed = on_prem.machines_in(Role::Master);
    Ok(listed
        .map(|master| (NodeName::from(master.name.as_str()), master.address.clone()))
        .collect())
}

fn on_prem(target: &Target) -> Result<&OnPrem, ProviderError> {
    let infrastructure = &target.cluster.spec.infrastructure;
    infrastructure
        .on_prem
        .as_ref()
        .ok_or_else(|| ProviderError::Invalid {
            field: "spec.infrastructure".to_owned(),
            message: "only a deployment on machines (onPrem) can be read so far".to_owned(),
        })
}

/// A value of the cluster's credentials: the user's own, else the generated one.
fn credential(
    target: &Target,
    secrets: &dyn SecretSource,
    name_of_key: &str,
) -> Result<SecretString, ProviderError> {
    let name = target.cluster.metadata.name.as_deref().unwrap_or_default();
    let given = target.cluster.spec.credentials.as_ref();
    let given = given.map(|credentials| credentials.secret_ref.name.clone());
    let generated = format!("{name}{GENERATED_SUFFIX}");
    let key = |secret: String| SecretKey {
        secret,
        key: name_of_key.to_owned(),
    };
    let mut places = given.into_iter().chain([generated]).map(key);
    let found = places.find_map(|key| secrets.get(&key));
    found.ok_or_else(|| {
        ProviderError::Retryable(format!(
            "{name_of_key} is in no Secret of the cluster's credentials: OpenVidu cannot be asked without it"
        ))
    })
}

/// Whether both are written forms of one address.
fn same(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// What all that was told means: how busy the node is by each source, and where it stands.
fn judge(
    target: &Target,
    node: &ObservedNode,
    told: &Told,
    registry: &Result<Registry, ProviderError>,
) -> (NodeAnswers, Option<MediaState>) {
    let addresses = addresses(target, node);
    let id = match &told.server {
        Ok(Some(gauges)) => Some(gauges.node_id.as_str()),
        _ => None,
    };
    let record = match registry {
        Ok(registry) => Record::find(registry, id, &addresses),
        Err(error) => Record::Unusable(error.to_string()),
    };
    let idle = || SourceAnswer {
        occupancy: Occupancy::default(),
        load_permille: None,
    };
    let mut answers = BTreeMap::new();
    for source in target.profile.occupancy {
        let answer = match source {
            OccupancySource::LiveKit => match (&told.server, registry) {
                (Ok(None), _) => Ok(idle()),
                (Err(error), _) | (_, Err(error)) => Err(error.clone()),
                (Ok(Some(gauges)), Ok(registry)) => occupancy(gauges, &record, registry)
                    .map_err(|why| ProviderError::Retryable(format!("{}: {why}", node.name))),
            },
            OccupancySource::Egress => told.egress.clone().map(|jobs| {
                let mut answer = idle();
                answer.occupancy.egress = jobs.unwrap_or(0);
                answer
            }),
            OccupancySource::Ingress => match (&told.ingress, registry) {
                (Ok(None), _) => Ok(idle()),
                (Err(error), _) | (_, Err(error)) => Err(error.clone()),
                (Ok(Some(())), Ok(registry)) => match &registry.ingresses {
                    Err(why) => Err(ProviderError::Retryable(format!("{}: {why}", node.name))),
                    Ok(count) => {
                        let mut answer = idle();
                        answer.occupancy.ingress = *count;
                        Ok(answer)
                    }
                },
            },
            OccupancySource::MediaNodes => Err(ProviderError::Retryable(
                "OpenVidu 2 cannot be asked yet".to_owned(),
            )),
        };
        answers.insert(*source, answer);
    }
    // Once it may have been told to drain, its health says no more where it stands: its record does.
    let told = node.media == MediaState::Unknown && node.healthy;
    let seen = if told {
        MediaState::Serving
    } else {
        node.media
    };
    (answers, record.state(seen))
}

/// The addresses that a server on this machine may have in its record.
fn addresses(target: &Target, node: &ObservedNode) -> Vec<IpAddr> {
    let machines = on_prem(target).map_or(&[][..], |on_prem| &on_prem.machines);
    let listed = machines
        .iter()
        .find(|machine| *machine.name == *node.name.0);
    let public = listed.and_then(|machine| machine.public_address.as_deref());
    [Some(node.address.as_str()), public]
        .into_iter()
        .flatten()
        .filter_map(|address| address.parse().ok())
        .collect()
}
