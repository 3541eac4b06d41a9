//! Every rule of the CRD: what breaks it, what is said, and what beside it is allowed.
//!
//! The texts are golden, in `rules/refusals.txt`; `UPDATE_GOLDEN=1 cargo test -p ovo-api --test rules` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ovo_api::validate::{broken_cluster_rules, cluster_rules, validate_value};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "case")]
    name: String,
    base: String,
    #[serde(default)]
    update: bool,
    #[serde(default)]
    was: Map<String, Value>,
    set: Map<String, Value>,
    /// Absent where nothing beside the case could be allowed.
    near: Option<Map<String, Value>>,
}

impl Case {
    fn base(&self) -> Value {
        common::example(match self.base.as_str() {
            "v2" => "v2-aws",
            "v3" => "v3-onprem",
            other => panic!("{}: there is no example {other}", self.name),
        })
    }

    fn old(&self) -> Option<Value> {
        self.update.then(|| common::changed(self.base(), &self.was))
    }

    fn changed(&self) -> Value {
        common::changed(self.base(), &self.set)
    }
}

fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("rules/cases.yaml")).unwrap()
}

#[test]
fn each_case_is_refused_in_these_words() {
    let mut seen = String::new();
    for case in cases() {
        let errors = validate_value(case.changed(), case.old()).expect_err(&case.name);
        writeln!(seen, "{}", case.name).unwrap();
        for error in errors {
            writeln!(seen, "    {error}").unwrap();
        }
    }
    common::golden("tests/rules/refusals.txt", &seen);
}

#[test]
fn what_stands_beside_each_case_is_accepted() {
    for case in cases() {
        let Some(near) = &case.near else { continue };
        let near = common::changed(case.base(), near);
        if let Err(errors) = validate_value(near, case.old()) {
            panic!("{}: the neighbour is refused: {errors:#?}", case.name);
        }
    }
}

#[test]
fn each_rule_has_a_case() {
    let broken: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| broken_cluster_rules(case.changed(), case.old()))
        .collect();
    let without: Vec<(String, String)> = cluster_rules()
        .into_iter()
        .filter(|(_, rule)| !broken.contains(rule))
        .collect();
    assert!(
        without.is_empty(),
        "no case in tests/rules/cases.yaml breaks {without:#?}"
    );
}

#[test]
fn no_refusal_repeats_what_may_be_secret() {
    for case in cases() {
        for error in validate_value(case.changed(), case.old()).unwrap_err() {
            assert!(
                !error.to_string().contains("hidden"),
                "{}: {error}",
                case.name
            );
        }
    }
}
