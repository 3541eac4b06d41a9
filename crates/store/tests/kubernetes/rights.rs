//! What the operator may do.

use serde_json::{Value, json};

use crate::server::{OPERATOR, WATCHER};

/// All that the store needs and nothing else.
pub fn rules() -> Vec<Value> {
    vec![
        rule(
            "openvidu.io",
            &["openviduclusters"],
            &["get", "list", "watch", "patch"],
        ),
        rule(
            "openvidu.io",
            &["openvidunodes"],
            &["get", "list", "watch", "create", "patch", "delete"],
        ),
        rule(
            "openvidu.io",
            &["openviduclusters/status", "openvidunodes/status"],
            &["update"],
        ),
        rule("openvidu.io", &["openviduclusters/finalizers"], &["update"]),
        rule("", &["secrets"], &["get", "create", "patch"]),
        rule("events.k8s.io", &["events"], &["create", "patch"]),
    ]
}

/// What a watch of Secrets needs beside that.
pub fn watch_secrets() -> Value {
    rule("", &["secrets"], &["list", "watch"])
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

/// The rights of both users of the tests, in all namespaces.
pub fn cluster_wide() -> Vec<Value> {
    let grant = |name: &str, rules: &[Value]| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules});
    let bind = |user: &str, role: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{user}-{role}")},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        })
    };
    vec![
        grant("ovo-operator", &rules()),
        grant("ovo-secrets", &[watch_secrets()]),
        bind(OPERATOR, "ovo-operator"),
        bind(WATCHER, "ovo-operator"),
        bind(WATCHER, "ovo-secrets"),
    ]
}
