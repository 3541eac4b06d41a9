//! What an engine does with a provider, in a few lines: looks, compares, acts, until there is nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ovo_api::act::{ActKind, Cuts};
use ovo_api::profile::Profile;
use ovo_api::{OpenViduCluster, profile};
use ovo_model::{
    Cause, Executor, Observation, ObservedResource, Op, Outcome, Ownership, ProviderError,
    Resource, ResourceId, ResourceState, Scalar, SecretDigest, SecretKey, Step, Value,
};
use ovo_provider::{Call, Provider, ScopeChoice, SecretSource, Target};
use ovo_provider_onprem::OnPrem;
use secrecy::SecretString;

/// A secret by its name; the digest stands for what the engine would compute.
pub(crate) const LICENSE: &str = "a-license-that-nobody-may-see";

pub(crate) struct Secrets;

impl SecretSource for Secrets {
    fn get(&self, key: &SecretKey) -> Option<SecretString> {
        (key.key == "license").then(|| LICENSE.into())
    }
}

pub(crate) fn target(id: &str) -> Target {
    let cluster: OpenViduCluster = serde_json::from_value(serde_json::json!({
        "apiVersion": "openvidu.io/v1alpha1",
        "kind": "OpenViduCluster",
        "metadata": {"namespace": "video", "name": "demo"},
        "spec": {
            "version": "3.8.0",
            "topology": "HighAvailability",
            "domainName": "openvidu.example.com",
            "license": {"secretKeyRef": {"name": "openvidu", "key": "license"}},
            "masters": {},
            "media": {"replicas": 1},
            "loadBalancer": {},
            "infrastructure": {"onPrem": {
                "ssh": {"user": "admin", "privateKey": {"secretKeyRef": {"name": "ssh", "key": "id"}}},
                "machines": [],
            }},
        },
    }))
    .unwrap();
    Target {
        cluster: Arc::new(cluster),
        profile: profile(),
        infrastructure_id: id.into(),
    }
}

fn profile() -> &'static Profile {
    profile::lookup("3.8.0", false).unwrap()
}

pub(crate) type Seen = BTreeMap<ResourceId, ObservedResource>;

/// Everything that this deployment has on the machine.
pub(crate) async fn look(provider: &OnPrem, target: &Target) -> Seen {
    try_look(provider, target).await.expect("a whole answer")
}

pub(crate) async fn try_look(provider: &OnPrem, target: &Target) -> Result<Seen, String> {
    let mut scopes = provider.observe(target, &ScopeChoice::All).await;
    assert_eq!(scopes.len(), 1);
    match scopes.pop_first().unwrap().1 {
        Observation::Known { resources, .. } => Ok(resources),
        Observation::Unknown { reason } => Err(reason.to_string()),
    }
}

pub(crate) fn step(op: Op) -> Step {
    Step {
        id: op.id(),
        op,
        act: ActKind::Update,
        role: None,
        cuts: Cuts::Nothing,
        cause: Cause::Creation,
        reason: String::new(),
        executor: Executor::Provider,
    }
}

pub(crate) async fn act(
    provider: &OnPrem,
    target: &Target,
    op: &Op,
    epoch: i64,
) -> Result<Outcome, ProviderError> {
    provider
        .execute(
            target,
            &step(op.clone()),
            Call {
                secrets: &Secrets,
                epoch,
            },
        )
        .await
}

fn resolved(value: &Value) -> Value {
    match value {
        Value::Secret { key, .. } => Value::Secret {
            key: key.clone(),
            digest: Some(SecretDigest(format!("digest of {key}"))),
        },
        other => other.clone(),
    }
}

fn shown(value: &Value) -> Scalar {
    match resolved(value) {
        Value::Known(scalar) => scalar,
        Value::Secret {
            digest: Some(digest),
            ..
        } => digest.0.into(),
        other => panic!("{other:?} is not resolved"),
    }
}

fn create(resource: &Resource) -> Op {
    Op::Create {
        resource: resource.id.clone(),
        call: resource.create.clone().unwrap(),
        properties: resource
            .properties
            .iter()
            .map(|(name, p)| (name.clone(), resolved(&p.value)))
            .collect(),
    }
}

/// What is to be done now, and whether something is on its way.
pub(crate) fn plan(desired: &[Resource], seen: &Seen) -> (Vec<Op>, bool) {
    let ready = |id: &ResourceId| {
        seen.get(id)
            .is_some_and(|r| r.state == ResourceState::Ready && r.ownership == Ownership::Ours)
    };
    let (mut ops, mut waits) = (Vec::new(), false);
    for resource in desired {
        match seen.get(&resource.id) {
            None if resource.after.iter().all(ready) => ops.push(create(resource)),
            None => waits = true,
            Some(found) if found.state != ResourceState::Ready => waits = true,
            Some(found) => {
                let mut calls: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
                for (name, property) in &resource.properties {
                    if found.properties.get(name) != Some(&shown(&property.value)) {
                        let changes = calls.entry(&property.call).or_default();
                        changes.insert(name.clone(), resolved(&property.value));
                    }
                }
                ops.extend(calls.into_iter().map(|(call, properties)| Op::Set {
                    resource: resource.id.clone(),
                    call: call.to_owned(),
                    properties,
                }));
            }
        }
    }
    (ops, waits)
}

/// Acts until the machine is as it should be, and makes sure that a second look finds nothing to do.
pub(crate) async fn converge(provider: &OnPrem, target: &Target, epoch: i64) -> Seen {
    let desired = provider.desired(&target.cluster, target.profile).unwrap();
    let began = Instant::now();
    loop {
        let seen = look(provider, target).await;
        let (ops, waits) = plan(&desired, &seen);
        if ops.is_empty() && !waits {
            return seen;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "not there yet: {ops:?}"
        );
        for op in ops {
            act(provider, target, &op, epoch).await.unwrap();
        }
    }
}

/// Takes everything away, last made first.
pub(crate) async fn remove(provider: &OnPrem, target: &Target, epoch: i64) {
    let began = Instant::now();
    loop {
        let seen = look(provider, target).await;
        let ours = seen
            .into_values()
            .filter(|resource| resource.ownership == Ownership::Ours);
        let mut left: Vec<_> = ours.map(|resource| resource.id).collect();
        if left.is_empty() {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "still there: {left:?}"
        );
        left.sort_by_key(|id| {
            ["Job", "Unit", "File"]
                .iter()
                .position(|kind| *kind == id.kind)
        });
        let op = Op::Delete {
            resource: left.remove(0),
            call: "Remove".to_owned(),
        };
        act(provider, target, &op, epoch).await.unwrap();
    }
}
