//! The custom resource definitions, as they are installed and as everything here validates against.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::Schema;
use serde_json::Value;

use crate::{OpenViduCluster, OpenViduNode, rules};

/// The definitions of both kinds: clusters, then nodes.
///
/// They differ from what the derive makes: no field is nullable, so that a `null` means an absent field, as in
/// Kubernetes' own kinds; and the rules for the whole object are added.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![
        finish(OpenViduCluster::crd(), rules::object),
        finish(OpenViduNode::crd(), rules::node_object),
    ]
}

/// The OpenAPI schema of `OpenViduCluster`.
pub(crate) static CLUSTER: LazyLock<Value> = LazyLock::new(|| schema_of(0));

/// The OpenAPI schema of `OpenViduNode`.
pub(crate) static NODE: LazyLock<Value> = LazyLock::new(|| schema_of(1));

fn schema_of(index: usize) -> Value {
    let crds = crds();
    crds.get(index)
        .and_then(|crd| crd.spec.versions.first())
        .and_then(|version| version.schema.as_ref())
        .and_then(|schema| serde_json::to_value(schema.open_api_v3_schema.as_ref()).ok())
        .unwrap_or_default()
}

#[expect(
    clippy::expect_used,
    reason = "a schema that was made from JSON goes back into it; a test calls this"
)]
fn finish(
    mut crd: CustomResourceDefinition,
    object_rules: fn(&mut Schema),
) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let Some(props) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        let mut value = serde_json::to_value(&*props).expect("a schema serializes");
        forbid_null(&mut value);
        // The API server knows these by itself; whoever else validates by this schema does not.
        for (field, kind) in [
            ("apiVersion", "string"),
            ("kind", "string"),
            ("metadata", "object"),
        ] {
            if let Some(properties) = value
                .pointer_mut("/properties")
                .and_then(Value::as_object_mut)
            {
                properties.insert(field.to_owned(), serde_json::json!({ "type": kind }));
            }
        }
        let mut schema = Schema::try_from(value).expect("a schema is an object");
        object_rules(&mut schema);
        *props = serde_json::from_value(schema.to_value()).expect("a schema deserializes");
    }
    crd
}

fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("nullable");
            // Unknown fields are pruned or refused everywhere; structural schemas say so by saying nothing.
            if map.get("additionalProperties") == Some(&Value::Bool(false)) {
                map.remove("additionalProperties");
            }
            map.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}
