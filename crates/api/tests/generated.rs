//! Files that are made from the types are current, and what they say is so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use ovo_api::docs::parameters::{FORMS, Verdict};
use ovo_api::docs::{generated_files, is_cluster_field};
use ovo_api::{annotations, crds, notice};
use serde_json::Value;

#[test]
fn committed_files_are_current() {
    for file in generated_files() {
        let committed = std::fs::read_to_string(common::root(&file.path)).unwrap_or_default();
        assert!(
            committed == file.text,
            "{} is not what the types say: run `make generate`, or `cargo run -p ovo-api --example generate`",
            file.path
        );
    }
}

#[test]
fn parameters_marked_as_fields_have_one() {
    for form in FORMS {
        let mut names = BTreeSet::new();
        for parameter in form.parameters {
            assert!(
                names.insert(parameter.name),
                "{}: {} stands there twice",
                form.title,
                parameter.name
            );
            match parameter.verdict {
                Verdict::Field(path) => {
                    assert!(
                        is_cluster_field(path),
                        "{}: {}: there is no field {path}",
                        form.title,
                        parameter.name
                    );
                }
                Verdict::Fixed | Verdict::Later | Verdict::NotApplicable => {
                    assert!(
                        !parameter.reason.is_empty(),
                        "{}: {} has no reason",
                        form.title,
                        parameter.name
                    );
                }
            }
        }
    }
    assert!(!is_cluster_field("spec.nothing"));
    assert!(!is_cluster_field(
        "spec.infrastructure.onPrem.machines[].nothing"
    ));
}

#[test]
fn notices_name_fields() {
    for field in notice::not_built_yet_fields() {
        assert!(is_cluster_field(field), "there is no field {field}");
    }
}

#[test]
fn the_page_of_names_lists_them_all() {
    let source = include_str!("../src/annotations.rs");
    let constants = source
        .lines()
        .filter(|line| line.starts_with("pub const") && line.contains(": &str ="))
        .count();
    assert_eq!(constants, annotations::ALL.len());
    for entry in annotations::ALL {
        assert!(entry.name.starts_with("openvidu.io/"), "{}", entry.name);
    }
}

/// The API server refuses a CRD whose rules walk something without a bound, and etcd an object without one.
#[test]
fn everything_that_people_write_is_bounded() {
    let crd = serde_json::to_value(crds().remove(0)).unwrap();
    let spec = crd
        .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .unwrap();
    bounded(spec, "spec");
}

fn bounded(schema: &Value, path: &str) {
    let has = |key: &str| schema.get(key).is_some();
    assert!(!has("nullable"), "{path} may be null");
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => {
            let closed = has("maxLength")
                || has("enum")
                || schema.get("format").is_some_and(|f| f == "date-time");
            assert!(closed, "{path} has no maxLength");
        }
        Some("array") => {
            assert!(has("maxItems"), "{path} has no maxItems");
            bounded(schema.get("items").unwrap(), &format!("{path}[]"));
        }
        Some("integer") => assert!(has("minimum") && has("maximum"), "{path} has no range"),
        Some("object") => {
            for (name, property) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                bounded(property, &format!("{path}.{name}"));
            }
            if let Some(values) = schema.get("additionalProperties") {
                assert!(has("maxProperties"), "{path} has no maxProperties");
                bounded(values, &format!("{path}{{}}"));
            }
        }
        Some("boolean") => {}
        other => panic!("{path} has the type {other:?}"),
    }
}

/// Bounds are checked by code of our own: a keyword that it does not know would be allowed in silence.
#[test]
fn no_schema_uses_a_keyword_that_is_not_checked() {
    for crd in crds() {
        let crd = serde_json::to_value(crd).unwrap();
        keywords(
            crd.pointer("/spec/versions/0/schema/openAPIV3Schema")
                .unwrap(),
            "",
        );
    }
}

fn keywords(schema: &Value, path: &str) {
    const CHECKED: &[&str] = &[
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "pattern",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-validations",
        "default",
    ];
    const SAYS_NOTHING: &[&str] = &["description", "title"];
    for (keyword, value) in schema.as_object().unwrap() {
        let known = CHECKED.contains(&keyword.as_str())
            || SAYS_NOTHING.contains(&keyword.as_str())
            || (keyword == "format"
                && ["date-time", "int32", "int64"].contains(&value.as_str().unwrap()));
        assert!(known, "{path}: {keyword}: {value}");
    }
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        keywords(property, &format!("{path}.{name}"));
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner) {
            keywords(inner, &format!("{path}[]"));
        }
    }
}
