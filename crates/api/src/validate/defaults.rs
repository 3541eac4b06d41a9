//! Defaulting, as the API server does it.

use serde_json::Value;

use crate::crd;

/// Fills in the schema's defaults of a cluster in JSON, and drops `null`s, as the API server would on a write.
pub fn apply_defaults(object: &mut Value) {
    fill(object, &crd::CLUSTER);
}

/// Fills in the schema's defaults of a node in JSON, and drops `null`s.
pub fn apply_node_defaults(object: &mut Value) {
    fill(object, &crd::NODE);
}

/// Goes into defaults that were just filled in, because an object that is filled in empty has fields of its own.
fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                // No field of ours is nullable: a null is an absent field.
                map.retain(|name, value| !(value.is_null() && properties.contains_key(name)));
                for (name, property) in properties {
                    if let Some(default) = property.get("default")
                        && !map.contains_key(name)
                    {
                        map.insert(name.clone(), default.clone());
                    }
                    if let Some(value) = map.get_mut(name) {
                        fill(value, property);
                    }
                }
            }
            if let Some(values) = schema.get("additionalProperties") {
                for value in map.values_mut() {
                    fill(value, values);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    fill(item, schema);
                }
            }
        }
        _ => {}
    }
}
