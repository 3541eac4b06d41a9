//! A schema as a flat list of fields.

use serde_json::Value;

/// One field of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Path, with `[]` for any member of a list.
    pub(super) path: String,
    /// Type and bounds, in words.
    pub(super) kind: String,
    /// Default that is stored with the object.
    pub(super) default: Option<String>,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it means.
    pub(super) meaning: String,
}

/// All fields below a path of a schema, parents first.
pub(super) fn below(schema: &Value, path: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some(start) = schema.pointer(&format!("/properties/{path}")) {
        walk(start, path, &mut fields);
    }
    fields
}

fn walk(schema: &Value, path: &str, fields: &mut Vec<Field>) {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let path = format!("{path}.{name}");
        fields.push(Field {
            path: path.clone(),
            kind: kind(property),
            default: property
                .get("default")
                .filter(|default| !is_empty_object(default))
                .map(plain),
            required: required.contains(&name.as_str()),
            meaning: one_line(
                property
                    .get("description")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            ),
        });
        walk(property, &path, fields);
        if let Some(items) = property.get("items") {
            walk(items, &format!("{path}[]"), fields);
        }
    }
}

/// A default that only makes its members' defaults apply says nothing to people.
fn is_empty_object(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|map| map.values().all(is_empty_object))
}

fn kind(schema: &Value) -> String {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let range = |least: Option<f64>, most: Option<f64>| match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    };
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(|value| format!("`{}`", plain(value)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    match schema.get("type").and_then(Value::as_str).unwrap_or("any") {
        "integer" => format!(
            "whole number{}",
            range(number("minimum"), number("maximum"))
        ),
        "boolean" => "true or false".to_owned(),
        "string" if schema.get("format").and_then(Value::as_str) == Some("date-time") => {
            "point in time".to_owned()
        }
        "string" => match schema.get("pattern").and_then(Value::as_str) {
            Some(crate::value::Duration::PATTERN) => "duration".to_owned(),
            Some(crate::value::Percent::PATTERN) => "percentage".to_owned(),
            _ => format!(
                "text{}",
                number("maxLength")
                    .map(|most| format!(", at most {most} characters"))
                    .unwrap_or_default()
            ),
        },
        "array" => {
            let most = number("maxItems")
                .map(|most| format!(", at most {most}"))
                .unwrap_or_default();
            let of = schema
                .get("items")
                .map(kind)
                .filter(|of| of != "object")
                .map(|of| format!(" of: {of}"));
            format!("list{most}{}", of.unwrap_or_default())
        }
        "object" if schema.get("additionalProperties").is_some() => {
            format!(
                "map{}",
                number("maxProperties")
                    .map(|most| format!(", at most {most}"))
                    .unwrap_or_default()
            )
        }
        other => other.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
