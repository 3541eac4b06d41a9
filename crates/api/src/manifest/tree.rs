//! YAML as a tree in which every node knows its line and column.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::ManifestError;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// A node of a document.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, Position, Node)>),
}

/// Reads all documents, and says what is no YAML.
pub(super) fn read(text: &str) -> (Vec<Node>, Vec<ManifestError>) {
    let options = serde_saphyr::options! {
        // `on`, `off`, `yes` and `no` are texts, as in YAML 1.2.
        strict_booleans: true,
        // Neither source lines nor anything else of the file gets into messages: it may hold Secrets.
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_aliases: 1_000,
            max_nodes: 100_000,
        },
    };
    let mut nodes = Vec::new();
    let mut errors = Vec::new();
    let mut reader = text.as_bytes();
    for document in serde_saphyr::read_with_options::<_, Spanned<Shape>>(&mut reader, options) {
        match document {
            Ok(spanned) => nodes.push(Node::from(spanned)),
            Err(error) => errors.push(describe(&error)),
        }
    }
    (nodes, errors)
}

fn describe(error: &serde_saphyr::Error) -> ManifestError {
    let position = error.location().map(|at| Position {
        line: at.line(),
        column: at.column(),
    });
    let mut message = error.without_snippet().to_string();
    // The position stands before the message.
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    ManifestError {
        position,
        field: String::new(),
        message: format!("this is no YAML that can be read: {message}"),
    }
}

// === impl Node ===

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.shape, Shape::Scalar(Value::Null))
    }

    /// The node as JSON, with the position of each field by its path.
    pub(super) fn lower(&self) -> (Value, BTreeMap<String, Position>) {
        let mut positions = BTreeMap::new();
        let value = self.lower_into("", &mut positions);
        (value, positions)
    }

    fn lower_into(&self, path: &str, positions: &mut BTreeMap<String, Position>) -> Value {
        match &self.shape {
            Shape::Scalar(value) => value.clone(),
            Shape::List(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let path = format!("{path}[{index}]");
                        positions.insert(path.clone(), item.position);
                        item.lower_into(&path, positions)
                    })
                    .collect(),
            ),
            Shape::Map(entries) => {
                let mut map = Map::new();
                for (key, position, value) in entries {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    positions.insert(path.clone(), *position);
                    map.insert(key.clone(), value.lower_into(&path, positions));
                }
                Value::Object(map)
            }
        }
    }
}

impl From<Spanned<Shape>> for Node {
    fn from(spanned: Spanned<Shape>) -> Self {
        Self {
            position: Position::from(spanned.referenced),
            shape: spanned.value,
        }
    }
}

impl From<serde_saphyr::Location> for Position {
    fn from(location: serde_saphyr::Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

// === impl Shape ===

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false, a list or an object")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::Bool(value)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::from(value)))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::from(value)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
                Ok(Shape::Scalar(
                    Number::from_f64(value).map_or(Value::Null, Value::Number),
                ))
            }

            fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::String(value.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Shape, E> {
                Ok(Shape::Scalar(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
                Shape::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<Spanned<Shape>>()? {
                    list.push(Node::from(item));
                }
                Ok(Shape::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
                let mut map = Vec::new();
                while let Some(key) = entries.next_key::<Spanned<String>>()? {
                    let value: Spanned<Shape> = entries.next_value()?;
                    map.push((key.value, Position::from(key.referenced), Node::from(value)));
                }
                Ok(Shape::Map(map))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
