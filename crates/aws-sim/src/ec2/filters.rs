//! Filters of the describing operations: all must match, each by one of its values; `*` and `?` stand for anything.

use crate::value::Record;
use crate::wire::Fault;

use super::Tags;

/// Whether a thing matches the request's filters. `values` gives what the thing has under a filter's name, `None`
/// for a name that the operation does not know.
pub(super) fn matches(
    input: &Record,
    tags: &Tags,
    values: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<bool, Fault> {
    for filter in input.records("Filters") {
        let name = filter.text("Name").unwrap_or_default();
        let wanted = filter.texts("Values");
        let has = match name.strip_prefix("tag:") {
            Some(key) => tags.get(key).cloned().into_iter().collect(),
            None if name == "tag-key" => tags.keys().cloned().collect(),
            None => values(name).ok_or_else(|| {
                Fault::new(
                    "InvalidParameterValue",
                    format!("The filter '{name}' is invalid"),
                )
            })?,
        };
        if !has.iter().any(|has| {
            wanted
                .iter()
                .any(|pattern| like(pattern.as_bytes(), has.as_bytes()))
        }) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            like(&pattern[1..], text) || (!text.is_empty() && like(pattern, &text[1..]))
        }
        (Some(b'?'), Some(_)) => like(&pattern[1..], &text[1..]),
        (Some(p), Some(t)) if p == t => like(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn wildcards_stand_for_anything() {
        for (pattern, text, yes) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("*", "", true),
        ] {
            assert_eq!(
                like(pattern.as_bytes(), text.as_bytes()),
                yes,
                "{pattern} {text}"
            );
        }
    }
}
