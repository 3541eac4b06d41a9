//! The three-way merge of `kubectl apply`: what the last manifest had and this one has not is removed; what this
//! one has is set; what neither has (a default, another's annotation) is left alone. Lists are replaced whole.

use serde_json::{Map, Value};

/// What the object becomes. A `null` in `wanted` removes, as in a JSON merge patch (RFC 7386).
pub(crate) fn merge(last: &Value, wanted: &Value, live: &Value) -> Value {
    let Value::Object(wanted) = wanted else {
        return wanted.clone();
    };
    let nothing = Map::new();
    let last = last.as_object().unwrap_or(&nothing);
    let mut merged = live.as_object().cloned().unwrap_or_default();
    merged.retain(|key, _| !last.contains_key(key) || wanted.contains_key(key));
    for (key, value) in wanted {
        if value.is_null() {
            merged.remove(key);
            continue;
        }
        let before = last.get(key).unwrap_or(&Value::Null);
        let now = merged.get(key).unwrap_or(&Value::Null);
        let next = merge(before, value, now);
        merged.insert(key.clone(), next);
    }
    Value::Object(merged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_what_is_wanted_and_keeps_what_nobody_wrote() {
        assert_eq!(
            merge(
                &json!({}),
                &json!({"a": 1}),
                &json!({"a": 0, "default": true})
            ),
            json!({"a": 1, "default": true})
        );
    }

    #[test]
    fn removes_what_was_written_before_and_is_not_any_more() {
        assert_eq!(
            merge(
                &json!({"gone": 1, "deep": {"gone": 1, "kept": 1}}),
                &json!({"deep": {"kept": 2}}),
                &json!({"gone": 1, "deep": {"gone": 1, "kept": 1, "other": 3}})
            ),
            json!({"deep": {"kept": 2, "other": 3}})
        );
    }

    #[test]
    fn null_removes_and_lists_are_replaced() {
        assert_eq!(
            merge(
                &json!({}),
                &json!({"deadline": null, "list": [1], "new": {"x": null, "y": 1}}),
                &json!({"deadline": "1h", "list": [2, 3]})
            ),
            json!({"list": [1], "new": {"y": 1}})
        );
    }

    #[test]
    fn a_value_replaces_a_map_and_a_map_a_value() {
        assert_eq!(
            merge(
                &json!({}),
                &json!({"a": 1, "b": {"c": 1}}),
                &json!({"a": {"x": 1}, "b": 2})
            ),
            json!({"a": 1, "b": {"c": 1}})
        );
    }
}
