//! The part of OpenAPI validation that our schemas use: types, required and unknown fields, enumerations,
//! ranges, lengths, patterns, formats, and lists without duplicates.
//!
//! kube-cel runs CEL rules only, and the general JSON-schema crates cost more to build than these two hundred
//! lines; their messages would not say the way out either. A test
//! refuses a schema with a keyword that is not looked at here.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use super::FieldError;
use crate::value::{Duration, Percent};

/// The pattern of values of OpenVidu's configuration, which is a file of lines.
const ONE_LINE: &str = r"^[^\r\n]*$";

/// A broken bound.
pub(super) struct Violation {
    pub(super) error: FieldError,
    /// Whether the API server looks at no rule because of it: wrong types, what is missing, too long or not in an enumeration.
    pub(super) hides_rules: bool,
}

/// A node of a schema.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    kind: Option<Kind>,
    properties: BTreeMap<String, Bounds>,
    /// Whether fields that the schema does not know are allowed: only in metadata, which is Kubernetes' own.
    open: bool,
    required: BTreeSet<String>,
    values: Option<Box<Bounds>>,
    items: Option<Box<Bounds>>,
    unique: Option<Unique>,
    allowed: Vec<Value>,
    range: (Option<i64>, Option<i64>),
    length: (Option<usize>, Option<usize>),
    pattern: Option<(Regex, String)>,
    date_time: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
}

/// What may not occur twice in a list.
#[derive(Clone, Debug)]
enum Unique {
    Items,
    Key(String),
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }
}

// === impl Bounds ===

impl Bounds {
    /// The bounds of a kind.
    pub(super) fn of_kind(schema: &Value) -> Self {
        let mut bounds = Self::compile(schema);
        if let Some(metadata) = bounds.properties.get_mut("metadata") {
            metadata.open = true;
        }
        bounds
    }

    fn compile(schema: &Value) -> Self {
        let at = |key: &str| schema.get(key);
        let size = |key: &str| {
            at(key)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        // JSONSchemaProps holds ranges as floats.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "our ranges are small whole numbers"
        )]
        let number = |key: &str| at(key).and_then(Value::as_f64).map(|n| n as i64);
        let kind = at("type").and_then(Value::as_str).and_then(Kind::parse);
        let length = match kind {
            Some(Kind::Array) => (size("minItems"), size("maxItems")),
            Some(Kind::Object) => (size("minProperties"), size("maxProperties")),
            _ => (size("minLength"), size("maxLength")),
        };
        Self {
            kind,
            properties: at("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(name, property)| (name.clone(), Self::compile(property)))
                .collect(),
            open: false,
            required: texts(at("required")).collect(),
            values: at("additionalProperties")
                .filter(|v| v.is_object())
                .map(|v| Box::new(Self::compile(v))),
            items: at("items").map(|items| Box::new(Self::compile(items))),
            unique: match at("x-kubernetes-list-type").and_then(Value::as_str) {
                Some("set") => Some(Unique::Items),
                Some("map") => texts(at("x-kubernetes-list-map-keys"))
                    .next()
                    .map(Unique::Key),
                _ => None,
            },
            allowed: at("enum")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            range: (number("minimum"), number("maximum")),
            length,
            pattern: at("pattern").and_then(Value::as_str).and_then(|text| {
                Regex::new(text)
                    .ok()
                    .map(|pattern| (pattern, text.to_owned()))
            }),
            date_time: at("format").and_then(Value::as_str) == Some("date-time"),
        }
    }

    /// Everything that is wrong with an object.
    pub(super) fn check(&self, object: &Value) -> Vec<Violation> {
        let mut found = Vec::new();
        self.walk("", object, &mut found);
        found
    }

