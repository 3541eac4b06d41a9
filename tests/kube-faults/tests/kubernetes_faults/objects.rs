//! What lies in a namespace at the end of a run, without what differs between runs.

use std::collections::{BTreeMap, BTreeSet};

use ovo_kube::ApiServer;
use serde_json::{Map, Value, json};

/// Objects by kind and name; those whose names are drawn by lot and become the same are numbered.
pub type Objects = BTreeMap<String, Value>;

/// The objects of a namespace, masked. `names` are those that a run has for itself: they differ between runs.
pub fn objects(api: &ApiServer, namespace: &str, names: &[&str]) -> Objects {
    let mut objects = Objects::new();
    let ours = "/apis/openvidu.io/v1alpha1";
    for (group, kind) in [
        (ours, "openviduclusters"),
        (ours, "openvidunodes"),
        ("/api/v1", "secrets"),
    ] {
        let path = format!("{group}/namespaces/{namespace}/{kind}");
        let list = api.request("GET", &path, None).unwrap();
        assert_eq!(list.code, 200, "{path}: {}", list.body);
        let items = list.body["items"].as_array().unwrap().iter();
        objects.extend(numbered(kind, items.map(|object| mask("", object, names))));
    }
    objects
}

/// Masked objects of one kind by name. Of those with the same name, instances of a cloud, the order is that of what they say.
fn numbered(kind: &str, masked: impl Iterator<Item = Value>) -> Objects {
    let mut all: Vec<(String, Value)> = masked.map(|object| (object.to_string(), object)).collect();
    all.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut objects = Objects::new();
    for (_, object) in all {
        let name = object["metadata"]["name"].as_str().unwrap();
        let key = format!("{kind}/{name}");
        let numbers = (1..).map(|number| format!("{key} ({number})"));
        let mut keys = std::iter::once(key.clone()).chain(numbers);
        let free = keys.find(|key| !objects.contains_key(key));
        objects.insert(free.expect("a number"), object);
    }
    objects
}

/// Masks what names a run or a moment of it, and what a secret says.
fn mask(field: &str, value: &Value, names: &[&str]) -> Value {
    match (field, value) {
        // An epoch counts the operators that began to act, a revision what they committed to.
        ("uid" | "resourceVersion" | "epoch" | "revision", _) => json!("masked"),
        ("managedFields", Value::Array(entries)) => json!(managers(entries)),
        ("data", Value::Object(data)) => json!(data.keys().collect::<Vec<_>>()),
        (_, Value::Object(fields)) => fields
            .iter()
            .map(|(field, value)| (field.clone(), mask(field, value, names)))
            .collect(),
        (_, Value::Array(all)) => all.iter().map(|v| mask(field, v, names)).collect(),
        (_, Value::String(text)) if is_time(text) => json!("a time"),
        (_, Value::String(text)) => {
            let hidden = |text: String, name: &&str| text.replace(name, "name");
            let text = names.iter().fold(text.clone(), hidden);
            json!(without_digests(&text))
        }
        (_, other) => other.clone(),
    }
}

/// Who wrote to an object, and to which part of it.
fn managers(entries: &[Value]) -> BTreeSet<String> {
    let word = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("object").to_owned();
    let entries = entries.iter();
    entries
        .map(|entry| {
            format!(
                "{} of {}",
                word(entry, "manager"),
                word(entry, "subresource")
            )
        })
        .collect()
}

/// Digests follow from the secrets that each run generates. They have 16 or 32 digits, and the ids of instances, which a
/// cloud draws by lot, have 17.
fn without_digests(text: &str) -> String {
    let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let word = |word: &str| {
        let rest = word.trim_end_matches([',', ';', '"', ')']);
        let digits = rest.trim_start_matches(|c: char| !is_digit(c));
        matches!(digits.len(), 16 | 17 | 32) && digits.chars().all(is_digit)
    };
    let parts = text.split_inclusive([' ', ':', '-']);
    let mask = |part: &str| {
        let end = part.trim_end_matches([' ', ':', '-']);
        if word(end) {
            part.replace(end, "digest")
        } else {
            part.to_owned()
        }
    };
    parts.map(mask).collect()
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}

