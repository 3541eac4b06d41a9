//! The pure half: what a cluster of OpenVidu 3 should have on its machines.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic
)]

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use ovo_api::OpenViduCluster;
use ovo_api::act::{ActKind, Role};
use ovo_api::profile::Profile;
use ovo_api::profile::releases::{self, Release};
use ovo_api::spec::{Machine as Listed, OnPrem};
use ovo_model::{
    Change, Owner, Property, ProviderError, Resource, ResourceId, SecretKey, Stage, Value,
};
use sha2::{Digest, Sha256};

use super::{machines, on_prem, scope};
use crate::install::{open_flags, secret_flags};

/// Kind of the resources that stand for machines.
pub(super) const MACHINE: &str = "Machine";
/// The property that says what is installed.
pub(super) const INSTALLED: &str = "installed";
/// The recipe of [`installed`]: another one is another number, and what was installed by this one stays as it is.
const RECIPE: u32 = 1;

/// What a cluster should have.
pub(super) fn desired(
    cluster: &OpenViduCluster,
    profile: &Profile,
) -> Result<Vec<Resource>, ProviderError> {
    let on_prem = on_prem(cluster)?;
    let release = release(cluster)?;
    let mut names = BTreeSet::new();
    let invalid = |message: String| ProviderError::Invalid {
        field: "spec.infrastructure.onPrem.machines".to_owned(),
        message,
    };
    for listed in &on_prem.machines {
        if !names.insert(&listed.name) {
            return Err(invalid(format!(
                "{} stands there twice; give each machine its own name",
                listed.name
            )));
        }
    }
    let masters = on_prem.machines_in(Role::Master).count();
    let (least, most) = profile.masters;
    if !(least..=most).contains(&u32::try_from(masters).unwrap_or(u32::MAX)) {
        return Err(invalid(format!(
            "{masters} masters; {} needs {least} to {most}",
            profile.name
        )));
    }
    machines(on_prem)
        .map(|listed| machine(cluster, on_prem, listed, release))
        .collect()
}

/// The release that the cluster's version belongs to.
pub(super) fn release(cluster: &OpenViduCluster) -> Result<&'static Release, ProviderError> {
    let version = &cluster.spec.version;
    releases::release(version).ok_or_else(|| ProviderError::Invalid {
        field: "spec.version".to_owned(),
        message: format!("{version} is not known to run on machines; use a version of OpenVidu 3"),
    })
}

fn machine(
    cluster: &OpenViduCluster,
    on_prem: &OnPrem,
    listed: &Listed,
    release: &Release,
) -> Result<Resource, ProviderError> {
    let value = installed(cluster, on_prem, listed, release)?;
    let installed = Property::operator(value, "Install")
        .change(Change::Refuse)
        .act(ActKind::Install);
    let serving = Property::operator(false, "Serve")
        .value(Value::Planned)
        .act(ActKind::Start);
    let mut properties = BTreeMap::from([
        (INSTALLED.to_owned(), installed),
        ("serving".to_owned(), serving),
    ]);
    // Named so that they are read for the step that needs them; what was installed with them is not compared again.
    for key in secrets(cluster, listed.role, release) {
        let property = Property::operator("", "Install")
            .value(Value::Secret {
                key: key.clone(),
                digest: None,
            })
            .owner(Owner::OpenVidu);
        properties.insert(format!("secret:{key}"), property);
    }
    Ok(Resource {
        id: ResourceId::new(MACHINE, &listed.name),
        scope: scope(&listed.name),
        stage: match listed.role {
            Role::Media => Stage::Media,
            Role::Master | Role::LoadBalancer => Stage::Masters,
        },
        role: Some(listed.role),
        after: Vec::new(),
        create: None,
        delete: "Uninstall".to_owned(),
        retain: false,
        properties,
    })
}

/// The user's own secrets among those that the installer takes: the credentials Secrets are read anyway.
fn secrets(cluster: &OpenViduCluster, role: Role, release: &Release) -> BTreeSet<SecretKey> {
    let flags = secret_flags(cluster, role, release).into_iter();
    flags
        .filter(|flag| flag.base64)
        .flat_map(|flag| flag.keys)
        .collect()
}

/// What a machine has when it is installed: the version, and a digest of the flags that nobody needs to hide. Flags that
/// the user adds are not in it: they concern machines that come later.
fn installed(
    cluster: &OpenViduCluster,
    on_prem: &OnPrem,
    listed: &Listed,
    release: &Release,
) -> Result<String, ProviderError> {
    let mut hash = Sha256::new();
    let extra = &on_prem.installer.extra_flags;
    for flag in open_flags(cluster, on_prem, listed, release)? {
        if !extra.contains(&flag) {
            hash.update(flag.as_bytes());
            hash.update([0]);
        }
    }
    let digest = HEXLOWER.encode(&hash.finalize()[..8]);
    Ok(format!("{}-{RECIPE}-{digest}", cluster.spec.version))
}
