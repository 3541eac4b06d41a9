//! The examples in `docs/` are what they say: complete, valid, with the Secrets that they name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use ovo_api::credentials::{Origin, Place, credential_keys};
use ovo_api::manifest::{Object, parse_manifest};
use ovo_api::validate::beyond_schema;
use ovo_api::{OpenViduCluster, not_built_yet, validate};
use serde_json::Value;

const EXAMPLES: [&str; 2] = ["v2-aws", "v3-onprem"];

fn cluster(name: &str) -> OpenViduCluster {
    let mut manifest = parse_manifest(&common::example_text(name));
    assert!(manifest.errors.is_empty(), "{name}: {:#?}", manifest.errors);
    assert_eq!(manifest.documents.len(), 1, "{name}");
    match manifest.documents.remove(0).object {
        Object::Cluster(cluster) => *cluster,
        other @ Object::Secret(_) => panic!("{name}: {other:?}"),
    }
}

/// Secret name to the keys that it has.
fn secrets(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let manifest = parse_manifest(&common::example_text(&format!("secrets-{name}")));
    assert!(manifest.errors.is_empty(), "{name}: {:#?}", manifest.errors);
    manifest
        .documents
        .into_iter()
        .map(|document| match document.object {
            Object::Secret(secret) => (
                secret.metadata.name.unwrap(),
                secret.data.unwrap_or_default().into_keys().collect(),
            ),
            other @ Object::Cluster(_) => panic!("{name}: {other:?}"),
        })
        .collect()
}

#[test]
fn examples_are_valid_and_stay_so_unchanged() {
    for name in EXAMPLES {
        let cluster = cluster(name);
        assert_eq!(validate(&cluster, None), Ok(()), "{name}");
        assert_eq!(validate(&cluster, Some(&cluster)), Ok(()), "{name}");
        assert_eq!(beyond_schema(&cluster.spec), [], "{name}");
        assert!(cluster.spec.profile().is_some(), "{name}");
    }
}

/// The API server drops a null that it is sent, but refuses one that is applied on its side, as GitOps tools do.
#[test]
fn examples_leave_out_what_they_do_not_set() {
    fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Null => found.push(path.to_owned()),
            Value::Object(map) => map
                .iter()
                .for_each(|(name, value)| nulls(value, &format!("{path}.{name}"), found)),
            Value::Array(items) => items.iter().for_each(|item| nulls(item, path, found)),
            _ => {}
        }
    }
    for name in EXAMPLES {
        let mut found = Vec::new();
        nulls(&common::example(name), "", &mut found);
        assert_eq!(found, [""; 0], "{name}");
    }
}

#[test]
fn examples_survive_a_round_through_the_types() {
    for name in EXAMPLES {
        let mut written = common::example(name);
        ovo_api::apply_defaults(&mut written);
        let mut read = serde_json::to_value(cluster(name)).unwrap();
        ovo_api::apply_defaults(&mut read);
        // A list that was written empty is left out by the types.
        drop_empty(&mut written);
        drop_empty(&mut read);
        assert_eq!(written, read, "{name}");
    }
}

fn drop_empty(value: &mut Value) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(drop_empty);
        map.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    }
}

#[test]
fn secrets_that_examples_name_are_beside_them() {
    for name in EXAMPLES {
        let secrets = secrets(name);
        let mut references = Vec::new();
        collect(&common::example(name), &mut references);
        assert!(!references.is_empty());
        for (secret, key) in references {
            let keys = secrets
                .get(&secret)
                .unwrap_or_else(|| panic!("{name}: the Secret {secret} is not there"));
            if let Some(key) = key {
                assert!(
                    keys.contains(&key),
                    "{name}: the Secret {secret} has no key {key}"
                );
            }
        }
    }
}

fn collect(value: &Value, references: &mut Vec<(String, Option<String>)>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match name.as_str() {
                    "secretRef" => references.push((text(&value["name"]), None)),
                    "secretKeyRef" => {
                        references.push((text(&value["name"]), Some(text(&value["key"]))));
                    }
                    _ => collect(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[test]
fn credentials_in_examples_are_keys_that_the_profile_reads() {
    for name in EXAMPLES {
        let spec = cluster(name).spec;
        let keys = credential_keys(spec.profile().unwrap());
        let given = &secrets(name)[&spec.credentials.unwrap().secret_ref.name];
        for key in given {
            assert!(
                keys.iter()
                    .any(|known| known.name == key && known.place == Place::Credentials),
                "{name}: {key} is read by nobody"
            );
        }
        assert!(keys.iter().any(|key| key.origin == Origin::Generated));
    }
}

#[test]
fn examples_say_what_is_not_built_yet() {
    let fields = |name| {
        not_built_yet(&cluster(name).spec)
            .iter()
            .map(|notice| notice.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields("v2-aws"),
        [
            "spec.media.autoscaling.mode",
            "spec.media.autoscaling.reservations",
            "spec.media.autoscaling.schedules",
            "spec.media.autoscaling.spareSessions",
        ]
    );
    assert_eq!(fields("v3-onprem"), [""; 0]);
}

#[test]
fn times_that_mean_nothing_are_named() {
    let mut spec = cluster("v2-aws").spec;
    spec.disruption.windows[0].cron = "0 3 31 2 *".to_owned();
    spec.media.autoscaling.schedules[0].time_zone = Some("Europe/Atlantis".to_owned());
    let seen: Vec<String> = beyond_schema(&spec)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        seen,
        [
            "spec.disruption.windows[0].cron: `0 3 31 2 *` never comes",
            "spec.media.autoscaling.schedules[0].timeZone: `Europe/Atlantis` is no time zone of the IANA database: write one such as Europe/Madrid, or UTC",
        ]
    );
}
