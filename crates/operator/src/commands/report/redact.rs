//! What must not leave: values of Secrets wherever they turn up, and whatever may be one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Gathered, left_out};

/// Shorter values of Secrets are not looked for: `admin` is in every text, and guessed in no time.
const SHORTEST_SECRET: usize = 6;
/// Shorter values of configuration and foreign annotations are left out where they stand, and not looked for elsewhere.
const SHORTEST_OTHER: usize = 8;
/// Annotations with this start are ours, and told.
const OURS: &str = "openvidu.io/";
const LEFT_OUT: &str = "(left out)";

/// Takes values out of objects and texts.
pub(super) struct Redactor {
    /// Longest first: one may be part of another.
    values: Vec<String>,
}

impl Redactor {
    pub(super) fn new(gathered: &Gathered) -> Self {
        let mut values = BTreeSet::new();
        for secret in &gathered.secrets {
            secret.each_value(|value| add(&mut values, value, SHORTEST_SECRET));
        }
        for object in gathered.clusters.iter().chain(&gathered.nodes) {
            for (name, value) in pairs(&object["metadata"]["annotations"]) {
                if !name.starts_with(OURS) {
                    add(&mut values, value, SHORTEST_OTHER);
                }
            }
            for (_, value) in pairs(&object["spec"]["config"]) {
                if !is_harmless(value) {
                    add(&mut values, value, SHORTEST_OTHER);
                }
            }
        }
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// An object of ours, or an event.
    pub(super) fn object(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        hide(&mut object, &["metadata", "annotations"], |name, _| {
            !name.starts_with(OURS)
        });
        hide(&mut object, &["spec", "config"], |_, value| {
            !value.as_str().is_some_and(is_harmless)
        });
        self.value(&object)
    }

    /// Any value, keys included.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.text(name), self.value(value)))
                .collect(),
            other => other.clone(),
        }
    }

    /// A text.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = without_passwords(text);
        for value in &self.values {
            if text.contains(value) {
                text = text.replace(value, LEFT_OUT);
            }
        }
        text
    }
}

/// A value, and how it would look in a text: trimmed, line by line, in base64, in JSON.
fn add(values: &mut BTreeSet<String>, value: &str, shortest: usize) {
    let mut one = |text: &str| {
        if text.len() >= shortest {
            values.insert(text.to_owned());
            let quoted = Value::from(text).to_string();
            values.insert(quoted[1..quoted.len() - 1].to_owned());
            values.insert(data_encoding::BASE64.encode(text.as_bytes()));
        }
    };
    one(value);
    one(value.trim());
    // Of a key or certificate, a line is enough to be recognised by.
    value.lines().map(str::trim).for_each(&mut one);
}

fn pairs(map: &Value) -> impl Iterator<Item = (&str, &str)> {
    let fields = map.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Whether it can be no secret.
fn is_harmless(value: &str) -> bool {
    // An access token may be all digits; a number of seconds or megabytes is short.
    let number = value.len() < SHORTEST_OTHER && value.parse::<f64>().is_ok();
    number || matches!(value, "true" | "false" | "")
}

fn hide(object: &mut Value, path: &[&str], which: impl Fn(&str, &Value) -> bool) {
    let found = path.iter().try_fold(object, |at, name| at.get_mut(*name));
    for (name, value) in found.and_then(Value::as_object_mut).into_iter().flatten() {
        if which(name, value) {
            *value = left_out();
        }
    }
}

/// Takes `user:password@` out of addresses.
fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#' | '\\'))
            .unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(user) => {
                out.push_str(LEFT_OUT);
                rest = &tail[user..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_go() {
        assert_eq!(
            without_passwords("see https://a:b@h/x, http://h and \"redis://:p@r\""),
            "see https://(left out)@h/x, http://h and \"redis://(left out)@r\""
        );
    }

    #[test]
    fn a_value_goes_in_every_guise() {
        let mut values = BTreeSet::new();
        add(
            &mut values,
            "first line\n\"second\" line\n",
            SHORTEST_SECRET,
        );
        for guise in ["second\\\" line", "first line", "Zmlyc3QgbGluZQ=="] {
            assert!(
                values.contains(guise) || values.iter().any(|v| v.ends_with(guise)),
                "{guise}"
            );
        }
    }

    #[test]
    fn what_may_be_a_secret_is_left_out_where_it_stands() {
        let object = serde_json::json!({
            "metadata": {"annotations": {"openvidu.io/drain": "disk", "other": "x"}, "managedFields": []},
            "spec": {"config": {"A": "true", "B": "30", "C": "token", "D": "1234567890"}},
        });
        let shown = Redactor { values: Vec::new() }.object(&object);
        assert_eq!(
            shown,
            serde_json::json!({
                "metadata": {"annotations": {"openvidu.io/drain": "disk", "other": LEFT_OUT}},
                "spec": {"config": {"A": "true", "B": "30", "C": LEFT_OUT, "D": LEFT_OUT}},
            })
        );
    }
}
