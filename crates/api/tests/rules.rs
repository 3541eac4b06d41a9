//! Every rule of the CRD: what breaks it, what is said, and what beside it is allowed.
//!
//! The texts are golden, in `rules/refusals.txt`; `UPDATE_GOLDEN=1 cargo test -p ovo-api --test rules` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rules/case.rs"]
mod case;
mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use case::cases;
use ovo_api::validate::{broken_cluster_rules, cluster_rules, validate_value};

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
        let Some(near) = case.near() else { continue };
        if let Err(errors) = validate_value(near, case.old()) {
            panic!("{}: the neighbour is refused: {errors:#?}", case.name);
        }
    }
}

/// Else it could not be there already, and no change to it could be tried on a real API server.
#[test]
fn what_is_changed_was_accepted_before() {
    for case in cases() {
        let Some(old) = case.old() else { continue };
        if let Err(errors) = validate_value(old, None) {
            panic!("{}: the old object is refused: {errors:#?}", case.name);
        }
    }
}

#[test]
fn each_rule_has_a_case() {
    let broken: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| broken_cluster_rules(case.changed(), case.old()))
        .map(|broken| broken.rule)
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
