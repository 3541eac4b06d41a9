//! Manifest files: YAML documents, read with their positions, so that an error names file, line and field.

mod tree;

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::OpenViduCluster;
use crate::validate::{FieldError, apply_defaults, cluster_bounds};
use tree::Node;
pub use tree::Position;

/// Largest manifest that is read, in bytes: what the API server's store takes for one object.
pub const MAX_BYTES: usize = 1_500_000;

/// What was read from one file: the good documents and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Manifest {
    /// Documents of kinds that we know, in the order of the file, each of the right shape.
    pub documents: Vec<Document>,
    /// What is wrong, in the order of the file. A document that is broken is not among `documents`.
    pub errors: Vec<ManifestError>,
}

/// One document.
#[derive(Debug)]
pub struct Document {
    /// Where it begins.
    pub position: Position,
    /// What it declares. Defaults are not applied yet.
    pub object: Object,
    positions: BTreeMap<String, Position>,
}

/// What a document declares.
pub enum Object {
    /// A cluster.
    Cluster(Box<OpenViduCluster>),
    /// A Secret, for the store that has no Kubernetes.
    Secret(Box<Secret>),
}

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestError {
    /// Where, as near as is known.
    pub position: Option<Position>,
    /// Path of the field; empty for the document itself.
    pub field: String,
    /// What is wrong, and the way out.
    pub message: String,
}

/// Reads a manifest of any number of documents.
///
/// Never fails as a whole: one broken document does not hide the others. Text that is no YAML ends the reading
/// at that document.
pub fn parse_manifest(text: &str) -> Manifest {
    let mut manifest = Manifest::default();
    if text.len() > MAX_BYTES {
        manifest.errors.push(ManifestError {
            position: None,
            field: String::new(),
            message: format!(
                "the file has {} bytes and at most {MAX_BYTES} are read: put each cluster into a file of its own",
                text.len()
            ),
        });
        return manifest;
    }
    let (nodes, broken) = tree::read(text);
    for node in nodes {
        match read_document(&node) {
            Ok(Some(document)) => manifest.documents.push(document),
            Ok(None) => {}
            Err(errors) => manifest.errors.extend(errors),
        }
    }
    manifest.errors.extend(broken);
    manifest
}

fn read_document(node: &Node) -> Result<Option<Document>, Vec<ManifestError>> {
    // `---` at the end of a file, or a document of comments only.
    if node.is_null() {
        return Ok(None);
    }
    let (value, positions) = node.lower();
    let complain = |field: &str, message: String| {
        vec![ManifestError {
            position: Some(lookup(&positions, field).unwrap_or(node.position)),
            field: field.to_owned(),
            message,
        }]
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if !value.is_object() {
        return Err(complain(
            "",
            "a document is an object with apiVersion, kind, metadata and spec".to_owned(),
        ));
    }
    let object = match (text("apiVersion"), text("kind")) {
        (Some("openvidu.io/v1alpha1"), Some("OpenViduCluster")) => {
            let errors = cluster_errors(&value);
            if !errors.is_empty() {
                return Err(errors
                    .into_iter()
                    .flat_map(|error| complain(&error.field, error.message))
                    .collect());
            }
            let cluster = serde_json::from_value(without_nulls(value))
                .map_err(|error| complain("", error.to_string()))?;
            Object::Cluster(Box::new(cluster))
        }
        (Some("v1"), Some("Secret")) => Object::Secret(Box::new(
            read_secret(&value).map_err(|error| complain(&error.field, error.message))?,
        )),
        (Some(_), Some("OpenViduNode")) => {
            return Err(complain(
                "kind",
                "nodes are written by the operator: declare a cluster".to_owned(),
            ));
        }
        (Some(version), Some("OpenViduCluster")) => {
            let message = format!(
                "\"{version}\" is no version of OpenViduCluster: write openvidu.io/v1alpha1"
            );
            return Err(complain("apiVersion", message));
        }
        (None, _) => {
            return Err(complain(
                "apiVersion",
                "is required: write openvidu.io/v1alpha1".to_owned(),
            ));
        }
        (_, None) => {
            return Err(complain(
                "kind",
                "is required: write OpenViduCluster".to_owned(),
            ));
        }
        (_, Some(kind)) => {
            let message = format!(
                "\"{kind}\" is not known here: a manifest holds OpenViduCluster and Secret"
            );
            return Err(complain("kind", message));
        }
    };
    Ok(Some(Document {
        position: node.position,
        object,
        positions,
    }))
}

/// What is wrong with the shape of a cluster, before it becomes a type.
fn cluster_errors(value: &Value) -> Vec<FieldError> {
    let mut defaulted = value.clone();
    apply_defaults(&mut defaulted);
    let mut errors = cluster_bounds(&defaulted);
    let error = |field: &str, message: String| FieldError {
        field: field.to_owned(),
        message,
    };
    match value.get("metadata").and_then(Value::as_object) {
        None => errors.push(error(
            "metadata",
            "is required: give the cluster a name".to_owned(),
        )),
        Some(metadata) => {
            match metadata.get("name").and_then(Value::as_str) {
                None => errors.push(error("metadata.name", "is required: give the cluster a name".to_owned())),
                Some(name) if !is_object_name(name) => errors.push(error(
                    "metadata.name",
                    format!("\"{name}\" is no name of an object: use lower-case letters, digits, - and . only, with a letter or digit at both ends"),
                )),
                Some(_) => {}
            }
            for name in metadata
                .keys()
                .filter(|name| !METADATA.contains(&name.as_str()))
            {
                let known = METADATA.join(", ");
                errors.push(error(
                    &format!("metadata.{name}"),
                    format!("there is no such field in metadata: it has {known}"),
                ));
            }
            for map in ["labels", "annotations"] {
                for (key, value) in metadata
                    .get(map)
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                {
                    if !value.is_string() {
                        errors.push(error(
                            &format!("metadata.{map}.{key}"),
                            "must be a text: put it into quotes".to_owned(),
                        ));
                    }
                }
            }
        }
    }
    errors.sort();
    errors
}

/// The fields of `metadata` that a manifest may carry: what a person writes, and what `kubectl get -o yaml` adds.
const METADATA: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "finalizers",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

/// Kubernetes' rule for names of objects.
fn is_object_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
        && edge(name.chars().next())
        && edge(name.chars().last())
}

