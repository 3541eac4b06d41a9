//! Helpers of the tests.

#![allow(dead_code, reason = "each test uses some of them")]

use std::path::PathBuf;

use serde_json::{Map, Value};

/// A path of the repository.
pub(crate) fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A file of `docs/examples`, as text.
pub(crate) fn example_text(name: &str) -> String {
    let path = root(&format!("docs/examples/{name}.yaml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A cluster of `docs/examples`.
pub(crate) fn example(name: &str) -> Value {
    serde_saphyr::from_str(&example_text(name)).unwrap()
}

/// Sets fields by their path, as errors name it. `null` takes a field away.
pub(crate) fn changed(mut object: Value, changes: &Map<String, Value>) -> Value {
    for (path, value) in changes {
        set(&mut object, path, value.clone());
    }
    object
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for part in path.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (
                name,
                Some(index.trim_end_matches(']').parse::<usize>().unwrap()),
            ),
            None => (part, None),
        };
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = place
            .as_object_mut()
            .unwrap_or_else(|| panic!("{path}: not an object at {part}"))
            .entry(name)
            .or_insert(Value::Null);
        if let Some(index) = index {
            let items = place
                .as_array_mut()
                .unwrap_or_else(|| panic!("{path}: not a list at {part}"));
            if index == items.len() {
                items.push(Value::Null);
            }
            place = &mut items[index];
        }
    }
    *place = value;
}

/// Compares with a file of this crate, or writes it when `UPDATE_GOLDEN` is set.
pub(crate) fn golden(path: &str, seen: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, seen).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    for (number, (wanted, seen)) in wanted.lines().zip(seen.lines()).enumerate() {
        assert_eq!(
            wanted,
            seen,
            "{path}, line {}: run again with UPDATE_GOLDEN=1 if the new text is right",
            number + 1
        );
    }
    assert_eq!(
        wanted.lines().count(),
        seen.lines().count(),
        "{path}: run again with UPDATE_GOLDEN=1 if the new text is right"
    );
}