/// Every place where objects are not as they should be.
pub fn difference(found: &Objects, expected: &Objects) -> Vec<String> {
    let mut places = Vec::new();
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    for key in keys {
        let at = |objects: &Objects| objects.get(key).cloned().unwrap_or_default();
        compare(key, &at(found), &at(expected), &mut places);
    }
    places
}

fn compare(path: &str, found: &Value, expected: &Value, places: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(left), Value::Object(right)) => {
            let fields: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for field in fields {
                let at = |fields: &Map<String, Value>| fields.get(field).cloned();
                let (left, right) = (at(left), at(right));
                let path = format!("{path}.{field}");
                compare(
                    &path,
                    &left.unwrap_or_default(),
                    &right.unwrap_or_default(),
                    places,
                );
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (number, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{number}]"), left, right, places);
            }
        }
        _ if found == expected => {}
        _ => places.push(format!("{path} is {found}, not {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "openvidunodes/demo-w01";

    fn of(object: &Value) -> Objects {
        [(NODE.to_owned(), mask("", object, &[]))].into()
    }

    #[test]
    fn what_differs_between_runs_is_no_difference() {
        let run = |namespace: &str, uid: &str, at: &str, digest: &str| {
            let object = json!({
                "metadata": {"namespace": namespace, "uid": uid, "creationTimestamp": at},
                "status": {"version": format!("3.8.0-{digest}"), "phase": "Serving"},
            });
            let masked = mask("", &object, &[namespace]);
            Objects::from([(NODE.to_owned(), masked)])
        };
        let one = run("run-00007", "a", "2026-11-24T13:15:10Z", "6842c7475a40cc5a");
        let other = run(
            "run-00008",
            "b",
            "2026-11-24T14:00:00.123456Z",
            "db1e4df357692bc6",
        );
        assert_eq!(difference(&one, &other), Vec::<String>::new());
    }

    #[test]
    fn instances_are_compared_by_what_they_say() {
        let run = |ids: [&str; 3], phases: [&str; 3]| {
            let instances = ids.iter().zip(phases).map(|(id, phase)| {
                let metadata = json!({"name": format!("demo-{id}")});
                let instance = json!({
                    "metadata": metadata,
                    "spec": {"machine": id},
                    "status": {"phase": phase},
                });
                mask("", &instance, &[])
            });
            numbered("openvidunodes", instances)
        };
        let ids = [
            "i-51d84cd6e24fe0001",
            "i-0a1b2c3d4e5f60002",
            "i-11d84cd6e24fe0003",
        ];
        let others = ["i-9", "i-0", "i-4"].map(|id| format!("{id}1d84cd6e24fe0001"));
        let others = [&*others[0], &*others[1], &*others[2]];
        let one = run(ids, ["Serving", "Failed", "Serving"]);
        assert_eq!(one.len(), 3);
        let other = run(others, ["Failed", "Serving", "Serving"]);
        assert_eq!(difference(&one, &other), Vec::<String>::new());
        let worse = run(others, ["Failed", "Failed", "Serving"]);
        assert_eq!(difference(&one, &worse).len(), 1);
    }

    #[test]
    fn what_is_too_much_or_missing_or_else_is_named() {
        let node = json!({"metadata": {"finalizers": ["a"]}, "status": {"phase": "Serving"}});
        let other = json!({"metadata": {"finalizers": ["a"]}, "status": {"phase": "Failed"}});
        let word = format!("{NODE}.status.phase is \"Failed\", not \"Serving\"");
        assert_eq!(difference(&of(&other), &of(&node)), [word]);
        assert_eq!(difference(&of(&node), &Objects::new()).len(), 1);
        assert_eq!(difference(&Objects::new(), &of(&node)).len(), 1);
    }
}
