//! Defaults and validation on the way in, as an API server runs them: the same schema, the same rules.

use ovo_api::validate::{FieldError, validate_node, validate_value};
use ovo_api::{OpenViduCluster, OpenViduNode};
use serde_json::Value;

use crate::embedded::object::{Object, describe};
use crate::error::{StoreError, Violation};
use crate::key::ObjectKey;

/// A cluster in JSON, defaults filled in and validated, with what may not change against `old`.
pub(crate) fn cluster(
    mut object: Value,
    old: Option<&OpenViduCluster>,
    key: &ObjectKey,
) -> Result<OpenViduCluster, StoreError> {
    let what = || describe(OpenViduCluster::KIND, key);
    ovo_api::validate::apply_defaults(&mut object);
    let old = old.map(|old| to_value(old, key)).transpose()?;
    validate_value(object.clone(), old).map_err(|errors| invalid(what(), errors))?;
    serde_json::from_value(object)
        .map_err(|error| StoreError::invalid(what(), "spec", error.to_string()))
}

/// A new node.
pub(crate) fn node(node: &OpenViduNode) -> Result<(), StoreError> {
    validate_node(node, None)
        .map_err(|errors| invalid(describe(OpenViduNode::KIND, &ObjectKey::of(node)), errors))
}

/// A cluster's status, alone: what is stored already is not held against this write, and running the rules of the
/// spec again would cost a hundred times what the write does.
pub(crate) fn cluster_status(next: &OpenViduCluster) -> Result<(), StoreError> {
    let key = ObjectKey::of(next);
    let mut object = to_value(next, &key)?;
    if let Some(object) = object.as_object_mut() {
        object.remove("spec");
    }
    status_only(validate_value(object, None), OpenViduCluster::KIND, &key)
}

/// A node's status. What is stored already is not held against this write.
pub(crate) fn node_status(next: &OpenViduNode, stored: &OpenViduNode) -> Result<(), StoreError> {
    status_only(
        validate_node(next, Some(stored)),
        OpenViduNode::KIND,
        &ObjectKey::of(stored),
    )
}

fn status_only(
    checked: Result<(), Vec<FieldError>>,
    kind: &str,
    key: &ObjectKey,
) -> Result<(), StoreError> {
    let Err(mut errors) = checked else {
        return Ok(());
    };
    errors.retain(|error| error.field.starts_with("status"));
    if errors.is_empty() {
        return Ok(());
    }
    Err(invalid(describe(kind, key), errors))
}

fn to_value(object: &OpenViduCluster, key: &ObjectKey) -> Result<Value, StoreError> {
    serde_json::to_value(object).map_err(|error| {
        StoreError::invalid(
            describe(OpenViduCluster::KIND, key),
            "object",
            error.to_string(),
        )
    })
}

fn invalid(object: String, errors: Vec<FieldError>) -> StoreError {
    let violations = errors.into_iter().map(|error| Violation {
        field: error.field,
        message: error.message,
    });
    StoreError::Invalid {
        object,
        violations: violations.collect(),
    }
}
