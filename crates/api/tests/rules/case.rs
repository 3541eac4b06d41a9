//! The cases of `cases.yaml`: for the test of our own validation, and for the one that asks a real API server.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::common;

/// One change to an example that breaks a rule, and one beside it that does not.
#[derive(Deserialize)]
pub(crate) struct Case {
    #[serde(rename = "case")]
    pub(crate) name: String,
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

    /// The object that is there already, for rules on changes.
    pub(crate) fn old(&self) -> Option<Value> {
        self.update.then(|| common::changed(self.base(), &self.was))
    }

    /// What is refused.
    pub(crate) fn changed(&self) -> Value {
        common::changed(self.base(), &self.set)
    }

    /// What beside it is accepted.
    pub(crate) fn near(&self) -> Option<Value> {
        self.near
            .as_ref()
            .map(|near| common::changed(self.base(), near))
    }
}

pub(crate) fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("cases.yaml")).unwrap()
}
