//! Whether the definitions that are installed know every field of this release.
//!
//! An API server drops fields that its definition does not know, without a word. It tells everybody what it knows in
//! its OpenAPI documents: no right is needed beside those that all accounts have.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Request;
use kube::Client;
use ovo_api::crds;
use serde_json::Value;
use tokio::time::timeout;

use super::transport::chain;
use crate::error::StoreError;

/// Where the server describes our kinds.
const DOCUMENT: &str = "/openapi/v3/apis/openvidu.io/v1alpha1";
/// How long the document may take. It is a hundred kilobytes, and made anew after a definition changed.
const ANSWER: Duration = Duration::from_secs(10);

/// What older definitions lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Fields that people write, such as `OpenViduCluster spec.drift`: a value there is dropped as if it were never said.
    pub spec: Vec<String>,
    /// Fields that the operator writes: what it must remember is dropped.
    pub status: Vec<String>,
}

/// Asks the server which fields of this release its definitions lack. `None` where there are no definitions, or only
/// one of the two.
///
/// # Errors
///
/// [`StoreError::Denied`] where the account may not read what the server publishes, [`StoreError::Unavailable`] where
/// there is no answer.
pub async fn lacking(client: &Client) -> Result<Option<Lacking>, StoreError> {
    let request = Request::get(DOCUMENT).body(Vec::new());
    let request = request.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let answer = timeout(ANSWER, client.request::<Value>(request)).await;
    let late = |_| StoreError::Unavailable(format!("get {DOCUMENT}: no answer within {ANSWER:?}"));
    match answer.map_err(late)? {
        Ok(document) => Ok(compare(&document)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403) => Err(
            StoreError::Denied(format!("get {DOCUMENT}: {}", status.message)),
        ),
        Err(error) => Err(StoreError::Unavailable(format!(
            "get {DOCUMENT}: {}",
            chain(&error)
        ))),
    }
}

fn compare(document: &Value) -> Option<Lacking> {
    let schemas = document["components"]["schemas"].as_object()?;
    let mut lacking = Lacking::default();
    for crd in crds() {
        let kind = crd.spec.names.kind;
        let is_kind = |schema: &&Value| {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|k| k["kind"] == kind.as_str()))
        };
        let installed = schemas.values().find(is_kind)?;
        let version = crd.spec.versions.into_iter().next()?;
        let ours = serde_json::to_value(version.schema?.open_api_v3_schema).ok()?;
        for (half, lacks) in [("spec", &mut lacking.spec), ("status", &mut lacking.status)] {
            let mut found = BTreeSet::new();
            let at = |schema: &Value| schema["properties"][half].clone();
            walk(&at(&ours), &at(installed), half, &mut found);
            lacks.extend(found.into_iter().map(|path| format!("{kind} {path}")));
        }
    }
    Some(lacking)
}

/// Gathers what `ours` has and `theirs` has not, the outermost of each.
fn walk(ours: &Value, theirs: &Value, path: &str, lacks: &mut BTreeSet<String>) {
    if theirs.is_null() {
        lacks.insert(path.to_owned());
        return;
    }
    if theirs["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (name, field) in ours["properties"].as_object().into_iter().flatten() {
        walk(
            field,
            &theirs["properties"][name],
            &format!("{path}.{name}"),
            lacks,
        );
    }
    for (inner, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if ours[inner].is_object() {
            walk(
                &ours[inner],
                &theirs[inner],
                &format!("{path}{mark}"),
                lacks,
            );
        }
    }
    // A value that is not known is refused, not dropped; it could not be written all the same.
    let known = theirs["enum"].as_array();
    for value in ours["enum"].as_array().into_iter().flatten() {
        if known.is_some_and(|known| !known.contains(value)) {
            lacks.insert(format!("{path}={}", value.as_str().unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    /// What a server publishes that has these definitions.
    fn published(change: impl Fn(&mut Value)) -> Value {
        let mut schemas = json!({});
        for crd in crds() {
            let (kind, mut version) = (crd.spec.names.kind, crd.spec.versions);
            let schema = version.remove(0).schema.unwrap().open_api_v3_schema;
            let mut schema = serde_json::to_value(schema).unwrap();
            schema["x-kubernetes-group-version-kind"] = json!([{"kind": kind}]);
            schemas[format!("io.openvidu.v1alpha1.{kind}")] = schema;
        }
        change(&mut schemas);
        json!({"components": {"schemas": schemas}})
    }

    fn remove(schemas: &mut Value, kind: &str, pointer: &str, field: &str) {
        let schema = &mut schemas[format!("io.openvidu.v1alpha1.{kind}")];
        let properties = schema.pointer_mut(pointer).unwrap();
        assert!(properties.as_object_mut().unwrap().remove(field).is_some());
    }

    #[test]
    fn this_release_lacks_nothing_of_itself() {
        assert_eq!(compare(&published(|_| {})), Some(Lacking::default()));
    }

    #[test]
    fn what_is_not_there_is_named_in_both_halves() {
        let older = published(|schemas| {
            let status = "/properties/status/properties";
            remove(
                schemas,
                "OpenViduCluster",
                "/properties/spec/properties",
                "drift",
            );
            remove(schemas, "OpenViduCluster", status, "intent");
            let step = "/properties/status/properties/pending/items/properties";
            remove(schemas, "OpenViduCluster", step, "since");
            let phases = &mut schemas["io.openvidu.v1alpha1.OpenViduNode"]["properties"]["status"]
                ["properties"]["phase"]["enum"];
            phases
                .as_array_mut()
                .unwrap()
                .retain(|phase| phase != "Standby");
        });
        let lacking = compare(&older).unwrap();
        assert_eq!(lacking.spec, ["OpenViduCluster spec.drift"]);
        assert_eq!(
            lacking.status,
            [
                "OpenViduCluster status.intent",
                "OpenViduCluster status.pending[].since",
                "OpenViduNode status.phase=Standby",
            ]
        );
    }

    #[test]
    fn one_definition_of_two_is_none() {
        let half = published(|schemas| {
            let all = schemas.as_object_mut().unwrap();
            all.remove("io.openvidu.v1alpha1.OpenViduNode");
        });
        assert_eq!(compare(&half), None);
    }
}
