//! Objects as kustomize and helm print them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Objects by `kind/name`.
pub type Rendered = BTreeMap<String, Value>;

/// The objects of a text with several documents.
///
/// # Errors
/// When it is not YAML, or an object stands there twice or without a name.
pub fn objects(text: &str) -> Result<Rendered, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    let mut objects = Rendered::new();
    for object in documents.into_iter().filter(|d| !d.is_null()) {
        let word = |v: &Value| v.as_str().map(str::to_owned);
        let name = word(&object["kind"]).zip(word(&object["metadata"]["name"]));
        let (kind, name) = name.ok_or_else(|| format!("no kind or name: {object}"))?;
        let key = format!("{kind}/{name}");
        if objects.insert(key.clone(), object).is_some() {
            return Err(format!("{key} stands there twice"));
        }
    }
    Ok(objects)
}

/// Where two objects differ first, as a path and both values; `None` where they are equal.
pub fn difference(left: &Value, right: &Value) -> Option<String> {
    let within = |key: &str, l: &Value, r: &Value| difference(l, r).map(|d| format!("{key}.{d}"));
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => {
            let keys = l.keys().chain(r.keys());
            keys.into_iter().find_map(|key| {
                within(
                    key,
                    l.get(key).unwrap_or(&Value::Null),
                    r.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(l), Value::Array(r)) if l.len() == r.len() => (l.iter().zip(r).enumerate())
            .find_map(|(place, (l, r))| within(&place.to_string(), l, r)),
        _ if left == right => None,
        // `5.0` is kustomize's 5.
        (Value::Number(l), Value::Number(r)) if l.as_f64() == r.as_f64() => None,
        _ => Some(format!(" {left} and {right}")),
    }
}
