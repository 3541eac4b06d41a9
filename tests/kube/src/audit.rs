//! What was asked, and by whom, as the server itself noted it.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

/// One request that the server answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audited {
    /// Who asked.
    pub user: String,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`; of reads `get`, `list` or `watch`.
    pub verb: String,
    /// The API group; empty for Kubernetes' core.
    pub group: String,
    /// Plural, such as `openviduclusters`.
    pub resource: String,
    /// `status` or `scale`; empty for the object itself.
    pub subresource: String,
    /// Empty for what has none.
    pub namespace: String,
    /// Empty for collections, and for creations whose body nobody read: those that were refused, or named by the server.
    pub name: String,
    /// The HTTP status code of the answer.
    pub code: u16,
}

const CHANGING: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

// === impl Audited ===

impl Audited {
    /// Whether the request asked for a change.
    pub(crate) fn is_change(&self) -> bool {
        CHANGING.contains(&self.verb.as_str())
    }
}

/// The policy: changing requests on what an operator may write, or else, with `everything`, all requests for anything.
/// Bodies are left out, so no Secret is in the log.
pub(crate) fn policy(everything: bool) -> Value {
    let others = if everything { "Metadata" } else { "None" };
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": true,
        "rules": [
            {"level": "None", "users": ["system:apiserver", crate::user::CONTROLLERS]},
            // The controllers act under accounts of their own.
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            {
                "level": "Metadata",
                "verbs": CHANGING,
                "resources": [
                    {"group": "openvidu.io"},
                    {"group": "", "resources": ["secrets"]},
                    {"group": "events.k8s.io"},
                    {"group": "coordination.k8s.io"},
                ],
            },
            {"level": others},
        ],
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    user: User,
    verb: String,
    /// Not there when the request was for no object, such as `/version`.
    object_ref: Option<Object>,
    #[serde(default)]
    response_status: Status,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    code: u16,
}

/// Reads the log. The last line may still be being written; it is left out then.
pub(crate) fn read(log: &Path) -> io::Result<Vec<Audited>> {
    let text = match fs::read_to_string(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| Ok(serde_json::from_str::<Line>(line)?.audited()))
        .filter_map(Result::transpose)
        .collect()
}

// === impl Line ===

impl Line {
    fn audited(self) -> Option<Audited> {
        let object = self.object_ref?;
        Some(Audited {
            user: self.user.username,
            verb: self.verb,
            group: object.api_group,
            resource: object.resource,
            subresource: object.subresource,
            namespace: object.namespace,
            name: object.name,
            code: self.response_status.code,
        })
    }
}
