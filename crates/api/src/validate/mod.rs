//! Validation, the same as the API server's: OpenAPI bounds, then CEL rules, both from the CRD itself.

mod bounds;
mod defaults;
mod times;

use std::fmt;
use std::sync::LazyLock;

use kube_cel::{CompiledSchema, compile_schema};
use serde_json::Value;

use crate::{OpenViduCluster, OpenViduNode, crd};
use bounds::Bounds;
pub use defaults::{apply_defaults, apply_node_defaults};
pub use times::beyond_schema;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldError {
    /// Path of the field, such as `spec.media.max` or `spec.infrastructure.onPrem.machines[3].name`.
    pub field: String,
    /// What is wrong with its value, the rule, and the way out.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// A schema, ready to be used: made once, because compiling the rules costs milliseconds.
struct Kind {
    bounds: Bounds,
    rules: CompiledSchema,
}

impl Kind {
    fn new(schema: &Value) -> Self {
        Self {
            bounds: Bounds::of_kind(schema),
            rules: compile_schema(schema),
        }
    }

    /// Takes objects with their defaults.
    fn validate(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let found = self.bounds.check(object);
        let mut errors: Vec<FieldError> = Vec::new();
        // Like the API server: rules are not run over values that they may not be able to read.
        if !found.iter().any(|violation| violation.hides_rules) {
            let broken = self.broken_rules(object, old);
            errors.extend(broken.into_iter().map(|broken| broken.error));
        }
        errors.extend(found.into_iter().map(|violation| violation.error));
        errors.sort();
        errors.dedup();
        errors
    }

    fn broken_rules(&self, object: &Value, old: Option<&Value>) -> Vec<BrokenRule> {
        let Err(broken) = kube_cel::validate_compiled(&self.rules, object, old) else {
            return Vec::new();
        };
        broken
            .into_vec()
            .into_iter()
            .map(|error| BrokenRule {
                rule: error.rule,
                error: FieldError {
                    // A rule of the whole object has no path before its own.
                    field: error.field_path.trim_start_matches('.').to_owned(),
                    message: error.message,
                },
            })
            .collect()
    }
}

static CLUSTER: LazyLock<Kind> = LazyLock::new(|| Kind::new(&crd::CLUSTER));
static NODE: LazyLock<Kind> = LazyLock::new(|| Kind::new(&crd::NODE));

/// Validates a cluster as the API server would, defaults applied first. With `old`, also what may not change.
///
/// # Errors
///
/// Every broken rule, ordered by field.
pub fn validate(
    cluster: &OpenViduCluster,
    old: Option<&OpenViduCluster>,
) -> Result<(), Vec<FieldError>> {
    let object = to_value(cluster)?;
    let old = old.map(to_value).transpose()?;
    validate_value(object, old)
}

/// Validates a cluster in JSON as the API server would, defaults applied first.
///
/// # Errors
///
/// Every broken rule, ordered by field; fields that the schema does not know are among them.
pub fn validate_value(mut object: Value, old: Option<Value>) -> Result<(), Vec<FieldError>> {
    apply_defaults(&mut object);
    let old = old.map(|mut old| {
        apply_defaults(&mut old);
        old
    });
    into_result(CLUSTER.validate(&object, old.as_ref()))
}

/// Validates a node as the API server would. With `old`, also what may not change.
///
/// # Errors
///
/// Every broken rule, ordered by field.
pub fn validate_node(
    node: &OpenViduNode,
    old: Option<&OpenViduNode>,
) -> Result<(), Vec<FieldError>> {
    let mut object = to_value(node)?;
    apply_node_defaults(&mut object);
    let mut old = old.map(to_value).transpose()?;
    if let Some(old) = &mut old {
        apply_node_defaults(old);
    }
    into_result(NODE.validate(&object, old.as_ref()))
}

/// Only the bounds of a cluster in JSON: types, unknown and missing fields, ranges and patterns.
pub(crate) fn cluster_bounds(object: &Value) -> Vec<FieldError> {
    CLUSTER
        .bounds
        .check(object)
        .into_iter()
        .map(|violation| violation.error)
        .collect()
}

fn into_result(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn to_value<T: serde::Serialize>(object: &T) -> Result<Value, Vec<FieldError>> {
    serde_json::to_value(object).map_err(|error| {
        vec![FieldError {
            field: String::new(),
            message: format!("cannot be written as JSON: {error}"),
        }]
    })
}

/// Every CEL rule in the schema of clusters, with the path of its place: for the test that each has a case.
#[doc(hidden)]
pub fn cluster_rules() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect_rules(&crd::CLUSTER, "", &mut found);
    found
}

/// A CEL rule that an object breaks.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct BrokenRule {
    /// The rule, as it is written.
    pub rule: String,
    /// What is said.
    pub error: FieldError,
}

/// The CEL rules that a cluster breaks: for the tests that each has a case, and that the API server says the same.
#[doc(hidden)]
pub fn broken_cluster_rules(mut object: Value, mut old: Option<Value>) -> Vec<BrokenRule> {
    for object in std::iter::once(&mut object).chain(&mut old) {
        apply_defaults(object);
    }
    CLUSTER.broken_rules(&object, old.as_ref())
}

/// The CEL rules that a node breaks: for the test that the API server says the same.
#[doc(hidden)]
pub fn broken_node_rules(mut object: Value, mut old: Option<Value>) -> Vec<BrokenRule> {
    for object in std::iter::once(&mut object).chain(&mut old) {
        apply_node_defaults(object);
    }
    NODE.broken_rules(&object, old.as_ref())
}

fn collect_rules(schema: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let Some(map) = schema.as_object() else {
        return;
    };
    for rule in map
        .get("x-kubernetes-validations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        found.push((
            path.to_owned(),
            rule.get("rule")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        ));
    }
    for (name, property) in map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        collect_rules(property, &path, found);
    }
    if let Some(items) = map.get("items") {
        collect_rules(items, &format!("{path}[]"), found);
    }
    if let Some(values) = map.get("additionalProperties") {
        collect_rules(values, &format!("{path}{{}}"), found);
    }
}