    fn walk(&self, path: &str, value: &Value, found: &mut Vec<Violation>) {
        let mut refuse = |hides_rules: bool, message: String| {
            found.push(Violation {
                error: FieldError {
                    field: path.to_owned(),
                    message,
                },
                hides_rules,
            });
        };
        if let Some(kind) = self.kind
            && !kind.holds(value)
        {
            let hint = if kind == Kind::Text {
                ": put it into quotes"
            } else {
                ""
            };
            refuse(
                true,
                format!("is {}, but must be {}{hint}", shape(value), kind.name()),
            );
            return;
        }
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            let allowed: Vec<String> = self.allowed.iter().map(plain).collect();
            refuse(
                true,
                format!("{} is not one of {}", describe(value), allowed.join(", ")),
            );
        }
        if let Some(number) = value.as_i64() {
            if let Some(least) = self.range.0.filter(|least| number < *least) {
                refuse(false, format!("is {number}, but must be at least {least}"));
            }
            if let Some(most) = self.range.1.filter(|most| number > *most) {
                refuse(false, format!("is {number}, but must be at most {most}"));
            }
        }
        if let Some((length, unit)) = length_of(value) {
            if let Some(least) = self.length.0.filter(|least| length < *least) {
                refuse(
                    false,
                    format!("has {length} {unit}, but must have at least {least}"),
                );
            }
            if let Some(most) = self.length.1.filter(|most| length > *most) {
                refuse(
                    true,
                    format!("has {length} {unit}, but may have at most {most}"),
                );
            }
        }
        if let Some(text) = value.as_str() {
            if let Some((pattern, written)) = &self.pattern
                && !pattern.is_match(text)
            {
                refuse(false, wanted(value, written));
            }
            if self.date_time && text.parse::<jiff::Timestamp>().is_err() {
                refuse(
                    true,
                    format!(
                        "{} is no point in time: write it as in RFC 3339, such as 2026-12-01T14:00:00Z",
                        describe(value)
                    ),
                );
            }
        }
        match value {
            Value::Object(map) => self.walk_object(path, map, found),
            Value::Array(items) => self.walk_list(path, items, found),
            _ => {}
        }
    }

    fn walk_object(
        &self,
        path: &str,
        map: &serde_json::Map<String, Value>,
        found: &mut Vec<Violation>,
    ) {
        for name in &self.required {
            if !map.contains_key(name) {
                found.push(Violation {
                    error: FieldError {
                        field: join(path, name),
                        message: "is required: add it".to_owned(),
                    },
                    hides_rules: true,
                });
            }
        }
        for (name, value) in map {
            if let Some(bounds) = self.properties.get(name) {
                bounds.walk(&join(path, name), value, found);
            } else if let Some(bounds) = &self.values {
                bounds.walk(&join(path, name), value, found);
            } else if !self.open {
                found.push(Violation {
                    error: FieldError {
                        field: join(path, name),
                        message: self.unknown(path, name),
                    },
                    hides_rules: false,
                });
            }
        }
    }

    fn unknown(&self, path: &str, name: &str) -> String {
        let place = if path.is_empty() { "the object" } else { path };
        match closest(name, self.properties.keys()) {
            Some(meant) => format!("there is no such field in {place}: did you mean {meant}?"),
            None if self.properties.is_empty() => {
                format!("there is no such field in {place}: it has none; remove it")
            }
            None => {
                let known: Vec<&str> = self.properties.keys().map(String::as_str).collect();
                format!(
                    "there is no such field in {place}: it has {}",
                    known.join(", ")
                )
            }
        }
    }

    fn walk_list(&self, path: &str, items: &[Value], found: &mut Vec<Violation>) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let identity = match &self.unique {
                Some(Unique::Items) => Some(item.to_string()),
                Some(Unique::Key(key)) => item.get(key).map(Value::to_string),
                None => None,
            };
            if let Some(identity) = identity
                && !seen.insert(identity.clone())
            {
                let what = match &self.unique {
                    Some(Unique::Key(key)) => format!("{key} "),
                    _ => String::new(),
                };
                found.push(Violation {
                    error: FieldError {
                        field: path.clone(),
                        message: format!("{what}{identity} occurs twice: remove one"),
                    },
                    hides_rules: false,
                });
            }
            if let Some(bounds) = &self.items {
                bounds.walk(&path, item, found);
            }
        }
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = String> + use<'_> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// What kind of value it is: the value itself may be a secret that got into the wrong place.
const fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        Value::Bool(_) => "true or false",
    }
}

/// A value in a message: short, so that a wrong file does not fill the screen.
fn describe(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) | Value::Array(_) => shape(value).to_owned(),
        Value::String(text) if text.chars().count() > 64 => {
            format!("\"{}…\"", text.chars().take(64).collect::<String>())
        }
        scalar => scalar.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn length_of(value: &Value) -> Option<(usize, &'static str)> {
    match value {
        Value::String(text) => Some((text.chars().count(), "characters")),
        Value::Array(items) => Some((items.len(), "items")),
        Value::Object(map) => Some((map.len(), "entries")),
        _ => None,
    }
}

/// What a pattern asks for, in words.
fn wanted(value: &Value, pattern: &str) -> String {
    let value = describe(value);
    match pattern {
        Duration::PATTERN => {
            format!(
                "{value} is no duration: write whole numbers with h, m, s or ms, largest first, such as 5s, 10m or 1h30m"
            )
        }
        Percent::PATTERN => {
            format!(
                "{value} is no percentage: write a whole number from 0 to 100 and the sign, such as 40%"
            )
        }
        ONE_LINE => "has a line break, but must be one line: remove it".to_owned(),
        other => format!("is not of the form {other}"),
    }
}

/// The known name that a mistyped one most likely means.
fn closest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    known
        .map(|known| {
            (
                distance(&wanted, &known.to_ascii_lowercase()),
                known.as_str(),
            )
        })
        .filter(|(distance, known)| *distance <= 2.min(known.len() / 2))
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, right) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let before = row.get(j).copied().unwrap_or(usize::MAX);
            let next = (diagonal + usize::from(left != *right))
                .min(above.saturating_add(1))
                .min(before.saturating_add(1));
            diagonal = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = next;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}