/// A field that is `null` is absent, as for the API server.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        scalar => scalar,
    }
}

/// Reads a Secret. No message repeats a value.
fn read_secret(value: &Value) -> Result<Secret, FieldError> {
    let error = |field: String, message: &str| FieldError {
        field,
        message: message.to_owned(),
    };
    let metadata: ObjectMeta = value
        .get("metadata")
        .cloned()
        .and_then(|metadata| serde_json::from_value(without_nulls(metadata)).ok())
        .ok_or_else(|| error("metadata".to_owned(), "is required: give the Secret a name"))?;
    if metadata
        .name
        .as_deref()
        .is_none_or(|name| !is_object_name(name))
    {
        return Err(error(
            "metadata.name".to_owned(),
            "is required: give the Secret a name of lower-case letters, digits, - and . only",
        ));
    }
    for field in value.as_object().into_iter().flat_map(|map| map.keys()) {
        if ![
            "apiVersion",
            "kind",
            "metadata",
            "data",
            "stringData",
            "type",
            "immutable",
        ]
        .contains(&field.as_str())
        {
            return Err(error(
                field.clone(),
                "there is no such field in a Secret: it has data, stringData, type and immutable",
            ));
        }
    }
    let texts = |section: &str| -> Result<BTreeMap<String, String>, FieldError> {
        let mut found = BTreeMap::new();
        match value.get(section) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                for (key, value) in map {
                    let text = value.as_str().ok_or_else(|| {
                        error(
                            format!("{section}.{key}"),
                            "must be a text: put it into quotes",
                        )
                    })?;
                    found.insert(key.clone(), text.to_owned());
                }
            }
            Some(_) => {
                return Err(error(
                    section.to_owned(),
                    "must be an object of keys and texts",
                ));
            }
        }
        Ok(found)
    };
    let mut data = BTreeMap::new();
    for (key, text) in texts("data")? {
        // ByteString reads the base64 form.
        let bytes: ByteString = serde_json::from_value(Value::String(text)).map_err(|_| {
            error(
                format!("data.{key}"),
                "is not in base64: encode it, or put the plain text into stringData",
            )
        })?;
        data.insert(key, bytes);
    }
    // As the API server does: stringData wins, and is stored as data.
    for (key, text) in texts("stringData")? {
        data.insert(key, ByteString(text.into_bytes()));
    }
    Ok(Secret {
        metadata,
        data: Some(data),
        type_: value.get("type").and_then(Value::as_str).map(str::to_owned),
        immutable: value.get("immutable").and_then(Value::as_bool),
        ..Secret::default()
    })
}

/// The position of a field, or of the nearest thing around it.
fn lookup(positions: &BTreeMap<String, Position>, field: &str) -> Option<Position> {
    let mut field = field;
    loop {
        if let Some(position) = positions.get(field) {
            return Some(*position);
        }
        field = field.get(..field.rfind(['.', '['])?)?;
    }
}

// === impl Document ===

impl Document {
    /// Where a field is written, or the nearest thing around it.
    pub fn position_of(&self, field: &str) -> Position {
        lookup(&self.positions, field).unwrap_or(self.position)
    }

    /// Broken rules of this document, with their positions.
    pub fn locate(&self, errors: Vec<FieldError>) -> Vec<ManifestError> {
        errors
            .into_iter()
            .map(|error| ManifestError {
                position: Some(self.position_of(&error.field)),
                field: error.field,
                message: error.message,
            })
            .collect()
    }
}

// === impl Object ===

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(cluster) => f.debug_tuple("Cluster").field(cluster).finish(),
            // The name only: a Secret's own Debug shows its values.
            Self::Secret(secret) => f
                .debug_tuple("Secret")
                .field(&secret.metadata.name)
                .finish(),
        }
    }
}

// === impl ManifestError ===

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "line {}, column {}: ", position.line, position.column)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ManifestError {}
