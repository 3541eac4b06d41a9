//! What the API server says of an object, beside what our own validation says.

use std::fmt;

use ovo_api::FieldError;
use ovo_api::validate::BrokenRule;
use ovo_kube::Answer;
use serde_json::Value;

/// One thing that the server has against an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    field: String,
    message: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What it has against the object; nothing, when it takes it.
pub(crate) fn causes(answer: &Answer) -> Vec<Cause> {
    if answer.code < 300 {
        return Vec::new();
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = text(&answer.body["message"]);
    // Fields that it does not know are found while it reads the object, and it says so in one text for all.
    if answer.code == 400 && said.contains("strict decoding error") {
        return said
            .split("unknown field \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(|field| Cause {
                field: field.to_owned(),
                message: "unknown field".to_owned(),
            })
            .collect();
    }
    let Some(causes) = answer
        .body
        .pointer("/details/causes")
        .and_then(Value::as_array)
    else {
        return vec![Cause {
            field: String::new(),
            message: said,
        }];
    };
    causes
        .iter()
        .map(|cause| Cause {
            // A path that is empty.
            field: text(&cause["field"]).replace("<nil>", ""),
            message: text(&cause["message"]),
        })
        // About the other causes, not about the object.
        .filter(|cause| {
            !cause
                .message
                .contains("some validation rules were not checked")
        })
        .collect()
}

/// Where the server and our own validation differ. A rule of the CRD must be told in the same words by both; where a value breaks
/// a bound, the server has words of its own, and the field must be the same.
pub(crate) fn differences(
    ours: &[FieldError],
    rules: &[BrokenRule],
    causes: &[Cause],
) -> Vec<String> {
    let mut left = causes.to_vec();
    let mut take = |fits: &dyn Fn(&Cause) -> bool| {
        left.iter()
            .position(fits)
            .map(|place| left.remove(place))
            .is_some()
    };
    let (by_rule, by_bound): (Vec<_>, Vec<_>) = ours
        .iter()
        .partition(|error| rules.iter().any(|broken| broken.error == **error));
    let mut found = Vec::new();
    for error in by_rule {
        // The server puts the value before the words.
        let end = format!(": {}", error.message);
        if !take(&|cause| cause.field == error.field && cause.message.ends_with(&end)) {
            found.push(format!("we alone say {error}"));
        }
    }
    for error in by_bound {
        if !take(&|cause| cause.field == error.field) {
            found.push(format!("we alone say {error}"));
        }
    }
    found.extend(
        left.iter()
            .map(|cause| format!("the server alone says {cause}")),
    );
    found
}
