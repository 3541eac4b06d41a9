//! From what is found on a machine to what the planner compares.

use std::collections::BTreeMap;
use std::time::Duration;

use ovo_api::act::Role;
use ovo_api::profile::Profile;
use ovo_api::spec::Machine as Listed;
use ovo_model::{
    Container, MediaState, Observation, ObservedNode, ObservedResource, Ownership, Presence,
    ProviderError, ResourceId, ResourceState, Scalar,
};

use super::desired::{INSTALLED, MACHINE};
use super::leave::LEAVING;
use super::look::Look;
use super::{Standing, node};
use crate::install::job_id;
use crate::machine::{Found, Inventory, Machine};
use crate::provider::Record;

const LOOK: &str = include_str!("../scripts/openvidu.sh");
/// A look may take as long as the engine and the health probe are waited for, and the way.
const PATIENCE: Duration = Duration::from_secs(15);
/// The container of the media server.
const SERVER: &str = "openvidu";
/// Where a media node's LiveKit says whether it is alive: 200 while its own record in Redis is fresh.
const LIVEKIT: (u16, &str) = (7880, "/");

/// One machine, whole.
pub(super) async fn observe(
    machine: &Machine,
    profile: &Profile,
    listed: &Listed,
    standing: Standing,
) -> Result<Observation, ProviderError> {
    let job = [job_id()];
    let health = &profile.balancer_health;
    let (port, path) = match listed.role {
        Role::Media => LIVEKIT,
        Role::Master | Role::LoadBalancer => (health.port, health.path),
    };
    let port = port.to_string();
    let arguments = [port.as_str(), path];
    let (inventory, look) = futures::try_join!(
        machine.inventory(&job),
        machine.read(LOOK, &arguments, Vec::new(), PATIENCE)
    )?;
    let text = String::from_utf8_lossy(&look.stdout);
    let look = Look::parse(&text, profile.drained_containers).map_err(|why| {
        ProviderError::Retryable(format!(
            "{}: an answer that is not whole: {why}",
            listed.name
        ))
    })?;
    let healthy = match listed.role {
        Role::Media => look.health == 200,
        _ => (health.codes.0..=health.codes.1).contains(&look.health),
    };
    let found = inventory.found.iter().find(|f| f.id == job_id());
    let resource = found.map(|found| resource_of(listed, standing, found));
    let version = resource.as_ref().and_then(|r| {
        let installed = r.properties.get(INSTALLED)?.to_string();
        let installed = installed.trim_matches('"');
        let version = installed.split('-').next()?;
        (version != LEAVING).then(|| version.to_owned())
    });
    let seen = seen(listed, &inventory, look, healthy, version);
    Ok(Observation::Known {
        resources: resource.map(|r| (r.id.clone(), r)).into_iter().collect(),
        nodes: BTreeMap::from([(seen.name.clone(), seen)]),
    })
}

fn seen(
    listed: &Listed,
    inventory: &Inventory,
    look: Look,
    healthy: bool,
    version: Option<String>,
) -> ObservedNode {
    // Its health is the same while it drains: once it may have been told to, it alone cannot say what it does.
    let told = |c: &Container| c.name == SERVER && c.running && c.marker.is_some();
    let told = look.containers.iter().flatten().any(told);
    let media = match (look.unit.active, healthy) {
        (false, _) => MediaState::Absent,
        _ if told => MediaState::Unknown,
        (true, true) => MediaState::Serving,
        (true, false) => MediaState::Launching,
    };
    ObservedNode {
        name: node(&listed.name),
        role: listed.role,
        group: None,
        presence: Presence::Running,
        protected: None,
        unit: Some(look.unit),
        containers: look.containers,
        media,
        healthy: healthy && look.unit.active,
        boot_id: inventory.boot_id.clone(),
        address: listed.address.clone(),
        zone: None,
        version,
        epoch: inventory.epoch,
        preflight: None,
    }
}

/// What the record of the installation says of a machine.
fn resource_of(listed: &Listed, standing: Standing, found: &Found) -> ObservedResource {
    let mut resource = ObservedResource {
        id: ResourceId::new(MACHINE, &listed.name),
        ownership: found.ownership.clone(),
        state: ResourceState::Ready,
        properties: BTreeMap::new(),
        outputs: BTreeMap::new(),
        progress: None,
    };
    if found.ownership != Ownership::Ours {
        return resource;
    }
    let key = listed.host_key.as_deref().map(Scalar::from);
    let keys = key.map(|key| ("hostKey".to_owned(), key));
    resource.outputs.extend(keys);
    let record = Record::read(found.facts.bytes("record"));
    let leaving = record.applied.contains_key(LEAVING);
    if leaving {
        let why = "it was being taken away when it was listed again; it is installed anew";
        resource.state = ResourceState::Failed(why.to_owned());
    } else {
        installation(found, &record, &mut resource);
    }
    let failed = matches!(resource.state, ResourceState::Failed(_));
    if standing == Standing::Former || (standing == Standing::Deleted && failed) {
        // However far it had come, or has been taken away: it is there until all of ours is gone.
        resource.state = ResourceState::Ready;
        let installed = record.text(INSTALLED).unwrap_or(LEAVING).into();
        resource.properties.insert(INSTALLED.to_owned(), installed);
    }
    resource
}

/// Done, under way, failed or cut off: the record decides, then whether a unit runs.
fn installation(found: &Found, record: &Record, resource: &mut ObservedResource) {
    let facts = &found.facts;
    let last = facts.text("last").unwrap_or_default();
    let code = |text: Option<String>| text.and_then(|t| Some(t.split_once(' ')?.1.to_owned()));
    let running = matches!(
        facts.unit("ActiveState").as_str(),
        "active" | "activating" | "deactivating"
    );
    let failed = |code: &str| {
        ResourceState::Failed(format!(
            "the installation ended with exit code {code}: {last}"
        ))
    };
    match code(facts.text("result")).as_deref() {
        Some("0") => match record.text(INSTALLED) {
            Some(installed) => {
                let value = installed.into();
                resource.properties.insert(INSTALLED.to_owned(), value);
            }
            None => resource.state = ResourceState::Failed("its record is damaged".to_owned()),
        },
        Some(code) => resource.state = failed(code),
        None if running => {
            resource.state = ResourceState::Pending;
            resource.progress = Some(if last.is_empty() {
                "installing".to_owned()
            } else {
                format!("installing: {last}")
            });
        }
        None => {
            resource.state = match code(facts.text("failed")) {
                Some(code) => failed(&code),
                None => ResourceState::Failed(
                    "the installation was cut off, by a reboot perhaps; it is begun again"
                        .to_owned(),
                ),
            };
        }
    }
}
