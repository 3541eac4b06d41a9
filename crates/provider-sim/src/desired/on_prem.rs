//! OpenVidu 3 on machines.

use std::collections::BTreeSet;

use ovo_api::OpenViduCluster;
use ovo_api::act::{ActKind, Role};
use ovo_api::profile::Profile;
use ovo_api::spec::{Machine, OnPrem};
use ovo_model::{Change, Property, ProviderError, Resource, ResourceId, Scope, Stage, Value};

use super::{Build, config, invalid};

pub(super) fn desired(
    cluster: &OpenViduCluster,
    profile: &Profile,
    on_prem: &OnPrem,
) -> Result<Vec<Resource>, ProviderError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = on_prem.machines.iter().find(|m| !names.insert(&m.name)) {
        return Err(invalid(
            "spec.infrastructure.onPrem.machines",
            &format!(
                "{} stands there twice; give each machine its own name",
                twice.name
            ),
        ));
    }
    let masters = on_prem.machines_in(Role::Master).count();
    let (least, most) = profile.masters;
    if !(least..=most).contains(&u32::try_from(masters).unwrap_or(u32::MAX)) {
        return Err(invalid(
            "spec.infrastructure.onPrem.machines",
            &format!(
                "{masters} masters; {} needs {least} to {most}",
                profile.name
            ),
        ));
    }
    let master_ids: Vec<_> = on_prem
        .machines_in(Role::Master)
        .map(|m| ResourceId::new("Machine", &m.name))
        .collect();

    let mut resources: Vec<_> = on_prem
        .machines_in(Role::Master)
        .map(|m| machine(cluster, m, Stage::Masters))
        .collect();
    resources.push(config::resource(cluster, &master_ids));
    if let (Some(managed), Some(_)) = (
        &cluster.spec.load_balancer.managed,
        on_prem.machines_in(Role::LoadBalancer).next(),
    ) {
        let reload = |value: Value| {
            Property::operator("", "WriteProxyConfig")
                .value(value)
                .act(ActKind::ReloadBalancer)
        };
        let addresses = |role| -> Vec<String> {
            on_prem
                .machines_in(role)
                .map(|m| m.address.clone())
                .collect()
        };
        let certificate = &cluster.spec.load_balancer.certificate;
        let engine = format!("{:?}", managed.engine());
        resources.push(
            Build::new("LoadBalancer", "cluster", "balancer", Stage::Balancer)
                .role(Role::LoadBalancer)
                .after(&master_ids)
                .with(
                    "backends",
                    reload(Value::Known(ovo_model::Scalar::List(addresses(
                        Role::Master,
                    )))),
                )
                .with(
                    "certificate",
                    reload(Value::Known(format!("{certificate:?}").into())),
                )
                .with(
                    "domain",
                    reload(Value::Known(cluster.spec.domain_name.as_str().into())),
                )
                .with(
                    "engine",
                    Property::operator(engine, "WriteProxyConfig")
                        .change(Change::Replace)
                        .act(ActKind::Replace),
                )
                .done(),
        );
    }
    resources.extend(
        on_prem
            .machines_in(Role::Media)
            .map(|m| machine(cluster, m, Stage::Media)),
    );
    Ok(resources)
}

fn machine(cluster: &OpenViduCluster, machine: &Machine, stage: Stage) -> Resource {
    let spec = &cluster.spec;
    let content = config::digest([
        ("role", format!("{:?}", machine.role)),
        ("engine", format!("{:?}", spec.media_engine())),
        ("cluster", cluster.cluster_id()),
    ]);
    let installed = Property::operator(format!("{}-{content}", spec.version), "Install")
        .change(Change::Refuse)
        .act(ActKind::Install);
    let serving = Property::operator(false, "Serve")
        .value(Value::Planned)
        .act(ActKind::Start);
    let mut resource = Build::new("Machine", &machine.name, "", stage)
        .role(machine.role)
        .with("installed", installed)
        .with("serving", serving)
        .done();
    resource.scope = Scope(format!("machine/{}", machine.name));
    resource.create = None;
    "Uninstall".clone_into(&mut resource.delete);
    resource
}
